"""The terminal as a reviewer, on real pipes and a real pseudo-terminal."""

import io
import os
import pty
import subprocess
import sys
import threading

import pytest

from orchestrator.core.report import Report
from orchestrator.ports import Progress
from reviewers.commands import LONGEST, Approve, Cancel, Help, Hold, Misread, Reject, Rerun, Status, Unhold
from reviewers.console import Console, read_answer

REPORT = Report(summary="The candidate is better.")
PATIENCE = 20


class Typist:
    """Somebody at a pipe: types, and waits until it was heard."""

    def __init__(self):
        read, self.write = os.pipe()
        self.heard = threading.Semaphore(0)
        self.out = io.StringIO()
        self.console = Console(os.fdopen(read), self.out, self.heard.release)

    def type(self, text):
        """Type it and wait for one wake."""
        os.write(self.write, text.encode())
        self.wait()

    def wait(self):
        """Wait for one wake."""
        assert self.heard.acquire(timeout=PATIENCE)

    def leave(self):
        """End of the input."""
        os.close(self.write)
        self.wait()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("approve", Approve()),
        ("/approve", Approve()),
        ("  Approve a1b2c3d4 fine \r", Approve(digest="a1b2c3d4", note="fine")),
        ("reject too slow", Reject(reason="too slow")),
        ("rerun learning_rate=2e-5", Rerun(changes={"learning_rate": "2e-5"})),
        ("hold", Hold()),
        ("unhold", Unhold()),
        ("cancel wrong data", Cancel(reason="wrong data")),
        ("status", Status()),
        ("help", Help()),
        ("", None),
        ("   ", None),
    ],
)
def test_the_terminal_reads_the_same_grammar(text, answer):
    """Every verb, with or without the slash; an empty line is no answer."""
    assert read_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("y", "type approve, reject REASON, or help"),
        ("yes", "type approve"),
        ("no", "type approve"),
        ("\x1b[A", "type approve"),
        ("reject", "/reject reason"),
        ("aprove", "did you mean /approve"),
        ("/usr/bin/x", "type approve"),
        ("hel/p", "did you mean help?"),
        ("x" * (LONGEST + 1), "shorter"),
    ],
)
def test_nothing_else_is_an_answer(text, hint):
    """`y`, an arrow key or a typing error approves nothing, and is told what to type."""
    answer = read_answer(text)
    assert isinstance(answer, Misread)
    assert hint in answer.hint
    assert "\x1b" not in answer.what


def test_typed_lines_arrive_and_wake():
    """Lines come in order, once each, however they are cut into pieces, in any script."""
    typist = Typist()
    typist.console.show("c-000042", "evaluate", REPORT, digest="a1b2c3d4", asks=("1 of alice",))
    assert "The candidate is better." in typist.out.getvalue()
    assert "asked: 1 of alice" in typist.out.getvalue()
    assert typist.console.lines() == []
    encoded = "reject 느리다\n".encode()
    os.write(typist.write, encoded[:9])
    os.write(typist.write, encoded[9:])
    typist.wait()
    typist.type("hold\n")
    assert typist.console.lines() == [Reject(reason="느리다"), Hold()]
    assert typist.console.lines() == []
    typist.leave()


def test_a_question_that_is_shown_again_keeps_what_was_typed():
    """Only a question that was not there before makes what was typed before it no answer."""
    ours, theirs = pty.openpty()
    try:
        heard = threading.Semaphore(0)
        console = Console(os.fdopen(os.dup(theirs)), io.StringIO(), heard.release)
        for digest, left in (("a1b2c3d4", 0), ("a1b2c3d4", 1), ("e5f6a7b8", 0)):
            console.show("c-000042", "evaluate", REPORT, digest=digest)
            assert len(console.lines()) == left
            os.write(ours, b"approve\n")
            assert heard.acquire(timeout=PATIENCE)
    finally:
        os.close(theirs)
        os.close(ours)


def test_misreadings_and_help_are_answered_on_the_screen():
    """Whoever types something else is told at once, and it is also handed on."""
    typist = Typist()
    typist.console.listen()
    typist.console.listen()
    typist.type("aprove\n")
    typist.type("help\n")
    os.write(typist.write, b"\n")
    typist.leave()
    said = typist.out.getvalue()
    assert "/aprove is not a command: did you mean /approve" in said
    assert "/rerun [from=stage]" in said
    misread, asked = typist.console.lines()
    assert isinstance(misread, Misread)
    assert asked == Help()


