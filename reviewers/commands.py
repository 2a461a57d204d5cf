"""What a person typed: the text of a comment to commands. Pure.

Laws:
- Only a line of the writer's own words is read: see `reviewers/markdown.py`.
- The first word of a line, the exact verb in any case. A word that is nearly a verb is answered; any other is not.
- More than five in one comment: none of them counts.
- No text whatever raises, and a printed command reads back as itself.
"""

import re
import shlex
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, TypeAdapter

from orchestrator.core.nearest import nearest
from orchestrator.core.noun import Noun
from orchestrator.core.quantity import read_duration
from reviewers.markdown import slash_lines

MOST = 5
LONGEST = 65_536  # GitHub's own limit for a comment


def tidy(text: str) -> str:
    """One line of plain text: no HTML comment, no control character, no run of spaces."""
    seen = re.sub(r"<!--.*?(?:-->|$)", " ", text, flags=re.DOTALL)
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+", " ", seen).strip()


def _tidy(value: object) -> object:
    return tidy(value) if isinstance(value, str) else value


Words = Annotated[str, BeforeValidator(_tidy)]
Key = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]


class Approve(Noun):
    """Agree to the digest, or to what is asked just now."""

    kind: Literal["approve"] = "approve"
    digest: str = Field("", pattern=r"^([0-9a-f]{8,64})?$")
    note: Words = ""

    def __str__(self) -> str:
        return _line("approve", self.digest, self.note)


class Unapprove(Noun):
    """Take one's approval back."""

    kind: Literal["unapprove"] = "unapprove"
    reason: Words = ""

    def __str__(self) -> str:
        return _line("unapprove", self.reason)


class Reject(Noun):
    """End the cycle: what it made is not wanted."""

    kind: Literal["reject"] = "reject"
    reason: Words = Field(min_length=1)

    def __str__(self) -> str:
        return _line("reject", self.reason)


class Rerun(Noun):
    """Do a stage again, `from_stage` or the current one if empty, with other parameters."""

    kind: Literal["rerun"] = "rerun"
    from_stage: Words = Field("", alias="from")
    changes: dict[Key, Words] = Field({}, description="parameter: value as typed")

    def __str__(self) -> str:
        start = {"from": self.from_stage} if self.from_stage else {}
        return _line("rerun", *(f"{key}={shlex.quote(value)}" for key, value in (start | self.changes).items()))


class Hold(Noun):
    """Start nothing more until `/unhold`."""

    kind: Literal["hold"] = "hold"
    reason: Words = ""

    def __str__(self) -> str:
        return _line("hold", self.reason)


class Unhold(Noun):
    """Go on."""

    kind: Literal["unhold"] = "unhold"
    reason: Words = ""

    def __str__(self) -> str:
        return _line("unhold", self.reason)


class Cancel(Noun):
    """Stop what runs and end the cycle."""

    kind: Literal["cancel"] = "cancel"
    reason: Words = Field(min_length=1)

    def __str__(self) -> str:
        return _line("cancel", self.reason)


class Rollback(Noun):
    """Ask for an earlier deployed version, or the one before if empty."""

    kind: Literal["rollback"] = "rollback"
    version: str = Field("", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*)?$")

    def __str__(self) -> str:
        return _line("rollback", self.version)


class Status(Noun):
    """Tell how far the cycle is."""

    kind: Literal["status"] = "status"

    def __str__(self) -> str:
        return "/status"


class Help(Noun):
    """Tell what may be typed."""

    kind: Literal["help"] = "help"

    def __str__(self) -> str:
        return "/help"


class Delegate(Noun):
    """Let somebody else answer in one's place until then: a duration, a date or a time as typed."""

    kind: Literal["delegate"] = "delegate"
    to: str = Field(pattern=r"^[A-Za-z0-9](?:-?[A-Za-z0-9])*$", max_length=39, description="a login, without @")
    until: str = Field(min_length=1)

    def __str__(self) -> str:
        return _line("delegate", f"@{self.to}", f"until={shlex.quote(self.until)}")


Command = Annotated[
    Approve | Unapprove | Reject | Rerun | Hold | Unhold | Cancel | Rollback | Status | Help | Delegate,
    Field(discriminator="kind"),
]
COMMAND: TypeAdapter[Command] = TypeAdapter(Command)


class Misread(Noun):
    """A line that was meant as a command and can't be one: where, what is wrong, and the cure."""

    line: int = Field(ge=1)
    what: str
    hint: str


FORMS = {
    "approve": "/approve [digest] [note]",
    "unapprove": "/unapprove",
    "reject": "/reject reason",
    "rerun": "/rerun [from=stage] [key=value]…",
    "hold": "/hold [reason]",
    "unhold": "/unhold",
    "cancel": "/cancel reason",
    "rollback": "/rollback [version]",
    "status": "/status",
    "help": "/help",
    "delegate": "/delegate @user until=date",
}


def parse(text: str) -> tuple[Command | Misread, ...]:
    """The commands in a comment, in order, and what was nearly one."""
    if len(text) > LONGEST:
        return (Misread(line=1, what=f"a comment of {len(text)} characters is not read", hint="write a shorter one"),)
    found = [
        (number, one)
        for number, line, quoted in slash_lines(text)
        if (one := _quoted(line, number) if quoted else parse_line(line, number)) is not None
    ]
    if len(found) > MOST:
        what = f"this comment has {len(found)} commands, and at most {MOST} are read: none of them counts"
        return (Misread(line=found[MOST][0], what=what, hint="write the others in another comment"),)
    return tuple(one for _, one in found)


