"""Publication and verification, on a folder and on an object store (`local://` is treated as one; so is `memory://`)."""

from pathlib import Path

import pytest
from pydantic import Field

from orchestrator.core.report import Report
from steps.contract import Artifact, Context, Dataset, Made, Model, StepError
from steps.place import Place
from steps.store import Store, digest_of_files, manifest_of, open_store, verified

RUN = "c-000001/collect/1"


class Several(Made):
    """Artifacts wherever a step may put them."""

    data: Dataset
    models: tuple[Model, ...] = ()
    named: dict[str, Artifact | None] = Field(default_factory=dict)


@pytest.fixture(params=["folder", "file", "local", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """One root of each kind."""
    kind = {"folder": "", "file": "file://", "local": "local://", "memory": "memory://"}[request.param]
    return f"{kind}{tmp_path / 'made'}"


def publish(store: Store, place: Place, texts: dict[str, str]) -> Dataset:
    """A dataset with these files, published by the run."""
    place.folder.mkdir(parents=True, exist_ok=True)
    partial = store.partial(place)
    data = Context(partial).make(Dataset, "data")
    for name, text in texts.items():
        (partial / "data" / name).parent.mkdir(exist_ok=True)
        (partial / "data" / name).write_text(text)
    product = store.publish(place.run, Several(data=data, report=Report(summary="Made.")), partial)
    assert store.product(place.run) == product
    return Dataset.model_validate(product.outputs["data"])


def test_what_is_published_is_verified(root: str, tmp_path: Path) -> None:
    """An artifact comes back as the same files, in every kind of root; its digest depends on nothing but them."""
    texts = {"a.txt": "one", "deep/b.txt": "two"}
    first = publish(open_store(root), Place(tmp_path / "work", RUN), texts)
    second = publish(open_store(root), Place(tmp_path / "work", "c-000002/collect/1"), texts)
    assert first.digest == second.digest
    assert first.uri != second.uri
    context = Context(tmp_path / "next", cache=tmp_path / "cache")
    folder = context.path(first)
    assert (folder / "deep" / "b.txt").read_text() == "two"
    assert digest_of_files(manifest_of(folder)) == first.digest
    assert context.path(first) == folder


def test_artifacts_are_found_wherever_they_are(tmp_path: Path) -> None:
    """In a list, in a dictionary, or not there: each gets its place and digest; what was handed on keeps its own."""
    store, place = open_store(tmp_path / "made"), Place(tmp_path / "work", RUN)
    partial = store.partial(place)
    context = Context(partial)
    data, model = context.make(Dataset, "data"), context.make(Model, "model")
    for artifact in (data, model):
        (context.path(artifact) / "file").write_text("x")
    old = Model(uri="/made/c-000000/finetune/1/model", digest="0" * 64)
    made = Several(data=data, models=(model, old), named={"m": model, "n": None}, report=Report(summary="Made."))
    outputs = store.publish(RUN, made, partial).outputs
    settled = {"uri": str(tmp_path / "made" / RUN / "model"), "digest": outputs["models"][0]["digest"]}  # type: ignore[index, call-overload]
    assert outputs["models"] == [settled, old.model_dump()]
    assert outputs["named"] == {"m": settled, "n": None}


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / "a.txt").write_text("two"), "a.txt is not what was published"),
        (lambda folder: (folder / "a.txt").unlink(), "a.txt is missing"),
        (lambda folder: (folder / "evil.pkl").write_text("x"), "evil.pkl was added after publication"),
        (lambda folder: (folder.parent / "manifest.json").write_text("{"), "manifest.json can't be understood"),
        (lambda folder: (folder.parent / "manifest.json").write_text('{"files": []}'), "does not have the digest"),
        (lambda folder: (folder.parent / "manifest.json").unlink(), "can't be read"),
    ],
)
@pytest.mark.parametrize("scheme", ["", "local://"])
def test_a_changed_artifact_is_refused(tmp_path: Path, scheme: str, harm: object, said: str) -> None:
    """A file that differs, is missing or was added, and a manifest that does not fit, are named with a cure."""
    store = open_store(f"{scheme}{tmp_path / 'made'}")
    data = publish(store, Place(tmp_path / "work", RUN), {"a.txt": "one"})
    folder = tmp_path / "made" / RUN / "data"
    harm(folder)  # type: ignore[operator]
    if scheme and "added" in said:
        assert sorted(file.name for file in verified(data.uri, data.digest, tmp_path / "cache").iterdir()) == ["a.txt"]
        return  # what is not in the manifest is never downloaded
    with pytest.raises(StepError) as caught:
        verified(data.uri, data.digest, tmp_path / "cache")
    assert said in str(caught.value)
    assert caught.value.failure.cure


