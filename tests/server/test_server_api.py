"""The API, row by row, spoken over a real connection to a real server."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from premises import GITHUB, KNOWN, TOKENS, Premises

from steps.contract import Context
from steps.deploy.target import publish

DIGEST = "0" * 64


def test_a_cycle_from_the_question_to_the_end(opened, url):
    """Triggered once whatever is repeated, shown with what its gate lacks, approved by a digest, done."""
    here: Premises = opened({"RATCHET_DATABASE_URL": url})
    asked = {"pipeline": "sums", "set": {"add.values": "[4, 5]"}, "reason": "new reviews", "idempotency_key": "k 1"}
    made = here.call("POST", "/api/cycles", status=201, json=asked)
    assert made["id"] == "c-000001"
    assert made["url"] == f"{here.address}/api/cycles/c-000001"
    assert here.call("POST", "/api/cycles", status=200, json=asked)["id"] == "c-000001"
    other = here.call("POST", "/api/cycles", status=409, json={"pipeline": "plain", "idempotency_key": "k 1"})
    assert "c-000001" in other["error"]["what"]

    shown = here.until("c-000001", "in_review")
    gate = shown["gate"]
    assert gate["clauses"] == [
        {"clause": "1 of @anyone", "met": False, "filled_by": [], "missing": "1 more of @anyone"}
    ]
    assert gate["report"]["summary"] == "The sum is 9."
    assert (shown["purpose"], shown["params"]) == ("new reviews", {"add": {"values": "[4, 5]"}})
    assert shown["source"] == "ratchet.yaml"

    stale = here.call("POST", "/api/cycles/c-000001/reviews", status=409, json={"verdict": "approve", "about": DIGEST})
    assert "stale" in stale["error"]["what"]
    about = {"verdict": "approve", "about": gate["digest"][:8].upper(), "reason": "looks right"}
    here.call("POST", "/api/cycles/c-000001/reviews", json=about)
    done = here.until("c-000001", "done")
    assert [(one["verdict"], one["reason"]) for one in done["reviews"]] == [("approve", "looks right")]
    assert [stage["report"]["summary"] for stage in done["stages"]] == ["The sum is 9.", "The product is 18."]
    late = here.call("POST", "/api/cycles/c-000001/reviews", status=409, json=about)
    assert "c-000001 is done" in late["error"]["what"]

    record = here.call("GET", "/api/cycles/c-000001/events")
    kinds = [one["event"]["kind"] for one in record]
    assert kinds[0] == "triggered"
    assert kinds.count("refused") == 2, "what did not count is on the record"
    assert {one["event"]["review"]["authority"] for one in record if one["event"]["kind"] == "review_given"} == {
        "person"
    }
    assert [one["seq"] for one in record] == list(range(1, len(record) + 1))


def test_a_list_is_read_page_by_page(here):
    """Newest first; by pipeline, by state, and from where the last page ended."""
    first = [here.begun("plain", "done") for _ in range(3)]
    held = here.begun("sums")
    assert [one["id"] for one in here.call("GET", "/api/cycles")] == [held, *reversed(first)]
    assert [one["id"] for one in here.call("GET", "/api/cycles?state=in_review")] == [held]
    assert [one["id"] for one in here.call("GET", "/api/cycles?pipeline=plain&limit=2")] == [first[2], first[1]]
    page = here.call("GET", f"/api/cycles?pipeline=plain&limit=2&before={first[1]}")
    assert [one["id"] for one in page] == [first[0]]
    assert here.call("GET", "/api/cycles?pipeline=none%00such") == []
    assert datetime.fromisoformat(page[0]["began_at"]).tzinfo is not None


def test_commands_do_what_they_say_or_say_why_not(here):
    """hold, unhold, rerun with another value, unapprove, cancel."""
    cycle = here.begun()
    say = f"/api/cycles/{cycle}/commands"
    assert here.call("POST", say, json={"command": "hold", "reason": "wait"})["held"].endswith("wait")
    assert "is held already" in here.call("POST", say, status=409, json={"command": "hold"})["error"]["what"]
    assert here.call("POST", say, json={"command": "unhold"})["held"] is None
    wrong = here.call("POST", say, status=422, json={"command": "rerun", "set": {"values": "many"}})
    assert "values" in wrong["error"]["what"]
    here.call("POST", say, json={"command": "rerun", "from": "add", "set": ["values=[7]"]})
    again = here.until(cycle, "in_review")
    assert (again["gate"]["run"], again["gate"]["report"]["summary"]) == (f"{cycle}/add/2", "The sum is 7.")
    assert "no review" in here.call("POST", say, status=409, json={"command": "unapprove"})["error"]["what"]
    here.call("POST", say, status=422, json={"command": "cancel", "reason": " "})
    assert here.call("POST", say, json={"command": "cancel", "reason": "enough"})["state"] == "cancelled"


def test_a_change_reruns_the_stage_and_a_rejection_ends_the_cycle(here):
    """Two verdicts that are no approval."""
    cycle = here.begun()
    digest = here.call("GET", f"/api/cycles/{cycle}")["gate"]["digest"]
    say = f"/api/cycles/{cycle}/reviews"
    here.call("POST", say, status=422, json={"verdict": "reject", "about": digest})
    here.call("POST", say, json={"verdict": "change", "about": digest, "set": {"values": [2]}}, status=422)
    here.call("POST", say, json={"verdict": "change", "about": digest, "set": {"add.values": "[2]"}})
    again = here.until(cycle, "in_review")["gate"]
    assert again["report"]["summary"] == "The sum is 2."
    ended = here.call("POST", say, json={"verdict": "reject", "about": again["digest"], "reason": "too small"})
    assert (ended["state"], ended["reason"][-9:]) == ("rejected", "too small")


def test_what_is_asked_wrongly_is_answered_in_one_form(here):
    """Each with its status, what is wrong and a cure; nothing has changed."""
    post = {"method": "POST", "path": "/api/cycles"}
    asked = [
        (404, {"method": "GET", "path": "/api/cycles/c-000099"}),
        (404, {"method": "GET", "path": "/api/cycles/c-%00"}),
        (404, {"method": "GET", "path": "/api/cycles/c-999999999999999999999999"}),
        (404, {"method": "GET", "path": "/api/nothing"}),
        (405, {"method": "DELETE", "path": "/api/cycles"}),
        (404, {**post, "json": {"pipeline": "sumz"}}),
        (422, {**post, "json": {"pipeline": "sums", "mood": "good"}}),
        (422, {**post, "json": {"pipeline": "sums", "set": {"add.values": "many"}}}),
        (422, {**post, "json": {"pipeline": "sums", "set": {"sum.values": "[1]"}}}),
        (422, {**post, "json": {"pipeline": "sums", "set": {"values": "[1]"}}}),
        (422, {**post, "json": {"pipeline": "sums", "idempotency_key": "a\x00b"}}),
        (422, {**post, "content": b'{"pipeline": ', "headers": {"content-type": "application/json"}}),
        (422, {**post, "content": b'{"pipeline": "\\ud800"}', "headers": {"content-type": "application/json"}}),
        (413, {**post, "content": b"x" * (2 << 20), "headers": {"content-type": "application/json"}}),
        (422, {"method": "GET", "path": "/api/cycles?limit=201"}),
        (422, {"method": "GET", "path": "/api/cycles?before=7"}),
        (422, {"method": "GET", "path": "/api/cycles?state=asleep"}),
        (404, {"method": "POST", "path": "/api/models/sumz/rollback"}),
        (409, {"method": "POST", "path": "/api/models/sums/rollback"}),
        (422, {"method": "POST", "path": "/api/models/sums/rollback", "json": {"version": "--run"}}),
        (404, {"method": "POST", "path": "/api/plan", "json": {"pipeline": "sumz"}}),
        (404, {"method": "POST", "path": "/api/pipelines/sumz/erasures", "json": {"persons": ["A"], "reason": "B"}}),
        (409, {"method": "POST", "path": "/api/pipelines/sums/erasures", "json": {"persons": ["A"], "reason": "B"}}),
        (422, {"method": "POST", "path": "/api/pipelines/sums/erasures", "json": {"reason": "B"}}),
        (422, {"method": "POST", "path": "/api/pipelines/sums/erasures", "json": {"persons": ["A"], "reason": " "}}),
        (404, {"method": "POST", "path": "/github/relay", "json": {"repository": "octo/models", "issue": 7}}),
    ]
    for status, one in asked:
        told = here.call(status=status, **one)["error"]
        assert set(told) == {"what", "cure"}, one
        assert told["what"], one
    assert here.call("GET", "/api/cycles") == []
    assert "sums" in here.call("POST", "/api/cycles", status=404, json={"pipeline": "sumz"})["error"]["cure"]


CALLS = {
    ("GET", "/api/cycles"): "viewer",
    ("GET", "/api/cycles/{cycle}"): "viewer",
    ("GET", "/api/cycles/{cycle}/events"): "viewer",
    ("GET", "/api/cycles/{cycle}/labels"): "viewer",
    ("POST", "/api/cycles/{cycle}/labels", '{"labels": [{"id": "r1", "label": "good"}]}'): "reviewer",
    ("GET", "/api/pipelines"): "viewer",
    ("GET", "/api/models"): "viewer",
    ("POST", "/api/plan", '{"pipeline": "plain"}'): "viewer",
    ("POST", "/api/plan", '{"pipeline": "plain", "trigger": true}'): "planner",
    ("POST", "/github/relay", '{"repository": "Octo/Models", "issue": 7, "comment": 8}'): "planner",
    ("POST", "/api/cycles/{cycle}/commands", '{"command": "hold"}'): "planner",
    ("POST", "/api/cycles/{cycle}/commands", '{"command": "unhold"}'): "reviewer",
    ("POST", "/api/cycles/{cycle}/commands", '{"command": "unapprove"}'): "reviewer",
    ("POST", "/api/cycles/{cycle}/commands", '{"command": "rerun"}'): "planner",
    ("POST", "/api/cycles/{cycle}/reviews", '{"verdict": "approve", "about": "00000000"}'): "reviewer",
    ("POST", "/api/models/sums/rollback", "{}"): "admin",
    ("POST", "/api/pipelines/plain/erasures", '{"ids": ["00000000000000000000000000000000"], "reason": "no"}'): "admin",
    ("POST", "/api/cycles", '{"pipeline": "plain"}'): "planner",
    ("POST", "/api/cycles/{cycle}/commands", '{"command": "cancel", "reason": "no"}'): "reviewer",
}


def test_each_role_may_do_what_it_may_and_no_more(opened):
    """The whole matrix: nobody 401, a role too low 403, and otherwise neither."""
    guarded: Premises = opened({"RATCHET_TOKENS": KNOWN, **GITHUB})
    cycle = guarded.begun(role="admin")
    roles = list(TOKENS)
    for call, least in CALLS.items():
        method, path, body = (*call, "")[:3]
        ask = {"content": body, "headers": {"content-type": "application/json"}} if body else {}
        for role in ["", *roles]:
            may = bool(role) and roles.index(role) >= roles.index(least)
            headers = {**ask.get("headers", {}), **({"authorization": f"Bearer {TOKENS[role]}"} if role else {})}
            answer = guarded.http.request(method, path.format(cycle=cycle), content=ask.get("content"), headers=headers)
            told = f"{role or 'nobody'} {method} {path} {body}: {answer.status_code} {answer.text}"
            if not role:
                assert answer.status_code == 401, told
                assert answer.headers["www-authenticate"].startswith("Bearer"), told
            else:
                assert (answer.status_code == 403) is not may, told
                assert answer.status_code != 401, told
    for free in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        guarded.call("GET", free)


def test_a_planner_cancels_what_he_began_and_no_other(guarded):
    """The initiator is known by the token's name."""
    own, other = guarded.begun(role="planner"), guarded.call("POST", "/api/cycles", role="admin", status=201,
                                                             json={"pipeline": "plain"})["id"]  # fmt: skip
    no = {"command": "cancel", "reason": "no"}
    guarded.call("POST", f"/api/cycles/{own}/commands", role="planner", json=no)
    guarded.call("POST", f"/api/cycles/{other}/commands", role="planner", status=403, json=no)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic {admin}", "Bearer {admin}x", "Bearer x.y.z", "bearer é", "Bearer a.b.c" * 9999]
)
def test_a_token_that_nobody_has_is_nobodys(guarded, header):
    """Nor is half a token, one of another scheme, or something that looks like GitHub's where no OIDC is configured."""
    value = header.format(admin=TOKENS["admin"]).encode("latin-1")[:60_000]
    answer = guarded.http.get("/api/cycles", headers={"authorization": value})
    assert answer.status_code in (400, 401, 431)
    assert TOKENS["admin"] not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"host": "127.0.0.1.evil.example"},
    ],
)
def test_without_tokens_a_page_from_elsewhere_is_not_answered(here, headers):
    """A browser that was led to this machine by a foreign name can neither read nor trigger."""
    here.call("GET", "/api/cycles", status=403, headers=headers)
    here.call("POST", "/api/cycles", status=403, headers=headers, json={"pipeline": "plain"})
    assert here.call("GET", "/api/cycles", headers={"host": "localhost:1", "origin": "http://[::1]:2"}) == []


