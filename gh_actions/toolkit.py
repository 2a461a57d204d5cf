"""What GitHub gives to an action and takes from it: the only file that names GITHUB_*, ACTIONS_* and RUNNER_*.

Laws:
- What comes from a form, an event or the server is data: printed as one line that can be no workflow command, and
  written into a summary as text that can be no Markdown.
- Of an event only ids are taken, and they are numbers.
- A token is masked before it is used, and is never printed.
"""

import html
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from orchestrator.client import Client, Patience, address, call, plain
from orchestrator.trouble import Trouble

FRESH = 240.0  # seconds for which an OIDC token is used; GitHub's live for five minutes or more


class Seen(NamedTuple):
    """What an event is about: the number of a pull request, and the comment or the review that was written there."""

    issue: int
    comment: int | None
    review: int | None


class Action:
    """One use of an action: its inputs, what GitHub knows, and where its answers go."""

    def __init__(self, env: Mapping[str, str], inputs: Sequence[str], outputs: Sequence[str]) -> None:
        self._env, self._inputs, self._outputs = env, inputs, outputs
        self._token, self._since = "", 0.0

    def input(self, name: str) -> str:
        """What the workflow gives for this input of action.yml, without blanks around it."""
        if name not in self._inputs:
            raise KeyError(name)
        return self._env.get(f"INPUT_{name.upper().replace('-', '_')}", "").strip()

    def choice(self, name: str, among: tuple[str, ...]) -> str:
        """An input that is one of a few words; empty is the first."""
        value = self.input(name) or among[0]
        if value not in among:
            raise Trouble(f"input {name} is {plain(value)!r}", f"write one of {', '.join(among)}", code=2)
        return value

    def number(self, name: str, default: str) -> float:
        """An input that is a number above 0."""
        text = self.input(name) or default
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) or not float(text):
            raise Trouble(f"input {name} is {plain(text)!r}", "write a number above 0, such as 30", code=2)
        return float(text)

    @property
    def repository(self) -> str:
        """owner/name of the repository whose workflow this is."""
        found = self._env.get("GITHUB_REPOSITORY", "")
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*/[A-Za-z0-9._-]+", found):
            raise Trouble("GITHUB_REPOSITORY is no owner/name", "run this in a GitHub Action", code=2)
        return found

    @property
    def run(self) -> str:
        """The id of the workflow run, the same when it is run again; empty outside of one."""
        found = self._env.get("GITHUB_RUN_ID", "")
        return found if re.fullmatch(r"[0-9]{1,20}", found) else ""

    @property
    def pause(self) -> float:
        """Seconds before something is asked again for the first time."""
        text = self._env.get("RATCHET_PAUSE", "")
        return float(text) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", text) else 2.0

    def seen(self) -> Seen | None:
        """The ids of the event, or nothing where it is not about a pull request."""
        event = self._event()
        issue, pull = event.get("issue"), event.get("pull_request")
        if isinstance(pull, dict):
            number = _id(pull, "number", "pull request")
        elif isinstance(issue, dict) and isinstance(issue.get("pull_request"), dict):
            number = _id(issue, "number", "pull request")
        else:
            return None
        found = {
            kind: _id(event[kind], "id", kind) if event.get(kind) is not None else None
            for kind in ("comment", "review")
        }
        if found["comment"] is None and found["review"] is None:
            return None
        return Seen(number, found["comment"], found["review"])

    def _event(self) -> dict[str, Any]:
        path = self._env.get("GITHUB_EVENT_PATH", "")
        try:
            found = json.loads(Path(path).read_bytes()) if path else None
        except (OSError, ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Trouble("the event can't be read", "run this on issue_comment or pull_request_review", code=2)
        return found

    def client(self) -> Client:
        """The server, as the inputs `server`, `token` and `audience` say."""
        try:
            server = address(self.input("server"))
        except Trouble as error:
            cure = "set the repository's variable RATCHET_SERVER to it (Settings, Secrets and variables, Actions)"
            raise error if self.input("server") else Trouble("the server's address is missing", cure, code=2) from None
        given, audience = self.input("token"), self.input("audience") or server
        if given:
            self.mask(given)
            return Client(server, lambda: given, patience=Patience(pause=self.pause))
        return Client(server, lambda: self._signed(audience), patience=Patience(pause=self.pause))

    def _signed(self, audience: str) -> str:
        """GitHub's word for which workflow this is (OIDC), asked for again before it ends."""
        if self._token and time.monotonic() - self._since < FRESH:
            return self._token
        url, secret = (self._env.get(f"ACTIONS_ID_TOKEN_REQUEST_{name}", "") for name in ("URL", "TOKEN"))
        if not (url and secret):
            cure = "give the job `permissions: {id-token: write}`, or the action a `token`"
            raise Trouble("this job may not ask GitHub for an identity token", cure, code=2)
        address(url.partition("?")[0])
        self.mask(secret)
        asked = f"{url}{'&' if '?' in url else '?'}audience={quote(audience, safe='')}"
        body = call("GET", asked, token=lambda: secret, patience=Patience(pause=self.pause)).body
        found = body.get("value") if isinstance(body, dict) else None
        if not isinstance(found, str) or not found:
            raise Trouble("GitHub gave no identity token", "try again", code=1)
        self.mask(found)
        self._token, self._since = found, time.monotonic()
        return found

    def output(self, name: str, value: str) -> None:
        """Give the workflow a value: one line."""
        if name not in self._outputs:
            raise KeyError(name)
        self._append("GITHUB_OUTPUT", f"{name}={plain(value, most=4000)}\n")

    def summarise(self, title: str, rows: Iterable[tuple[str, ...]]) -> None:
        """A title and a table in the job's summary; cells are Markdown already (`cell`, `link`)."""
        table = [f"| {' | '.join(row)} |" for row in rows]
        if table:
            table.insert(1, "|" + " --- |" * table[0].count(" | ") + " --- |")
        self._append("GITHUB_STEP_SUMMARY", "\n".join([f"### {title}", "", *table, "", ""]))

    def _append(self, variable: str, text: str) -> None:
        path = self._env.get(variable, "")
        if path:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(text)

    def say(self, text: str) -> None:
        """One line in the log."""
        sys.stdout.write(f"{_tame(text)}\n")
        sys.stdout.flush()

    def annotate(self, kind: str, text: str) -> None:
        """`error`, `warning` or `notice`, shown on the run's page."""
        self._command(f"{kind} title=Ratchet", plain(text, most=4000))

    def mask(self, secret: str) -> None:
        """Keep GitHub from ever printing this."""
        self._command("add-mask", secret)

    def _command(self, name: str, data: str) -> None:
        escaped = data.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        sys.stdout.write(f"::{name}::{escaped}\n")
        sys.stdout.flush()


def start(code: Any) -> int:
    """An action (`INPUTS`, `OUTPUTS`, `run`) from end to end: its exit code, and no traceback for what is foreseen."""
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    action = Action(os.environ, code.INPUTS, code.OUTPUTS)
    try:
        return int(code.run(action))
    except Trouble as trouble:
        action.annotate("error", str(trouble))
        return 1
    except KeyboardInterrupt:
        return 130


def cell(text: str) -> str:
    """Data as Markdown of one line that shows just that: every sign that could mean more is written as its number."""
    return "".join(c if c.isalnum() or c in " ,-" else f"&#{ord(c)};" for c in plain(text))


def link(text: str, url: str) -> str:
    """A link, or the text alone where that is no web address."""
    if not re.fullmatch(r"https?://[A-Za-z0-9\[][A-Za-z0-9._~:/?#\[\]@!$&'*+,;=%-]*", url):
        return cell(text)
    return f'<a href="{html.escape(url)}">{cell(text)}</a>'


def words(text: str) -> str:
    """`in_review` as people write it."""
    return text.replace("_", " ")


def _tame(text: str) -> str:
    """One line that the runner can't take for a command, in its new form (`::name::`) or its old one (`##[name]`)."""
    line = plain(text, most=4000).replace("##[", "# #[")
    return f"\u200b{line}" if line.startswith("::") else line


def _id(about: Any, key: str, kind: str) -> int:
    found = about.get(key) if isinstance(about, dict) else None
    if isinstance(found, bool) or not isinstance(found, int) or not 0 < found < 2**63:
        raise Trouble(f"the event's {kind} has no {key} that is a number", "run this on an event of GitHub's", code=2)
    return found
