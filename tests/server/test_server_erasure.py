"""Erasure through the server and the loop: real tables, a real record; whom it is about is told to nobody."""

import json
from argparse import Namespace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from premises import KNOWN, TOKENS

from orchestrator.app import App
from orchestrator.audit import verify
from orchestrator.closing import name_of, read
from orchestrator.core.events import Erased, LeaseGranted
from orchestrator.core.gate import Person
from orchestrator.core.model import Trigger
from orchestrator.data import lineage, rows_of, told
from orchestrator.erasure import Erasure, Rows, erase
from orchestrator.pipelines import on_disk
from orchestrator.rooms import Marks
from orchestrator.rows import micros
from orchestrator.trouble import Trouble
from steps.contract import Context
from steps.deploy.target import publish
from steps.private import pseudonym
from steps.secret import KEY
from steps.snapshot import Table
from steps.snapshot.lineage import write_used
from tests.steps.versioned import commit, row, says

SECRET = "a key that only steps have"  # noqa: S105 - it opens nothing
SHE = "Kim Yuna of the third floor"
DESCENT = {
    "base": "distil", "champion": None, "cycles": ["c-000001"], "data": "0d0d",
    "snapshot": {"digest": "0c0c", "table": "tables/plain/collect", "delta": 2, "cycles": ["c-000001", "c-000002"]},
}  # fmt: skip
ASKED = Erasure(by=Person(id="t:alice", login="alice"), reason="she asked for it", said="said 1")
AGAIN = Erasure(by=Person(id="t:bob", login="bob"), reason="again", said="said 2")
PATH = "/api/pipelines/plain/erasures"


def collected(artifacts: Path) -> Table:
    """A table of the pipeline `plain`: two cycles, in each of which she wrote three of nine rows."""
    table = Table(str(artifacts / "tables" / "plain" / "collect"))
    hers = pseudonym(SHE, SECRET.encode(), "person")
    for cycle in ("c-000001", "c-000002"):
        rows = [row(f"{cycle} says {n}", cycle)._replace(person=hers if n < 3 else "") for n in range(9)]
        commit(table, cycle, rows)
    return table


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """Steps have the key, and the server forgets what is none of its business."""
    monkeypatch.setenv(KEY, SECRET)


@pytest.fixture
def app(folder, url):
    """A command's surroundings, with no engine at work, and a table."""
    made = App({"RATCHET_DATABASE_URL": url, "RATCHET_ARTIFACTS": str(folder / "artifacts")})
    collected(folder / "artifacts")
    yield made
    assert list(verify(made.store)) == []
    made.store.close()


def plain():
    return on_disk("ratchet.yaml")[0].pipelines["plain"]


def erased(app):
    return [one.event for one in app.journal.events("c-000001") if isinstance(one.event, Erased)]


def test_a_persons_rows_leave_and_only_that_is_told(opened, folder, capfd):
    """First what would leave, then it does, then nothing is left; by whom, why and how many is on the record."""
    server = opened({"RATCHET_TOKENS": KNOWN})
    cycle = server.begun("plain", "done", role="admin")
    table = collected(Path(server.app.artifacts))
    body = {"persons": [SHE], "reason": "she asked for it"}
    server.call("POST", PATH, role="reviewer", status=403, json=body)
    would = server.call("POST", PATH, role="admin", json={**body, "dry_run": True})
    assert (would["done"], would["rows"], would["cycles"]) == (False, 6, {"c-000001": 3, "c-000002": 3})
    assert says(Path(table.uri), "says 1")
    left = server.call("POST", PATH, role="admin", json=body)
    assert (left["done"], left["rows"], left["cycles"]) == (True, 6, would["cycles"])
    assert not any(says(Path(table.uri), f"says {n}") for n in range(3))
    assert says(Path(table.uri), "says 3")
    assert server.call("POST", PATH, role="admin", json=body)["rows"] == 0
    record = server.call("GET", f"/api/cycles/{cycle}/events", role="viewer")
    one, two = (each["event"] for each in record if each["event"]["kind"] == "erased")
    assert (one["by"]["login"], one["reason"], one["rows"]) == ("admin1", "she asked for it", 6)
    assert one["tables"] == {"tables/plain/collect": 3}
    assert two["rows"] == 0
    told = json.dumps(record) + json.dumps(left) + "".join(capfd.readouterr())
    database = b"".join(path.read_bytes() for path in folder.glob("ratchet.db*"))
    assert SHE not in told
    assert SHE.encode() not in database
    assert SECRET not in told