def test_the_pipeline_file_is_told_to_be_broken_with_every_problem(here, folder):
    """503, and nothing begins; once it is right again everything goes on."""
    good = (folder / "ratchet.yaml").read_text()
    (folder / "ratchet.yaml").write_text("pipelines:\n  a: {stages: 3}\n  b: 4\n")
    for method, path, body in (
        ("GET", "/api/pipelines", None), ("GET", "/api/models", None), ("POST", "/api/cycles", {"pipeline": "sums"}),
        ("POST", "/api/plan", {}), ("POST", "/api/models/sums/rollback", {}),
    ):  # fmt: skip
        told = here.call(method, path, status=503, json=body)["error"]["what"]
        assert "ratchet.yaml:2" in told
        assert "ratchet.yaml:3" in told
    (folder / "ratchet.yaml").write_text(good)
    shown = here.call("GET", "/api/pipelines")
    assert [(one["name"], one["stages"], one["schedule"]) for one in shown] == [
        ("sums", ["add", "times"], None), ("plain", ["add"], None),
    ]  # fmt: skip


def test_what_the_steps_refuse_never_begins(here, folder):
    """The wiring is proved before the first cycle, as on the command line."""
    (folder / "ratchet.yaml").write_text(
        (folder / "ratchet.yaml").read_text().replace("server_sums:times", "server_sums:tims")
    )
    told = here.call("POST", "/api/cycles", status=409, json={"pipeline": "sums"})["error"]["what"]
    assert "tims" in told
    assert here.call("GET", "/api/cycles") == []
    here.call("POST", "/api/cycles", status=201, json={"pipeline": "plain"})


