"""What a process of this machine can do to itself and to others, and what is left of it then."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from house import House, finish

from orchestrator.core.effects import Order
from orchestrator.core.report import Failure, Product, Report
from orchestrator.executors.local import LocalExecutor
from orchestrator.ports import Busy, Running
from steps.life import Life, life_of, own_life, read_life

ENGINE = """\
import signal, sys
from orchestrator.core.effects import Order
from orchestrator.executors.local import LocalExecutor
LocalExecutor(sys.argv[1], sys.argv[2]).start(Order.model_validate_json(sys.argv[3]), lambda: None)
signal.pause()
"""


def begin(house: House, executor: LocalExecutor, order: Order) -> tuple[Life, threading.Event]:
    """Start a run that says `ready`, and wait for that."""
    ended = threading.Event()
    executor.start(order, ended.set)
    house.hear("ready")
    life = read_life(house.place(order).pid)
    assert life is not None
    return life, ended


def held(house: House, attempt: int = 1, **given: object) -> Order:
    return house.order(attempt, hold=house.pipe("hold"), ready=house.pipe("ready"), **given)


def local_of(house: House, **options: object) -> LocalExecutor:
    return LocalExecutor(house.work, house.made, **options)  # type: ignore[arg-type]


def test_a_run_outlives_its_engine(local: House) -> None:
    """After kill -9 of the engine the run works on; the next engine adopts it and nothing is done twice."""
    order = held(local)
    engine = subprocess.Popen([sys.executable, "-c", ENGINE, local.work, local.made, order.model_dump_json()])
    local.hear("ready")
    engine.kill()
    engine.wait()
    ended = threading.Event()
    executor = local.executor()
    executor.start(order, ended.set)
    assert isinstance(executor.look(order), Running)
    local.release()
    assert ended.wait(60)
    assert isinstance(executor.look(order), Product)
    assert local.starts() == 1


def test_engines_that_race_start_one_run(local: House) -> None:
    """Eight engines start the same run at the same instant: one process, eight wakes."""
    order, gate = local.order(), threading.Barrier(8)
    wakes = [threading.Event() for _ in range(8)]

    def race(wake: threading.Event) -> None:
        executor = local.executor()
        gate.wait()
        while True:
            try:
                return executor.start(order, wake.set)
            except Busy:  # somebody has the lock and has not said yet for whom
                continue

    racers = [threading.Thread(target=race, args=(wake,)) for wake in wakes]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert all(wake.wait(60) for wake in wakes)
    assert isinstance(local.executor().look(order), Product)
    assert local.starts() == 1


def test_an_engine_killed_anywhere_in_a_start_starts_once(local: House) -> None:
    """kill -9 of the engine at every operation of `start`: the next one starts or adopts, and the run happens once."""
    command = ["/bin/sh", "-c", f"echo $RATCHET_RUN >>{local.tally}; {_publish(local)}"]
    executor = local_of(local, command=command)
    for event in itertools.count(1):
        order = Order(run=f"{local.cycle}-{event}/errand/1", step="a shell's")
        child = os.fork()
        if child == 0:
            _kill_at(event)
            LocalExecutor(local.work, local.made, command=command).start(order, lambda: None)
            os._exit(0)
        _, ending = os.waitpid(child, 0)
        assert isinstance(_finish_soon(executor, order), Product)
        if not os.WIFSIGNALED(ending):
            break
    executor.close()
    assert event > 10
    tally = local.tally.read_text().split()
    assert len(tally) == len(set(tally)) == event


def _kill_at(event: int) -> None:
    """Kill this process at its n-th look at the outside world."""
    seen = 0

    def count(name: str, details: object) -> None:
        nonlocal seen
        if name == "open" or name.startswith(("os.", "fcntl.", "subprocess.")):
            seen += 1
            if seen == event:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def _publish(house: House) -> str:
    """A shell's way of publishing."""
    folder = f"{house.made}/$RATCHET_RUN"
    product = Product(report=Report(summary="Made by a shell."))
    text = f"mkdir -p {folder}; printf '%s' '{product.model_dump_json()}' >{folder}/new"
    return f"{text}; mv {folder}/new {folder}/made.json"


def _finish_soon(executor: LocalExecutor, order: Order) -> Product | Failure:
    """Finish the run; what the dead engine's last attempt still does is waited for."""
    while True:
        try:
            return finish(executor, order)
        except Busy:
            continue


