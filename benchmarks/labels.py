"""How well wrong labels are found: `python benchmarks/labels.py [--year 2009] [--seeds 5]`.

A year of the review stream in `../shared/data`, rating ≥ 9 positive, ≤ 4 negative, 20,000 different texts by id; 5 % of
the labels are turned at random. Precision at k is the share of turned labels among the first k rows; recall at k their
share of all turned labels. Labels that the source itself got wrong count against every contender.

Laws: all contenders see the same probabilities, and the same rows are turned for all; nothing of the data is printed.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.table import table  # noqa: E402 - after the path
from steps.labels import confident, crossfit, worth  # noqa: E402
from steps.labels.diverse import Chosen  # noqa: E402
from steps.snapshot import identity  # noqa: E402

DATA = ROOT.parent / "shared" / "data" / "nsmc-2003-2014.parquet"
AT = (60, 200, 1_000)
_ROWS = 20_000
_TURNED = 0.05


def year(which: int) -> tuple[list[str], list[str], np.ndarray]:
    """Ids, texts and labels, ordered by id; each text once."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    rows = pq.read_table(DATA, columns=["date", "rating", "review"])
    rows = rows.filter(pc.equal(pc.year(rows["date"]), which))
    found = {}
    for rating, text in zip(rows["rating"].to_pylist(), rows["review"].to_pylist(), strict=True):
        if text and text.strip() and (rating >= 9 or rating <= 4):
            found.setdefault(identity(text), (text, int(rating >= 9)))
    ids = sorted(found)[:_ROWS]
    return ids, [found[one][0] for one in ids], np.array([found[one][1] for one in ids])


def champion(before: int, counts_of: list[str]) -> np.ndarray:
    """Probabilities by the same kind of model, taught on the whole year before, labels as they are."""
    _, texts, labels = year(before)
    both = crossfit.vectors([*texts, *counts_of])
    return crossfit._learnt(both[: len(texts)], labels, both[len(texts) :], 2)


def contenders(
    ids: list[str], counts, given: np.ndarray, p: np.ndarray, aside: np.ndarray
) -> dict[str, dict[int, list]]:
    """For each way to choose, the places of the first k rows for each k."""
    rows = np.arange(len(ids))
    loss = -np.log(np.maximum(p[rows, given], 1e-12))
    margin = confident.margins(given, p)
    suspect = confident.mislabelled(given, p) & (margin > 0)
    value = np.where(suspect, (1 + margin) / 2, 0)
    rare = crossfit.rarities(counts)

    def first(worth_: np.ndarray) -> dict[int, list]:
        order = np.argsort(-worth_, kind="stable")
        return {k: order[:k].tolist() for k in AT}

    def halves(k: int) -> list[int]:
        so_far = Chosen(rare)
        half = so_far.add(np.where(aside, value, 0), k // 2)
        return [*half, *so_far.add(value, k - len(half))]

    return {
        "at random": {k: list(range(k)) for k in AT},  # ids are digests
        "loss": first(loss),
        "confident learning, by margin": first(np.where(suspect, margin, -2)),
        "… less the thresholds": first(confident.margins(given, p - confident.thresholds(given, p))),
        "… and diverse": {k: Chosen(rare).add(value, k) for k in AT},
        "… half of it from hold-out (as shipped)": {k: halves(k) for k in AT},
    }


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--year", type=int, default=2009)
    asked.add_argument("--seeds", type=int, default=5)
    asked.add_argument("--save", type=Path, help="write labels and probabilities of the first seed, for other tools")
    options = asked.parse_args()
    if not DATA.is_file():
        sys.exit(f"{DATA.name} is not there: this benchmark reads it from ../shared/data")
    ids, texts, true = year(options.year)
    counts, older = crossfit.vectors(texts), champion(options.year - 1, texts)
    scores: dict[str, list] = {}
    sets = []
    for seed in range(options.seeds):
        chance = np.random.default_rng(seed)
        turned = chance.random(len(ids)) < _TURNED
        aside, given = chance.random(len(ids)) < 0.2, np.where(turned, 1 - true, true)
        simple = crossfit.probabilities(counts, given, ids, 2, seed)
        for name, p in {"": simple, ", with a champion": worth._views(given, simple, older).p}.items():
            for way, places in contenders(ids, counts, given, p, aside).items():
                figures = [(turned[places[k]].mean(), turned[places[k]].sum() / turned.sum()) for k in AT]
                scores.setdefault(way + name, []).append(figures)
            suspect = confident.mislabelled(given, p) & (confident.margins(given, p) > 0)
            sets.append((name, suspect.sum(), turned[suspect].mean(), turned[suspect].sum() / turned.sum()))
        if options.save and seed == 0:
            np.savez(options.save, given=given, p=simple, turned=turned)
    cells = []
    for way, found in scores.items():
        mean, sd = np.mean(found, axis=0), np.std(found, axis=0)
        cells.append([way, *(f"{m[0]:.3f} ± {s[0]:.3f} ({m[1]:.3f})" for m, s in zip(mean, sd, strict=True))])
    print(table(["precision (recall) at", *map(str, AT)], cells))
    for name in ("", ", with a champion"):
        size, precision, recall = np.mean([row[1:] for row in sets if row[0] == name], axis=0)
        print(f"suspected{name}: {size:,.0f} rows, precision {precision:.3f}, recall {recall:.3f}")


if __name__ == "__main__":
    main()
