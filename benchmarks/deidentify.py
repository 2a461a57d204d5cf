"""De-identification on labelled text: `python benchmarks/deidentify.py [--rows 20000] [--seed 0] [--set test]`.

Ours, Presidio and ko-pii (`recognisers.py` says how each is used) read the same generated text: templates × Faker ×
disguises (`tests/private/corpus.py`), the criteria of `tests/private/score.py`.

Laws:
- What is reported comes from the set `test`, whose templates nobody looked at while the rules were written.
- All read the same rows; where one is so slow that it reads fewer (`--slow-rows`), the head of the table says so.
- Rates: the median of rounds on the same rows, the order turned by one each round, by processor time, since others may
  use the machine. Ours includes the replacing, theirs is the finding alone.
- A goal that is missed is shown, and is no error.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "private")]

from corpus import CHECKSUMS, KINDS, Item, generate  # noqa: E402
from disguises import DISGUISES  # noqa: E402
from score import COVERED, RIGHT, Miss, Score  # noqa: E402

from benchmarks import machine  # noqa: E402 - after the path
from benchmarks.ratio import Spread  # noqa: E402
from benchmarks.recognisers import Recogniser, recognisers, replacing  # noqa: E402
from benchmarks.table import judged, spread, table  # noqa: E402

GOAL = 0.95
FASTER = 20.0  # times Presidio
_BATCH = 500


def main() -> None:
    """Measure and print."""
    options = _options()
    items = list(generate(options.set, options.rows, options.seed))
    print(table(["", "measured on"], list(_facts(options, items).items())))
    made = {name: make() for name, make in recognisers().items() if name in options.only}
    found = {
        name: _score(one, items[: options.slow_rows if name == "Presidio" else None]) for name, one in made.items()
    }
    print(f"\n### Recall and precision by kind\n\n{by_kind(found)}")
    print(f"\n### Identifiers with a check digit that are left\n\n{leaks(found)}")
    print(f"\n### Recall by disguise\n\n{by_disguise(found)}")
    print(f"\n### Text without identifiers\n\n{harm(found)}")
    ours = found.get("Ratchet", Score())
    if options.rounds:
        print(f"\n### Rows a second of processor time\n\n{rates(made, items[: options.rate_rows], options.rounds)}")
    if options.reviews:
        real = _reviews(options.reviews, options.rows)
        found = {name: _score(one, real) for name, one in made.items()}
        print(f"\n### Real reviews: most have no identifier, and nobody labelled them\n\n{harm(found)}")
        if options.rounds:
            print(f"\n{rates(made, real[: options.rate_rows], options.rounds)}")
    print(f"\nLoad averages after it: {machine.load()}")
    if options.show:
        _show(ours, options.show)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--slow-rows", type=int, help="Presidio reads the first so many alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", choices=["dev", "test"], default="test")
    parser.add_argument("--rounds", type=int, default=5, help="of the rates; 0 for none")
    parser.add_argument("--rate-rows", type=int, default=1000)
    parser.add_argument("--reviews", type=Path, help="a parquet file with real text in its column `review`")
    parser.add_argument("--only", action="append", choices=list(recognisers()), help="one alone; may be repeated")
    parser.add_argument(
        "--show", type=int, default=0, help="so many of our failures of each kind; with --set dev alone"
    )
    options = parser.parse_args()
    if options.show and options.set == "test":
        parser.error(
            "failures are shown of the set dev alone: whoever has seen those of test would write rules for them"
        )
    options.only = options.only or list(recognisers())
    return options


def _facts(options: argparse.Namespace, items: Sequence[Item]) -> dict[str, str]:
    labels = Counter(label.kind for one in items for label in one.labels)
    with tempfile.TemporaryDirectory() as folder:
        known = machine.facts(Path(folder))
    slow = options.slow_rows
    return {
        **{name: known[name] for name in ("processors", "memory", "system", "Python")},
        **{name: version(name) for name in ("presidio-analyzer", "ko-pii", "faker")},
        "text": f"set {options.set}, seed {options.seed}, {len(items):,} rows, {labels.total():,} identifiers, "
        f"{sum(not one.labels for one in items):,} rows without any",
        "Presidio read": f"the first {slow:,} rows" if slow else "all of them",
        "criteria": f"found: {COVERED:.0%} of its letters and digits covered; right: {RIGHT:.0%} of the span labelled",
    }


def _score(recogniser: Recogniser, items: Sequence[Item]) -> Score:
    score = Score()
    for start in range(0, len(items), _BATCH):
        batch = items[start : start + _BATCH]
        for item, found in zip(batch, recogniser(batch), strict=True):
            score.add(item, found)
    return score


def by_kind(found: Mapping[str, Score]) -> str:
    """Each kind, then all; the goal stands beside ours."""
    columns = ["kind", "labels", *(f"{name} {what}" for name in found for what in ("recall", "precision")), "goal"]
    rows = []
    for kind in KINDS:
        goal = 1.0 if kind in CHECKSUMS else GOAL if kind in ("name", "address") else 0.0
        rows.append([kind, *_line(found, kind), _reached(found, kind, goal) if goal else ""])
    return table(columns, [*rows, ["all", *_line(found, *KINDS, "other"), ""]])


def _line(found: Mapping[str, Score], *kinds: str) -> list[str]:
    first = next(iter(found.values()))
    cells = [f"{sum(first.labels[kind] for kind in kinds):,}"]
    for one in found.values():
        any_span = any(one.spans[kind] for kind in kinds)
        cells += [f"{one.recall(*kinds):.3f}", f"{one.precision(*kinds):.3f}" if any_span else "–"]
    return cells


def _reached(found: Mapping[str, Score], kind: str, goal: float) -> str:
    ours = found.get("Ratchet")
    if ours is None:
        return ""
    worst = ours.recall(kind) if goal == 1.0 else min(ours.recall(kind), ours.precision(kind))
    return judged(worst, goal, least=True)


def leaks(found: Mapping[str, Score]) -> str:
    """Of the kinds whose check digit tells them: how many of how many are still there."""
    rows = [
        [kind, *(f"{one.labels[kind] - one.caught[kind]:,} of {one.labels[kind]:,}" for one in found.values())]
        for kind in sorted(CHECKSUMS)
    ]
    return table(["kind", *found], rows)


def by_disguise(found: Mapping[str, Score]) -> str:
    """All identifiers of the texts that wear it."""
    rows = []
    for worn in ("plain", *DISGUISES):
        shares = [one.unmasked[worn] / one.worn[worn] if one.worn[worn] else 1.0 for one in found.values()]
        rows.append([worn, f"{next(iter(found.values())).worn[worn]:,}", *(f"{share:.3f}" for share in shares)])
    return table(["disguise", "identifiers", *found], rows)


def harm(found: Mapping[str, Score]) -> str:
    """How many rows were changed though nothing was in them."""
    rows = [
        [name, f"{one.clean:,}", f"{one.touched:,}", f"{one.touched / one.clean:.2%}"] for name, one in found.items()
    ]
    return table(["", "rows", "touched", "share"], rows)


def rates(made: Mapping[str, Recogniser], items: Sequence[Item], rounds: int) -> str:
    """Rows a second of each on the same rows, and how many times Presidio's."""
    bodies: dict[str, Callable[[Sequence[Item]], object]] = dict(made)
    if "Ratchet" in bodies:
        bodies["Ratchet"] = replacing()
    taken: dict[str, list[float]] = {name: [] for name in bodies}
    for turn in range(rounds):
        names = list(bodies)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.process_time()
            bodies[name](items)
            taken[name].append(len(items) / (time.process_time() - start))
    presidio = statistics.median(taken["Presidio"]) if "Presidio" in taken else 0.0
    rows = []
    for name, values in taken.items():
        times = statistics.median(values) / presidio if presidio else 0.0
        goal = judged(times, FASTER, least=True, unit=" ×") if name == "Ratchet" and presidio else ""
        rows.append([name, spread(Spread.of(values), 0), f"{times:.1f} ×" if presidio else "", goal])
    return table(["", "rows/s", "Presidio's", "goal"], rows)


def _reviews(path: Path, rows: int) -> list[Item]:
    """Real text without labels, spread over the whole file."""
    import pyarrow.parquet as pq

    texts = pq.read_table(path, columns=["review"]).column("review").to_pylist()
    return [Item(text, (), "ko", "review", "") for text in texts[:: max(1, len(texts) // rows)][:rows] if text]


def _show(score: Score, most: int) -> None:
    """One of each template and disguise, since a rule that fails there fails in all that are alike."""
    for title, misses in (("left", score.missed), ("masked though it is none", score.wrong)):
        for kind in sorted({one.kind for one in misses}):
            alike: dict[tuple[str, str], list[Miss]] = {}
            for one in misses:
                if one.kind == kind:
                    alike.setdefault((one.item.template, one.disguise), []).append(one)
            often = sorted(alike.values(), key=len, reverse=True)
            print(f"\n## {kind}, {title}: {sum(map(len, often))}\n")
            for ones in often[:most]:
                print(f"- {len(ones)} × `{ones[0].value!r}` ({ones[0].disguise}) in {ones[0].item.text!r}")


if __name__ == "__main__":
    main()