def test_rows_don_t_leave_while_a_run_is_at_work(app):
    """It might be learning them. Nothing is closed, begun or recorded; afterwards it is done."""
    cycle, _ = app.desk.trigger(plain(), Trigger.API)
    now = datetime.now(UTC)
    app.outbox.take("plain", cycle.id, 1, micros(now), micros(now + timedelta(minutes=1)))
    app.desk.submit(cycle.id, LeaseGranted(at=now, token=1))
    with pytest.raises(Trouble, match="c-000001/add/1 is at work, and may be learning what is to be erased"):
        erase(app, plain(), Rows(persons=(SHE,)), ASKED)
    assert Marks(app.store).get(name_of("plain")) == ""
    assert erase(app, plain(), Rows(persons=(SHE,)), ASKED, dry=True)["rows"] == 6
    app.outbox.release("plain", cycle.id, micros(now))
    assert erase(app, plain(), Rows(persons=(SHE,)), ASKED)["rows"] == 6
    assert [(one.rows, one.by.login) for one in erased(app)] == [(6, "alice")]


def test_who_dies_before_it_is_on_the_record_is_finished_by_the_next_one(app, monkeypatch):
    """The rows are gone and nobody has said so: the same wish again is the same erasure, on the record once."""
    app.desk.trigger(plain(), Trigger.API)
    with monkeypatch.context() as dying:
        dying.setattr(app.desk, "submit", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            erase(app, plain(), Rows(persons=(SHE,)), ASKED)
    assert erased(app) == []
    left = read(Marks(app.store).get(name_of("plain")))
    assert left.begun
    assert not left.stands(micros(app.clock.now()))
    assert SHE not in left.model_dump_json()
    assert erase(app, plain(), Rows(persons=(SHE,)), AGAIN)["rows"] == 6
    assert [(one.rows, one.by.login, one.id) for one in erased(app)] == [(6, "alice", "said 1")]
    assert erase(app, plain(), Rows(persons=(SHE,)), AGAIN)["rows"] == 0
    assert [one.rows for one in erased(app)] == [6, 0]


def test_one_erasure_at_a_time(app):
    """The second is told who is at it."""
    app.desk.trigger(plain(), Trigger.API)
    seen = []

    def meanwhile(cycle, event):
        with pytest.raises(Trouble, match="alice is erasing rows of plain just now"):
            erase(app, plain(), Rows(ids=("0" * 32,)), AGAIN)
        seen.append(event)

    submit, app.desk.submit = app.desk.submit, meanwhile
    erase(app, plain(), Rows(persons=(SHE,)), ASKED)
    app.desk.submit = submit
    assert [one.rows for one in seen] == [6]


@pytest.mark.parametrize(
    ("environment", "rows", "what"),
    [
        ({KEY: ""}, Rows(persons=(SHE,)), "no key is known that persons of plain were replaced by pseudonyms with"),
        ({KEY: "short"}, Rows(persons=(SHE,)), "RATCHET_PRIVACY_KEY has 5 bytes"),
    ],
)
def test_what_can_t_be_erased_is_said_and_nothing_has_changed(app, monkeypatch, environment, rows, what):
    """Without naming her; and no key is made up for her either."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    app.desk.trigger(plain(), Trigger.API)
    with pytest.raises(Trouble, match=what) as said:
        erase(app, plain(), rows, ASKED)
    assert SHE not in str(said.value)
    assert erased(app) == []
    assert not (Path(app.artifacts) / "targets" / "plain" / "privacy.key").exists()


def test_before_the_first_cycle_there_is_nothing_to_erase(app):
    """And no record that could keep it."""
    with pytest.raises(Trouble, match="no cycle of plain has ever begun"):
        erase(app, plain(), Rows(persons=(SHE,)), ASKED)


def test_the_command_line_asks_the_server(opened, monkeypatch, capsys):
    """The same words, the same answer; what is secret comes by the standard input."""
    from orchestrator import cli

    server = opened({"RATCHET_TOKENS": KNOWN})
    server.begun("plain", "done", role="admin")
    collected(Path(server.app.artifacts))
    monkeypatch.setenv("RATCHET_SERVER", server.address)
    monkeypatch.setenv("RATCHET_TOKEN", TOKENS["admin"])
    monkeypatch.setattr("sys.stdin", StringIO(f"{SHE}\n"))
    words = ["erase", "plain", "--person", "-", "--reason", "she asked"]
    assert cli._main(words) == 1
    assert "without --yes nothing is erased\n6 rows would leave the snapshots of plain" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", StringIO(f"{SHE}\n"))
    assert cli._main([*words, "--yes"]) == 0
    assert "6 rows left the snapshots of plain: 3 of c-000001, 3 of c-000002" in capsys.readouterr().out


def test_models_that_learnt_the_rows_are_named_with_what_to_do():
    """Their own rows, or by way of a model that they descend from."""
    one = {"run": "c-000002/learn/1", "version": "v2", "deployed": True, "rows": 4, "inherited": []}
    other = {**one, "version": None, "deployed": False, "rows": 0, "inherited": ["c-000001/learn/1"]}
    found = {"done": True, "rows": 5, "cycles": {"c-000001": 5}, "holdout": 1, "models": [one, other], "notes": ["So."]}
    assert told(found, "plain").splitlines() == [
        "5 rows left the snapshots of plain: 5 of c-000001",
        "  1 of them in hold-outs",
        "models that were trained on them:",
        "  v2: 4 rows, deployed now",
        "  c-000002/learn/1: by way of c-000001/learn/1",
        "  train without them: ratchet trigger plain",
        "  until then, if another one never saw them: ratchet rollback plain VERSION",
        "- So.",
    ]


def test_from_a_deployed_model_back_to_the_cycles_of_its_rows(app, folder):
    """The champion, or the version that is named; its run, its data, and how many rows of which cycle it learnt."""
    rows = [row(f"{cycle} says {n}", cycle) for cycle in ("c-000001", "c-000002") for n in range(3)]
    versions = []
    for number in (1, 2):
        made = folder / f"model-{number}"
        made.mkdir()
        write_used(made, rows[: 3 * number - 1], rows[-1:])
        (made / "lineage.json").write_text(json.dumps({**DESCENT, "run": f"c-{number:06}/learn/1"}))
        target = Path(app.artifacts) / "targets" / "plain"
        about = Context(folder / "out", run=f"c-{number:06}/deploy/1", target=target, token=number)
        versions.append(publish(made, "", about).version)
    asked = Namespace(config="ratchet.yaml", pipeline="plain", version=None)
    data, text = lineage(asked, app)
    assert (data["version"], data["rows"]) == (versions[1], {"c-000001": 3, "c-000002": 2})
    assert text.splitlines() == [
        f"{versions[1]} was trained by c-000002/learn/1, from distil",
        "  rows      5 to train on, 1 to choose by",
        "  data      0d0d",
        "  snapshot  0c0c of tables/plain/collect, version 2",
        "  cycle     rows",
        "  c-000001  3",
        "  c-000002  2",
    ]
    asked.version = versions[0]
    assert lineage(asked, app)[0]["rows"] == {"c-000001": 2}
    asked.version = "v9"
    with pytest.raises(Trouble, match=f"plain has no version v9: name one of: {versions[0]}"):
        lineage(asked, app)


@pytest.mark.parametrize(
    ("named", "what"),
    [
        ({"id": ["no id"]}, "an id that was named is none"),
        ({"person": ["x" * 2001]}, "more than 2000 characters"),
        ({}, "nothing says whose rows"),
        ({"person": [" "]}, "names nobody"),
        ({"text_file": ["nowhere"]}, "can't be read"),
    ],
)
def test_a_wish_that_names_nothing_is_a_wrong_call(named, what):
    """Exit status 2, before anything is asked."""
    with pytest.raises(Trouble, match=what) as said:
        rows_of(Namespace(**{"person": None, "id": None, "text_file": None, **named}))
    assert said.value.code == 2