def test_the_end_of_the_input_says_how_to_answer_from_elsewhere():
    """Without a keyboard the question stays open, a line cut off is no answer, and the other way is named."""
    typist = Typist()
    typist.console.show("c-000042", "evaluate", REPORT)
    os.write(typist.write, b"approve")
    typist.leave()
    assert typist.console.lines() == []
    assert typist.console.ended
    assert "Nobody can type here: answer from another terminal with `ratchet approve c-000042`" in typist.out.getvalue()
    typist.console.settled()
    typist.console.show("c-000043", "deploy", REPORT)
    assert "ratchet approve c-000043" in typist.out.getvalue()


@pytest.mark.parametrize("stdin", [None, io.StringIO(""), open(os.devnull)])  # noqa: SIM115, PTH123  read by a thread
def test_no_input_at_all_is_an_end(stdin):
    """A closed, empty or missing input ends at once, and nothing that is not asked is said about it."""
    ended = threading.Event()
    console = Console(stdin, io.StringIO(), ended.set)
    console.listen()
    assert ended.wait(PATIENCE)
    assert console.lines() == []
    assert console._out.getvalue() == ""


def test_input_that_is_not_a_file_is_read_too():
    """A stream in memory works like a terminal, whole lines alone."""
    ended = threading.Event()
    console = Console(io.StringIO("hold\n\napprove"), io.StringIO(), lambda: ended.set() if console.ended else None)
    console.listen()
    assert ended.wait(PATIENCE)
    assert console.lines() == [Hold()]


def test_an_endless_line_is_refused_and_the_next_one_read():
    """A line without end costs no memory and hides nothing behind it."""
    typist = Typist()
    typist.console.listen()
    feeder = threading.Thread(target=os.write, args=(typist.write, b"x" * 300_000 + b"\nhold\n"))
    feeder.start()
    typist.wait()
    typist.wait()
    feeder.join(PATIENCE)
    misread, hold = typist.console.lines()
    assert "characters is not read" in misread.what
    assert hold == Hold()
    typist.leave()


def test_on_paper_progress_is_lines():
    """Where the output is no terminal, a line comes at the start, then every 10 % or 10 seconds, without escapes."""
    out = io.StringIO()
    console = Console(None, out, lambda: None)
    for done in range(101):
        console.progress("finetune", Progress(done=done, total=100, unit="steps", at=done / 10))
    lines = out.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[-1].endswith("100%  100/100 steps  10/s")
    assert "\x1b" not in out.getvalue()
    console.say("next")
    console.tell("collect", REPORT)
    assert out.getvalue().endswith("next\ncollect:\nThe candidate is better.\n")


def test_an_encoding_without_the_signs_is_no_error():
    """In a terminal that knows only ASCII, what can't be written is a question mark."""
    raw = io.BytesIO()
    console = Console(None, io.TextIOWrapper(raw, encoding="ascii"), lambda: None)
    console.progress("finetune", Progress(done=1, total=2, at=1))
    assert raw.getvalue().startswith(b"finetune  ??????????")


def test_a_terminal_shows_one_line_that_changes_then_the_question():
    """On a terminal progress rewrites its line, a report begins on a new one, and a prompt waits in colour."""
    ours, theirs = pty.openpty()
    try:
        with os.fdopen(os.dup(theirs), "w") as out:
            heard = threading.Event()
            console = Console(os.fdopen(os.dup(theirs)), out, heard.set)
            assert console.is_terminal
            for done in (1, 2):
                console.progress("finetune", Progress(done=done, total=2, at=done))
            console.say("saved", style="green")
            console.show("c-000042", "evaluate", REPORT)
            os.write(ours, b"\n")
            os.write(ours, b"approve\n")
            assert heard.wait(PATIENCE)
            assert console.lines() == [Approve()]
        said = os.read(ours, 65_536).decode()
    finally:
        os.close(theirs)
        os.close(ours)
    assert said.count("\r\x1b[2Kfinetune") == 2
    assert "\r\n\x1b[32msaved" in said
    assert "Your answer?" in said
    assert "> " in said


def test_a_closed_output_is_no_terminal():
    """A stream that can't say what it is counts as paper."""
    out = io.StringIO()
    out.close()
    assert not Console(None, out, lambda: None).is_terminal


def test_the_process_ends_while_the_terminal_waits():
    """A thread that waits for a line keeps no process alive and breaks no exit."""
    code = (
        "import sys; from reviewers.console import Console;"
        "Console(sys.stdin, sys.stdout, lambda: None).listen(); print('done')"
    )
    read, write = os.pipe()
    try:
        process = subprocess.run([sys.executable, "-c", code], stdin=read, capture_output=True, text=True, timeout=60)
    finally:
        os.close(write)
        os.close(read)
    assert (process.returncode, process.stdout, process.stderr) == (0, "done\n", "")