def test_a_rotten_copy_is_fetched_again(tmp_path: Path) -> None:
    """What was downloaded is checked each time; a copy that has changed is replaced by the original."""
    store = open_store(f"local://{tmp_path / 'made'}")
    data = publish(store, Place(tmp_path / "work", RUN), {"a.txt": "one"})
    copy = verified(data.uri, data.digest, tmp_path / "cache")
    (copy / "a.txt").write_text("two")
    assert (verified(data.uri, data.digest, tmp_path / "cache") / "a.txt").read_text() == "one"


def test_an_artifact_that_is_gone_is_named(tmp_path: Path) -> None:
    """A folder that is not there is an error with its path; without a digest nothing is downloaded."""
    with pytest.raises(StepError, match="is not there"):
        verified(str(tmp_path / "gone"), "", tmp_path)
    with pytest.raises(StepError, match="no digest"):
        verified("memory://made/data", "", tmp_path)
    with pytest.raises(StepError, match="can't be opened"):
        verified("nonsense://made/data", "0" * 64, tmp_path)


def test_what_an_earlier_start_left_is_swept(root: str, tmp_path: Path) -> None:
    """A private folder of a dead start vanishes with the next, of this attempt or a later one."""
    store, place = open_store(root), Place(tmp_path / "work", RUN)
    (store.partial(place) / "half").write_text("half")
    assert store.product(RUN) is None
    assert list(store.partial(place).iterdir()) == []
    publish(store, Place(tmp_path / "work", "c-000001/collect/2"), {"a.txt": "one"})
    assert not list(tmp_path.rglob("made/**/*.partial"))
    assert store.product(RUN) is None


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    """A foreign folder where a product belongs is neither overwritten nor taken for one."""
    (tmp_path / "made" / RUN).mkdir(parents=True)
    (tmp_path / "made" / RUN / "foreign").write_text("x")
    with pytest.raises(StepError, match="is in the way"):
        publish(open_store(tmp_path / "made"), Place(tmp_path / "work", RUN), {"a.txt": "one"})
    assert (tmp_path / "made" / RUN / "foreign").read_text() == "x"


def test_a_step_may_not_write_the_record(tmp_path: Path) -> None:
    """made.json is the runner's to write."""
    store, place = open_store(tmp_path / "made"), Place(tmp_path / "work", RUN)
    partial = store.partial(place)
    (partial / "made.json").write_text("{}")
    with pytest.raises(StepError, match=r"the step wrote made\.json itself"):
        store.publish(RUN, Several(data=Dataset(uri="/x"), report=Report(summary="Made.")), partial)


def test_a_root_that_is_no_folder_is_named(tmp_path: Path) -> None:
    """A file where the artifact root should be is an error with its path."""
    (tmp_path / "made").write_text("")
    with pytest.raises(StepError, match="Not a directory"):
        open_store(tmp_path / "made").product(RUN)


@pytest.mark.parametrize("run", ["", "c-1/a", "c-1/a/x", "../a/1", "c-1/../1", "c-1/a/1/2", "/c-1/a/1", "c-1/a\n/1"])
def test_a_run_is_never_a_path_elsewhere(run: str) -> None:
    """Only <cycle>/<stage>/<attempt> names a place."""
    with pytest.raises(ValueError, match="is not a run"):
        Place("/work", run)