def parse_line(line: str, number: int = 1) -> Command | Misread | None:
    """One line that begins with a slash; None when it is no command and not nearly one."""
    word, _, rest = tidy(line).partition(" ")
    verb = word[1:].casefold()
    if verb not in FORMS:
        meant = nearest(verb, FORMS) if "/" not in verb else None
        what = f"/{word[1:]} is not a command"
        return Misread(line=number, what=what, hint=f"did you mean {FORMS[meant]}?") if meant else None
    try:
        return _command(verb, rest)
    except _WordsError as wrong:
        return Misread(line=number, what=f"/{verb}: {wrong}", hint=wrong.cure or f"write {FORMS[verb]}")


class _WordsError(Exception):
    """What is wrong with the words after a verb, and the cure."""

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(what)
        self.cure = cure


def _command(verb: str, rest: str) -> Command:
    """The command of these words. Raises `_WordsError`."""
    match verb:
        case "approve":
            return _approve(rest)
        case "rerun":
            changes = _pairs(_split(rest))
            return Rerun(from_stage=changes.pop("from", ""), changes=changes)
        case "rollback":
            return _rollback(rest)
        case "delegate":
            return _delegate(rest)
        case "reject" | "cancel" if not rest:
            raise _WordsError("the reason is missing", f"write it on the same line: /{verb} reason")
        case "status" | "help":
            return COMMAND.validate_python({"kind": verb})
    return COMMAND.validate_python({"kind": verb, "reason": rest})


def _approve(rest: str) -> Approve:
    """A first word of 8 to 64 hex digits is the digest; one that was likely meant so must not pass as a note."""
    first, _, note = rest.partition(" ")
    digest = first.strip("`").casefold().removeprefix("sha256:")
    if re.fullmatch(r"[0-9a-f]{8,64}", digest):
        return Approve(digest=digest, note=note)
    if re.fullmatch(r"(?=.*\d)[0-9a-f]{7}|[0-9a-f]{65,}", digest) or first.casefold().startswith("sha256:"):
        raise _WordsError(f"{_cut(first)} is not a digest of 8 to 64 hex digits", "copy the digest from the question")
    return Approve(note=rest)


def _rollback(rest: str) -> Rollback:
    if not re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)?", rest):
        raise _WordsError(f"{_cut(rest)} is not a version")
    return Rollback(version=rest)


def _delegate(rest: str) -> Delegate:
    words = _split(rest)
    if not words or not re.fullmatch(r"@?[A-Za-z0-9](?:-?[A-Za-z0-9])*", words[0]) or len(words[0]) > 39:
        raise _WordsError("nobody is named", "write /delegate @user until=2026-12-24, or until=3d")
    pairs = _pairs(words[1:])
    until = pairs.pop("until", "")
    if pairs:
        raise _WordsError(f"{_cut(next(iter(pairs)))} is not known here")
    try:
        read_duration(until) if until[-1:].isalpha() and until[-1:] != "Z" else _moment(until)
    except (ValueError, OverflowError):
        if not until:
            raise _WordsError("until= is missing", "write until=2026-12-24, or until=3d") from None
        raise _WordsError(f"until={_cut(until)} is not a time", "write until=2026-12-24, or until=3d") from None
    return Delegate(to=words[0].removeprefix("@"), until=until)


def _moment(text: str) -> datetime:
    """The date or time. Raises `ValueError` or `OverflowError` for what the record could not say: zones of seconds."""
    at = datetime.fromisoformat(text)
    if (offset := at.utcoffset()) is None:
        return at
    if offset % timedelta(minutes=1):
        raise ValueError(f"{text} has a zone of seconds")
    return at.astimezone(UTC)


def _split(rest: str) -> list[str]:
    try:
        return shlex.split(rest)
    except ValueError:
        raise _WordsError("a quotation mark is not closed", "close it, or leave it out") from None


def _pairs(words: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", key):
            raise _WordsError(
                f"{_cut(word)} is not key=value", "write key=value, with no space around = (quote a space)"
            )
        if key in pairs:
            raise _WordsError(f"{_cut(key)} is given twice", "leave one of them out")
        if not tidy(value):
            raise _WordsError(f"{_cut(key)} has no value", f"write {_cut(key)}=value")
        pairs[key] = tidy(value)
    return pairs


def _cut(text: str) -> str:
    """The text, short enough to be shown in an answer."""
    return text if len(text) <= 60 else f"{text[:60]}…"


def _line(verb: str, *words: str) -> str:
    return " ".join((f"/{verb}", *(word for word in words if word)))


def _quoted(line: str, number: int) -> Misread | None:
    """Markdown adds a line right below a quote to the quote: the writer must be told, or waits in vain."""
    word = tidy(line).partition(" ")[0]
    if word[1:].casefold() not in FORMS:
        return None
    return Misread(line=number, what=f"{word} belongs to the quote above it", hint="leave an empty line before it")
