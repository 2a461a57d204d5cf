"""The key behind pseudonyms: where it comes from, that it stays, and that it is never told."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.effects import Order
from orchestrator.executors.workplace import additions, inherited
from orchestrator.settings import read_settings
from orchestrator.trouble import Trouble
from steps.contract import Context, StepError
from steps.place import Place
from steps.secret import FILE, FINGERPRINT, KEY, configured, expected, fingerprint, key_of, privacy_key

LONG = "an old key that was chosen long ago"


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    """Eight runs ask at once, and all get the same; later ones too. Nothing else is left in the folder."""
    target = tmp_path / "targets" / "words"
    with ThreadPoolExecutor(8) as many:
        found = {key for key, _ in many.map(lambda _: key_of(target, {}), range(8))}
    assert len(found) == 1
    assert key_of(target, {})[0] in found
    [file] = target.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(found.pop()) == 64


def test_a_file_system_without_links_has_a_whole_key_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is renamed into its place."""

    def refuse(*_: object) -> None:
        raise OSError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    first = key_of(tmp_path, {})
    assert key_of(tmp_path, {}) == first
    assert [one.name for one in tmp_path.iterdir()] == ["privacy.key"]


def test_the_environment_comes_first_and_a_made_key_can_be_moved_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text of `privacy.key` as a variable, or as another file, is the same key."""
    monkeypatch.delenv(KEY, raising=False)
    made, where = privacy_key(Context(tmp_path, target=tmp_path / "one"))
    assert "privacy.key" in where
    text = (tmp_path / "one" / "privacy.key").read_text()
    monkeypatch.setenv(KEY, text)
    assert privacy_key(Context(tmp_path, target=tmp_path / "two")) == (made, KEY)
    assert not (tmp_path / "two").exists()
    assert key_of(tmp_path / "two", {FILE: str(tmp_path / "one" / "privacy.key")}) == (made, FILE)


@pytest.mark.parametrize(
    ("environment", "what"),
    [
        ({KEY: "short"}, "RATCHET_PRIVACY_KEY has 5 bytes, and a key has 16 at least"),
        ({KEY: LONG, FILE: "there"}, "both set"),
        ({FILE: "/nowhere/at/all"}, "can't be read: No such file or directory"),
        ({FILE: os.devnull}, "has 0 bytes"),
    ],
)
def test_a_key_that_cannot_be_used_is_an_error_before_anything_begins(environment: dict[str, str], what: str) -> None:
    """For a step, and for every command of Ratchet; a run is begun all the same, to say so itself."""
    with pytest.raises(StepError, match=what) as step:
        configured(environment)
    with pytest.raises(Trouble, match=what) as command:
        read_settings(environment)
    assert LONG not in str(step.value) + str(command.value)
    assert expected(environment) == {}


def test_a_damaged_key_is_no_key(tmp_path: Path) -> None:
    """An empty file is not silently replaced: with another key every person would be somebody else."""
    (tmp_path / "privacy.key").touch()
    with pytest.raises(StepError, match="0 bytes"):
        key_of(tmp_path, {})


def test_a_run_knows_that_its_key_is_another_one(tmp_path: Path) -> None:
    """Whoever starts it says which one it should be: neither another one nor one made here will do."""
    said = expected({KEY: LONG})
    assert said == {FINGERPRINT: fingerprint(LONG.encode())}
    assert key_of(tmp_path, {KEY: LONG, **said})[0] == LONG.encode()
    for here in ({}, {KEY: LONG + "er"}):
        with pytest.raises(StepError, match="whoever started this run"):
            key_of(tmp_path, {**here, **said})
    assert list(tmp_path.iterdir()) == []


def test_steps_get_this_secret_and_no_other() -> None:
    """What else is secret stays with the server."""
    ours = {
        KEY: LONG, FILE: "f", "RATCHET_TOKEN": "t", "RATCHET_GITHUB_APP_PRIVATE_KEY": "k",
        "RATCHET_PRIVACY_KEY_OLD": "o", "HOME": "/",
    }  # fmt: skip
    assert inherited(ours) == {KEY: LONG, FILE: "f", "HOME": "/"}
    assert LONG not in repr(read_settings({KEY: LONG}))


def test_whoever_starts_a_run_says_which_key_it_should_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By every executor, and never the key itself: on a cluster elsewhere a job's environment is for all to read."""
    monkeypatch.setenv(KEY, LONG)
    said = additions(Order(run="c-000001/collect/1", step="a:b"), Place(tmp_path, "c-000001/collect/1"))
    assert said[FINGERPRINT] == fingerprint(LONG.encode())
    assert KEY not in said
    assert LONG not in said.values()


@settings(deadline=None, max_examples=50)
@given(st.binary(min_size=16), st.binary(min_size=16))
def test_a_fingerprint_tells_keys_apart(one: bytes, other: bytes) -> None:
    """And nothing of the key is in it."""
    assert (fingerprint(one) == fingerprint(other)) == (one == other)
    assert one.hex()[:8] != fingerprint(one)