def test_the_description_names_every_call(here):
    """`/openapi.json` has each row of the public surface, with its answers."""
    paths = here.call("GET", "/openapi.json")["paths"]
    rows = {
        (method, path): set(about["responses"]) for path, methods in paths.items() for method, about in methods.items()
    }
    assert {"201", "200", "404", "409", "422"} <= rows["post", "/api/cycles"]
    assert {"202", "200", "401", "413", "400"} <= rows["post", "/github/webhook"]
    wanted = {
        ("get", "/api/cycles"), ("get", "/api/cycles/{cycle}"), ("get", "/api/cycles/{cycle}/events"),
        ("get", "/api/events"), ("post", "/api/cycles/{cycle}/reviews"), ("post", "/api/cycles/{cycle}/commands"),
        ("get", "/api/cycles/{cycle}/labels"), ("post", "/api/cycles/{cycle}/labels"),
        ("get", "/api/pipelines"), ("get", "/api/models"), ("post", "/api/models/{pipeline}/rollback"),
        ("post", "/api/pipelines/{pipeline}/erasures"),
        ("post", "/api/plan"), ("post", "/github/relay"), ("get", "/healthz"), ("get", "/readyz"), ("get", "/metrics"),
    }  # fmt: skip
    assert wanted <= rows.keys()
    assert "HTTPValidationError" not in json.dumps(paths)