def test_a_start_and_a_stop_at_the_same_instant_agree(local: House) -> None:
    """Whoever is first, after both nothing is at work, and the run is over for good."""
    command = ["/bin/sh", "-c", f"echo $RATCHET_RUN >>{local.tally}; exec sleep 1000"]
    for attempt in range(1, 21):
        order, gate, ended = local.order(attempt), threading.Barrier(2), threading.Event()
        starter, stopper = local_of(local, command=command), local_of(local, command=command)

        def start() -> None:
            gate.wait()  # noqa: B023
            starter.start(order, ended.set)  # noqa: B023

        thread = threading.Thread(target=start)
        thread.start()
        gate.wait()
        stopper.stop(order)
        thread.join()
        assert ended.wait(60)
        found = starter.look(order)
        assert isinstance(found, Failure)
        assert found.what == "stopped"
        life = read_life(local.place(order).pid)
        assert life is None or not life.alive


def test_a_frozen_run_is_ended(local: House) -> None:
    """A run without a heartbeat is ended and has failed: nothing of it may thaw beside the next attempt."""
    order = held(local)
    life, _ = begin(local, local_of(local), order)
    os.kill(life.pid, signal.SIGSTOP)
    found = local_of(local, stale=timedelta(0)).look(order)
    assert isinstance(found, Failure)
    assert "no sign of life" in found.what
    assert not life.alive


def test_a_frozen_run_wakes_its_engine(local: House) -> None:
    """A run without a heartbeat is not waited for for ever: the engine is woken, looks, and has a failure."""
    order, executor, ended = held(local), local_of(local, stale=timedelta(milliseconds=10)), threading.Event()
    life, _ = begin(local, local_of(local), order)
    os.kill(life.pid, signal.SIGSTOP)
    executor.start(order, ended.set)
    assert ended.wait(60)
    assert isinstance(executor.look(order), Failure)
    assert not life.alive


def test_a_frozen_run_can_be_stopped(local: House) -> None:
    """`stop` also ends a process that hears no signal but the last."""
    order, executor = held(local), local_of(local)
    life, ended = begin(local, executor, order)
    os.kill(life.pid, signal.SIGSTOP)
    executor.stop(order)
    assert not life.alive
    assert ended.wait(60)
    assert str(executor.look(order)).startswith("stopped")


def test_a_run_over_its_memory_is_ended(local: House) -> None:
    """The failure names what was used, the limit and the cure."""
    order = local.order(hoard=400 * 2**20, hold=local.pipe("hold"), resources={"memory": "200MiB"})
    found = finish(local_of(local), order)
    assert isinstance(found, Failure)
    assert "its limit is 200.0 MiB" in found.what
    assert "resources.memory" in found.cure


def test_a_run_over_its_time_is_ended(local: House) -> None:
    """The failure names the timeout and the cure."""
    order = local.order(hold=local.pipe("hold"), resources={"timeout": "700ms"})
    found = finish(local_of(local), order)
    assert isinstance(found, Failure)
    assert "700ms" in found.what
    assert "resources.timeout" in found.cure


def test_a_child_that_fled_is_ended_too(local: House) -> None:
    """What a run started in a session of its own is still of the run, and ends with `stop`."""
    order, executor = held(local, child=local.pipe("child")), local_of(local)
    executor.start(order, lambda: None)
    child = life_of(int(local.hear("child")))
    local.hear("ready")
    executor.stop(order)
    assert not child.alive


def test_what_a_dead_attempt_left_ends_before_the_next(local: House) -> None:
    """A forked child of a killed run still holds the lock: it is ended, not waited for, and never overlaps."""
    order, executor = held(local, fork=True, child=local.pipe("child")), local_of(local)
    ended = threading.Event()
    executor.start(order, ended.set)
    child = life_of(int(local.hear("child")))
    local.hear("ready")
    life = read_life(local.place(order).pid)
    assert life is not None
    os.kill(life.pid, signal.SIGKILL)
    assert ended.wait(60)
    assert isinstance(finish(executor, local.order(2)), Product)
    assert not child.alive
    assert isinstance(executor.look(order), Failure)


