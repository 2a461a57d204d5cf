"""The terminal as a reviewer: shows what was found, asks, and listens. It never blocks whoever calls it.

Laws:
- Nothing is taken for an answer but a whole line with a verb. An empty line, `y`, or the end of the input is none.
- Without anybody at the keyboard the question stays open, and it is said how to answer from elsewhere.
- What is typed is read by a thread that holds no lock, so that the process can end while it waits.
- What was typed at a terminal before a question was shown is no answer to it.
- News never writes on the line where somebody types: it begins a new one, and the prompt comes again.
"""

import codecs
import os
import termios
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TextIO

from rich.console import RenderableType
from rich.text import Text

from orchestrator.core.nearest import nearest
from orchestrator.core.report import Report
from orchestrator.ports import Progress
from reviewers.commands import FORMS, LONGEST, Command, Help, Misread, parse_line
from reviewers.pace import Pace, heed, line
from reviewers.plain import inert
from reviewers.text import help_view, question_view, render, report_view

PLAIN_WIDTH = 100
_ERASE = "\r\x1b[2K"


def read_answer(text: str) -> Command | Misread | None:
    """A line typed at a question, with or without the slash; None for an empty line. Pure."""
    typed = text.strip()
    if not typed:
        return None
    if len(typed) > LONGEST:
        return Misread(line=1, what=f"a line of {len(typed)} characters is not read", hint="write a shorter one")
    found = parse_line(typed if typed.startswith("/") else f"/{typed}")
    if found is not None:
        return found
    word = typed.split()[0]
    meant = nearest(word.removeprefix("/"), FORMS)
    cure = f"did you mean {meant}?" if meant else "type approve, reject REASON, or help"
    return Misread(line=1, what=f"{inert(word, 40)} is not an answer", hint=cure)


class Console:
    """One terminal. `wake` is called from another thread when something was typed, or nothing can be any more."""

    def __init__(self, stdin: TextIO | None, stdout: TextIO, wake: Callable[[], None]) -> None:
        self._stdin, self._out, self._wake = stdin, stdout, wake
        self._typed: deque[Command | Misread] = deque()
        self._writing = threading.RLock()
        self._pace: Pace | None = None
        self._live = self._prompted = False
        self._open = self._shown = ""
        self._listener: threading.Thread | None = None
        self.is_terminal = _is_terminal(stdout)
        self.ended = False

    def listen(self, elsewhere: str = "") -> None:
        """Begin to read what is typed; once is enough. `elsewhere` says how else it can be answered."""
        with self._writing:
            self._open = elsewhere
            if self.ended:
                self._nobody()
        if self._listener is None:
            self._listener = threading.Thread(target=self._listen, name="ratchet-console", daemon=True)
            self._listener.start()

    def show(self, cycle: str, stage: str, report: Report, *, digest: str = "", asks: Sequence[str] = ()) -> None:
        """Show the report and ask. The answer comes in `lines()`."""
        if self._shown != (shown := f"{cycle} {stage} {digest}"):
            self._shown = shown
            self._forget()
        self._put(question_view(cycle, stage, report, digest=digest, asks=asks, width=self._width()))
        name = inert(cycle, 40)
        self.listen(
            f"answer from another terminal with `ratchet approve {name}`, or `ratchet reject {name} --reason …`"
        )
        self.prompt()

    def prompt(self) -> None:
        """Show that an answer is awaited, where somebody can see it and nothing is shown already."""
        with self._writing:
            if self.is_terminal and not self._prompted and not self.ended and self._listener is not None:
                self._write("> ")
                self._prompted = True

    def tell(self, stage: str, report: Report) -> None:
        """Show a report that asks nothing."""
        self._put(Text(f"{inert(stage, 80)}:", style="bold cyan"))
        self._put(report_view(report, width=self._width()))

    def say(self, text: str, *, style: str = "") -> None:
        """One line of news."""
        self._put(Text(inert(text), style=style))

    def settled(self) -> None:
        """The question is answered, here or elsewhere."""
        self._open = self._shown = ""

    def lines(self) -> list[Command | Misread]:
        """What was typed since the last call. Misreadings and `help` have been answered on the screen."""
        found: list[Command | Misread] = []
        while self._typed:
            found.append(self._typed.popleft())
        return found

    def progress(self, stage: str, progress: Progress) -> None:
        """Where a run is: one line that changes, or on paper one every 10 seconds or 10 %."""
        with self._writing:
            self._pace = heed(self._pace, stage, progress)
            if self.is_terminal:
                self._write(f"{_ERASE}{line(self._pace, (self._columns() or PLAIN_WIDTH) - 1)}")
                self._live = True
            elif self._pace.is_news:
                self._pace = self._pace._replace(said=progress)
                self._write(f"{line(self._pace, PLAIN_WIDTH)}\n")

    def _listen(self) -> None:
        for text in _typed_lines(self._stdin):
            self._hear(text)
        self.ended = True
        with self._writing:
            self._nobody()
        self._wake()

    def _hear(self, text: str) -> None:
        self._prompted = False
        answer = read_answer(text)
        if isinstance(answer, Misread):
            self._put(Text(f"{inert(answer.what)}: {inert(answer.hint)}", style="yellow"))
        elif isinstance(answer, Help):
            self._put(help_view())
        if self._open and (answer is None or isinstance(answer, Misread | Help)):
            self.prompt()
        if answer is not None:
            self._typed.append(answer)
            self._wake()

    def _nobody(self) -> None:
        if self._open:
            self._put(Text(f"Nobody can type here: {self._open}", style="yellow"))

    def _forget(self) -> None:
        """What was typed before now answers something else. What comes from a file or a pipe was written for this."""
        with suppress(OSError, ValueError, termios.error):
            if self._stdin is not None and self._stdin.isatty():
                termios.tcflush(self._stdin.fileno(), termios.TCIFLUSH)
                self._typed.clear()

    def _put(self, what: RenderableType) -> None:
        text = render(what, width=self._width(), colour=self.is_terminal and "NO_COLOR" not in os.environ)
        with self._writing:
            self._write(text)

    def _write(self, text: str) -> None:
        """Write at once, what the terminal's encoding lacks as `?`; a line that changes is ended first."""
        with self._writing:
            if (self._live or self._prompted) and not text.startswith(_ERASE):
                text = f"\n{text}"
                self._live = False
            self._prompted = False
            encoding = getattr(self._out, "encoding", None) or "utf-8"
            with suppress(OSError, ValueError):  # whoever closed the terminal has left; the cycle goes on
                self._out.write(text.encode(encoding, "replace").decode(encoding))
                self._out.flush()

    def _width(self) -> int:
        return max(40, min(120, self._columns() or PLAIN_WIDTH))

    def _columns(self) -> int:
        """How wide the terminal is; 0 where that is unknown."""
        try:
            return os.get_terminal_size(self._out.fileno()).columns
        except (OSError, ValueError):
            return 0


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:
        return False


def _typed_lines(stream: TextIO | None) -> Iterator[str]:
    """Each whole line of the stream; one cut off by the end is none.

    A real file is read past Python's buffer, whose lock the thread would hold when the process ends.
    """
    try:
        handle = stream.fileno() if stream is not None else -1
    except (OSError, ValueError):
        yield from (text for text in stream or () if text.endswith("\n"))
        return
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    while chunk := _read(handle):
        *lines, rest = (rest + decoder.decode(chunk)).split("\n")
        rest = rest[: LONGEST + 1]
        yield from lines


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, 65_536) if handle >= 0 else b""
    except OSError:
        return b""