def test_a_model_that_is_deployed_is_shown_and_one_that_is_broken_is_said_to_be(here):
    """The target's pointer is read as it is."""
    assert [one["version"] for one in here.call("GET", "/api/models")] == [None, None]
    target = Path(here.app.artifacts) / "targets" / "sums"
    target.mkdir(parents=True)
    said = {
        "version": "v1",
        "digest": "d",
        "cycle": "c-000001",
        "run": "c-000001/deploy/1",
        "token": 1,
        "history": ["v0"],
    }
    (target / "current.json").write_text(json.dumps(said))
    shown = here.call("GET", "/api/models")[0]
    assert (shown["version"], shown["history"], shown["problem"]) == ("v1", ["v0"], "")
    (target / "current.json").write_text("{")
    assert "can't be read" in here.call("GET", "/api/models")[0]["problem"]


def test_an_earlier_version_answers_again_and_the_record_says_who_wanted_it(guarded, folder):
    """The one before, then one by its name; the newest cycle keeps the record of both."""
    cycle = guarded.begun("plain", "done", role="admin")
    target = Path(guarded.app.artifacts) / "targets" / "plain"
    versions = []
    for number in (1, 2):
        made = folder / f"model-{number}"
        made.mkdir()
        (made / "weights.txt").write_text(f"{number}")
        about = Context(folder / f"out-{number}", run=f"c-{number:06}/deploy/1", target=target, token=number)
        versions.append(publish(made, "", about).version)
    path = "/api/models/plain/rollback"
    guarded.call("POST", path, role="reviewer", status=403)
    back = guarded.call("POST", path, role="admin")
    assert back == {"pipeline": "plain", "version": versions[0], "previous": versions[1]}
    assert guarded.call("GET", "/api/models", role="viewer")[1]["version"] == versions[0]
    forth = guarded.call("POST", path, role="admin", json={"version": versions[1]})
    assert forth["version"] == versions[1]
    told = guarded.call("POST", path, role="admin", status=409, json={"version": "v9"})["error"]["what"]
    assert "there is no version 'v9'" in told
    record = guarded.call("GET", f"/api/cycles/{cycle}/events", role="viewer")
    said = [one["event"] for one in record if one["event"]["kind"] == "rolled_back"]
    assert [(one["by"]["login"], one["version"], one["was"]) for one in said] == [
        ("admin1", versions[0], versions[1]), ("admin1", versions[1], versions[0]),
    ]  # fmt: skip
