"""Tell the server that something was written on a pull request: ids, and nothing of what they name.

What was written is neither sent nor looked at here; the server reads it from GitHub itself, with its writer's rights.
"""

from gh_actions.toolkit import Action, cell

INPUTS = ("server", "token", "audience")
OUTPUTS = ("relayed",)


def run(action: Action) -> int:
    """0 also where there is nothing to tell."""
    seen = action.seen()
    if seen is None:
        return _done(action, False, "nothing to relay: this event is not about a pull request")
    action.client().relay(action.repository, seen.issue, comment=seen.comment, review=seen.review)
    return _done(action, True, f"the server looks at pull request {seen.issue} now")


def _done(action: Action, relayed: bool, told: str) -> int:
    action.output("relayed", "true" if relayed else "false")
    action.summarise(cell(told), [])
    action.say(told)
    return 0
