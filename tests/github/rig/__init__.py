"""A stateful GitHub for the tests: emulate (npm), with a thin front of ours that adds what it lacks.

    def test_a_story(github: GitHub) -> None:
        github.write("ratchet.yaml", TEXT)
        product = start(api=github.url, app_id=github.app_id, private_key=github.private_key)
        github.hook(product.webhook, "s3cret", "issue_comment", "pull_request_review")
        github.until(lambda: github.pulls() != [])
        pull = github.pulls()[0]["number"]
        comment = github.as_("alice").comment(pull, "/approve")
        github.until(lambda: github.reactions(comment) == ["eyes", "+1"])
        assert github.violations.requests == []

People: alice and bob (write, team ml), carol (write, safety), dave (maintain, data and product), erin (admin, data),
machine (write: the account behind a plain token), mallory (no access). Bots: ratchet[bot] (ours), dependabot[bot].
The team and role of each may be changed; see github.py for everything that can be done, seen and broken.
"""