def test_a_pid_that_somebody_else_has_now_is_not_the_run(local: House) -> None:
    """A recorded pid with another start time is a dead run, and its present owner is left alone."""
    order = local.order()
    place = local.place(order)
    place.folder.mkdir(parents=True)
    bystander = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
    try:
        place.pid.write_text(str(life_of(bystander.pid)._replace(started=1)))
        executor = local_of(local)
        assert "ended without a result" in str(executor.look(order))
        executor.stop(order)
        assert bystander.poll() is None
        place.pid.write_text(str(own_life()._replace(boot="before the last boot")))
        assert not isinstance(executor.look(order), Running)
    finally:
        bystander.kill()
        bystander.wait()


def test_the_last_words_of_a_run_are_quoted(local: House) -> None:
    """A run that ends without a result is told with its exit status and the last lines of its log."""
    command = ["/bin/sh", "-c", "echo out of cheese; exit 3"]
    found = finish(local_of(local, command=command), local.order())
    assert isinstance(found, Failure)
    assert "exit status 3" in found.what
    assert "out of cheese" in found.what
    assert str(local.place(local.order()).log) in found.where


def test_a_signal_is_named(local: House) -> None:
    """A run that was killed says by what."""
    found = finish(local_of(local), local.order(die=int(signal.SIGSEGV)))
    assert isinstance(found, Failure)
    assert "SIGSEGV" in found.what


def test_any_command_that_publishes_is_a_run(local: House) -> None:
    """The command finds its run in its environment; what it publishes is adopted as from the runner."""
    found = finish(local_of(local, command=["/bin/sh", "-c", _publish(local)]), local.order())
    assert found == Product(report=Report(summary="Made by a shell."))


def test_a_product_far_away_is_adopted_without_asking(local: House) -> None:
    """With an object store the machine keeps a copy of what was published: a store that is away fails nothing."""
    order = local.order()
    product = finish(LocalExecutor(local.work, f"local://{local.made}"), order)
    assert isinstance(product, Product)
    away = LocalExecutor(local.work, "nonsense://away")
    assert away.look(order) == product
    assert finish(away, order) == product
    assert local.starts() == 1


def test_a_damaged_product_is_a_failure(local: House) -> None:
    """A made.json that can't be understood is named, and not taken for an unfinished run."""
    order = local.order()
    executor = local_of(local)
    assert isinstance(finish(executor, order), Product)
    (local.made / order.run / "made.json").write_text("{")
    found = finish(executor, order)
    assert isinstance(found, Failure)
    assert "made.json is corrupt" in found.what
    assert local.starts() == 1


def test_a_run_gets_no_secrets(local: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step's environment has threads and Ray's token mode set, and none of Ratchet's own tokens and databases."""
    monkeypatch.setenv("RATCHET_GITHUB_TOKEN", "s3cret")
    monkeypatch.setenv("RATCHET_DATABASE_URL", "postgresql://s3cret")
    order = local.order(resources={"cpus_per_worker": 2})
    finish(local_of(local, command=["/usr/bin/env"]), order)
    log = local.place(order).log.read_text()
    assert "s3cret" not in log
    assert "OMP_NUM_THREADS=2\n" in log
    assert "RAY_AUTH_MODE=" in log


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_full_disk_still_says_so(local: House) -> None:
    """On a disk without a free byte the failure is written all the same, and nothing half-made is left."""
    disk = local.root / "disk"
    disk.mkdir()
    if subprocess.run(["/usr/bin/mount", "-t", "tmpfs", "-o", "size=128k", "none", str(disk)]).returncode:
        pytest.skip("this machine does not let us mount")
    try:
        order = local.order(fill=200_000, tally="")
        executor = LocalExecutor(disk / "work", disk / "made")
        found = finish(executor, order)
        assert isinstance(found, Failure)
        assert "the disk is full" in found.what
        assert "free some space" in found.cure
        assert json.loads((disk / "work" / order.run / "failure.json").read_text())
        assert not list((disk / "made").rglob("*.partial"))
    finally:
        subprocess.run(["/usr/bin/umount", str(disk)], check=True)


def test_the_log_holds_the_traceback(local: House, tmp_path: Path) -> None:
    """The story for engineers is in the log alone; the failure is one sentence."""
    order = local.order(read=str(tmp_path / "gone"))
    found = finish(local_of(local), order)
    assert "Traceback" in local.place(order).log.read_text()
    assert "Traceback" not in str(found)
