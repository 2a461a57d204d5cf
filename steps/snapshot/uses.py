"""Where rows were used: the models that learnt them, and the published artifacts that name or show them.

Law: what is published is never changed, since its digest is what was approved. So these are told, not removed.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from orchestrator.core.report import File, Product, Report
from steps.contract import StepError
from steps.snapshot.dataset import SNAPSHOT, Snapshot
from steps.snapshot.folder import Folder
from steps.snapshot.lineage import LINEAGE, USED, count_trained
from steps.snapshot.part import ids_of
from steps.snapshot.rows import identity
from steps.store import MADE, digest_of_files

if TYPE_CHECKING:
    import pyarrow as pa

PREDICTIONS = "predictions.parquet"


class Gone(NamedTuple):
    """The rows that are asked about: their ids, and the ids of their texts as they were kept."""

    ids: frozenset[str]
    shown: frozenset[str]


class Trained(NamedTuple):
    """A model that learnt `rows` of them itself, or descends from models (`inherited`: their runs) that did."""

    run: str
    version: str | None
    deployed: bool
    rows: int
    inherited: tuple[str, ...]
    folder: str


class Mention(NamedTuple):
    """A published artifact that has `rows` of them."""

    run: str
    rows: int
    folder: str


class Shown(NamedTuple):
    """A published report that shows `samples` of them."""

    run: str
    samples: int


class Uses(NamedTuple):
    """All that was found. `kept`: datasets whose rows lie in the artifact itself; `silent`: runs whose models don't say
    what they learnt.
    """

    models: tuple[Trained, ...]
    predictions: tuple[Mention, ...]
    samples: tuple[Shown, ...]
    kept: tuple[Mention, ...]
    silent: tuple[str, ...]


class _Model(NamedTuple):
    run: str
    digest: str
    champion: str
    rows: int
    folder: str


def find_uses(root: str, targets: str, gone: Gone) -> Uses:
    """Look through every published run below the artifact root, and every version below the deployment targets."""
    import pyarrow as pa

    home = Folder(root)
    products = list(_products(home))
    ids = pa.array([bytes.fromhex(one) for one in sorted(gone.ids)], pa.binary(16))
    models = [
        _model(home, run, f"{run}/{name}", product.files, ids)
        for run, product in products
        for name in _artifacts(product.files, USED)
    ]
    silent = [
        run
        for run, product in products
        if set(_artifacts(product.files, LINEAGE)) - set(_artifacts(product.files, USED))
    ]
    samples = [Shown(run, shown) for run, product in products if (shown := _shown(product.report, gone))]
    return Uses(
        models=_trained(models, _versions(Folder(targets))),
        predictions=_mentions(home, products, PREDICTIONS, lambda folder: _mentioned(home, folder, gone)),
        samples=tuple(samples),
        kept=_mentions(home, products, SNAPSHOT, lambda folder: _inside(home, folder, gone)),
        silent=tuple(silent),
    )


def _mentions(
    home: Folder, products: Iterable[tuple[str, Product]], file: str, count: Callable[[str], int]
) -> tuple[Mention, ...]:
    """The artifacts with such a file that have any of the rows."""
    folders = [(run, f"{run}/{name}") for run, product in products for name in _artifacts(product.files, file)]
    counted = ((run, count(folder), folder) for run, folder in folders)
    return tuple(Mention(run, rows, home.at(folder)) for run, rows, folder in counted if rows)


def _products(home: Folder) -> Iterator[tuple[str, Product]]:
    """Every published run, by name. Raises `StepError` for one whose record is damaged: it may hide a use."""
    for name in home.glob(f"*/*/*/{MADE}"):
        try:
            yield name.removesuffix(f"/{MADE}"), Product.model_validate_json(home.read(name))
        except ValidationError as error:
            cure = "restore it from a backup, or remove the run's folder"
            raise StepError(f"{MADE} is corrupt: it is not a product", where=home.at(name), cure=cure) from error


def _artifacts(files: Iterable[File], name: str) -> list[str]:
    return [file.path.removesuffix(f"/{name}") for file in files if file.path.endswith(f"/{name}")]


def _model(home: Folder, run: str, folder: str, files: Iterable[File], ids: "pa.Array") -> _Model:
    inside = folder.removeprefix(f"{run}/") + "/"
    own = [
        file.model_copy(update={"path": file.path.removeprefix(inside)})
        for file in files
        if file.path.startswith(inside)
    ]
    said = json.loads(home.read(f"{folder}/{LINEAGE}"))
    with home.near(f"{folder}/{USED}") as path:
        rows = count_trained(path, ids)
    return _Model(run, digest_of_files(own), str(said.get("champion") or ""), rows, home.at(folder))


def _trained(models: list[_Model], versions: Mapping[str, tuple[str, bool]]) -> tuple[Trained, ...]:
    by_digest = {model.digest: model for model in models}
    found = []
    for model in models:
        inherited, seen, before = [], {model.digest}, by_digest.get(model.champion)
        while before is not None and before.digest not in seen:
            seen.add(before.digest)
            if before.rows:
                inherited.append(before.run)
            before = by_digest.get(before.champion)
        if model.rows or inherited:
            version, deployed = versions.get(model.digest[:12], (None, False))
            found.append(Trained(model.run, version, deployed, model.rows, tuple(inherited), model.folder))
    return tuple(found)


def _versions(targets: Folder) -> dict[str, tuple[str, bool]]:
    """The versions in deployment targets, by the start of their digest, and whether one is the champion."""
    found: dict[str, tuple[str, bool]] = {}
    for name in targets.glob("*/versions/*/manifest.json"):
        target, _, version, _ = name.split("/")
        try:
            now = json.loads(targets.read(f"{target}/current.json")).get("version")
        except (OSError, ValueError):
            now = None
        digest = version.rpartition("-")[2]
        found[digest] = (version, version == now or found.get(digest, ("", False))[1])
    return found


def _shown(report: Report, gone: Gone) -> int:
    samples = sum(identity(sample.text) in gone.shown for sample in report.samples)
    return samples + sum(row.id in gone.ids for row in report.to_label)


def _mentioned(home: Folder, folder: str, gone: Gone) -> int:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with home.near(f"{folder}/{PREDICTIONS}") as path:
        there = pq.read_table(path, columns=["id"])["id"].cast(pa.string())
    return int(pc.sum(pc.is_in(there, pa.array(sorted(gone.ids), pa.string()))).as_py() or 0)


def _inside(home: Folder, folder: str, gone: Gone) -> int:
    """Rows of a dataset that lies in the artifact itself; 0 for one whose rows are in a table."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = Snapshot.model_validate_json(home.read(f"{folder}/{SNAPSHOT}"))
    if found.table != ".":
        return 0
    here, wanted = Folder(home.at(folder)), pa.array(sorted(gone.ids), pa.string())
    return sum(pc.sum(pc.is_in(ids_of(here, part, "", ""), wanted)).as_py() or 0 for part in found.files)


def as_data(uses: Uses) -> dict[str, Any]:
    """For JSON."""
    listed = {name: [one._asdict() for one in found] for name, found in uses._asdict().items() if name != "silent"}
    return {**listed, "silent": list(uses.silent)}
