"""How soon a dead engine's work goes on: measured with real processes from nothing, printed, not promised."""

import subprocess
import sys
import time
from statistics import median

from orchestrator.core.model import Pipeline, Stage, Trigger
from orchestrator.desk import Desk
from orchestrator.journal import Journal
from orchestrator.schema import open_database
from orchestrator.store import Store

ENGINE = """
import os, sys, time
from datetime import UTC, datetime
from orchestrator.engine import Engine
from orchestrator.owner import me
from orchestrator.schema import open_database
from orchestrator.store import Store

class Now:
    now = staticmethod(lambda: datetime.now(UTC))
    chance = staticmethod(lambda: 0.0)

def reach(point):
    if point.startswith("before ") and point != "before commit":
        print(time.time(), flush=True)
        os.kill(os.getpid(), 9)

Engine(Store(open_database(sys.argv[1])), {}, [], Now(), owner=me(), reach=reach).run(lambda: False)
"""


class Now:
    """The real clock."""

    def now(self):
        from datetime import UTC, datetime

        return datetime.now(UTC)

    def chance(self):
        return 0.0


def test_an_unattended_restart_resumes(url, capsys):
    """An engine is killed at its first effect, again and again; each new process comes to that effect by itself."""
    store = Store(open_database(url))
    Desk(Journal(store), Now()).trigger(Pipeline(name="p", stages=(Stage(name="a", step="x:y"),)), Trigger.API)
    store.close()
    took = []
    for _ in range(5):
        began = time.time()
        done = subprocess.run([sys.executable, "-c", ENGINE, url], capture_output=True, text=True, check=False)
        assert done.returncode == -9, done.stderr
        took.append(float(done.stdout) - began)
    with capsys.disabled():
        sys.stdout.write(
            f"\nrestart of a whole process to its first effect: {median(took):.3f} s, worst {max(took):.3f} s\n"
        )
