"""What does the work in a crash story: two executors whose every start and end is written in a ledger.

Laws: a line of the ledger is appended at once, by whoever does the work. Overlap is seen by the work itself: it takes
a folder that the other attempt of the stage must have given back. Whoever is stopped gives it back with signals shut
out: each process of a run is told to end, and so would the one be that gives it back.
"""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from story import BLOCK, STOPPED, outcome

from orchestrator.core.effects import Order
from orchestrator.core.report import Failure, Product
from orchestrator.executors.local import LocalExecutor
from orchestrator.ports import Running

_STEP = """\
say() { echo "$1 $RATCHET_RUN" >>"$TALE/ledger"; }
stage=${RATCHET_RUN%/*} number=${RATCHET_RUN##*/}
made="$TALE/made/$stage" busy="$TALE"/'work'/"$stage/busy"
say start
trap 'trap "" TERM; rmdir "$busy"; exit 1' TERM
(trap '' TERM; mkdir "$busy") || say overlap
kind=ok
case "$TALE_PLAN" in *" $RATCHET_RUN="*) kind=${TALE_PLAN##* $RATCHET_RUN=}; kind=${kind%% *};; esac
fail() { echo "$1" >"$RATCHET_WORK/.draft"; ln "$RATCHET_WORK/.draft" "$RATCHET_WORK/failure.json"; }
case $kind in
block) sleep 600 & wait $!;;
fail) say end; fail '{"what":"it failed"}';;
fatal) say end; fail '{"what":"it can'"'"'t be done","retryable":false}';;
die) say end;;
*)
  mkdir -p "$made/.$number.partial"
  echo '{"outputs":{"out":"'"$RATCHET_RUN"'"},"report":{"summary":"did '"$RATCHET_RUN"'"},"files":[]}' \
    >"$made/.$number.partial/made.json"
  say end; mv "$made/.$number.partial" "$made/$number";;
esac
rmdir "$busy"
"""


def processes(folder: Path, plan: dict[str, str]) -> LocalExecutor:
    """The executor that ships, with a step of three milliseconds. Its processes find the plan in the environment."""
    os.environ["TALE"] = str(folder)
    os.environ["TALE_PLAN"] = "".join(f" {run}={kind}" for run, kind in plan.items() if kind != "ok")
    return LocalExecutor(folder / "work", folder / "made", command=("/bin/sh", "-c", _STEP))


class Threads:
    """Runs as threads, results as files. A run whose engine died has left no result, and is begun again."""

    prompt = True

    def __init__(self, folder: Path, plan: dict[str, str]) -> None:
        self._folder, self._plan = folder / "work", plan
        self._ledger = os.open(folder / "ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def start(self, order: Order, wake: Callable[[], None]) -> None:
        """Begin in a thread. Whoever asks for an attempt while another is at work has made a mistake: it is told."""
        stage = self._folder / order.stage
        stage.mkdir(parents=True, exist_ok=True)
        lock = os.open(stage / "lock", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 4096, 0).decode()
            if holder not in {"", order.run} and not self._found(holder):
                self._say("overlap", order)
        threading.Thread(target=self._work, args=(lock, order, wake), daemon=True).start()

    def look(self, order: Order) -> Running | Product | Failure:
        """What the files say."""
        kind = self._found(order.run)
        if not kind:
            return Running()
        return STOPPED if kind == "stopped" else outcome(order.run, kind)

    def stop(self, order: Order) -> None:
        """Say that it is over, and wait until whoever does it has let go."""
        self._publish(order.run, "stopped")
        lock = os.open(self._folder / order.stage / "lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.close(lock)

    def _work(self, lock: int, order: Order, wake: Callable[[], None]) -> None:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not self._found(order.run):
            os.ftruncate(lock, 0)
            os.pwrite(lock, order.run.encode(), 0)
            self._do(order)
        os.close(lock)
        wake()

    def _do(self, order: Order) -> None:
        kind = self._plan.get(order.run, "ok")
        self._say("start", order)
        while kind == BLOCK and not self._found(order.run):
            time.sleep(0.001)
        if kind != BLOCK:
            self._publish(order.run, kind)
            self._say("end", order)

    def _found(self, run: str) -> str:
        try:
            return (self._folder / run).read_text()
        except FileNotFoundError:
            return ""

    def _publish(self, run: str, kind: str) -> None:
        path = self._folder / run
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}-{os.getpid()}-{threading.get_ident()}")
        draft.write_text(kind)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()

    def _say(self, word: str, order: Order) -> None:
        os.write(self._ledger, f"{word} {order.run}\n".encode())
