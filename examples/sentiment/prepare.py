"""Prepare the demo's data: human-rated English text of four domains, as parquet files in a folder.

    python examples/sentiment/prepare.py FOLDER [--domains tweets products films editorials]

The text is inside the source distribution of vaderSentiment 3.3.2 (MIT; Hutto & Gilbert, "VADER", ICWSM 2014), which is
fetched with pip. Columns: `text`, `rating` (mean of twenty people, -4 to 4), `domain`. A file that is there stays.
"""

import argparse
import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SOURCE = "vaderSentiment==3.3.2"
ARCHIVE = "additional_resources/hutto_ICWSM_2014.tar.gz"
DOMAINS = {
    "tweets": "tweets_GroundTruth.txt",
    "products": "amazonReviewSnippets_GroundTruth.txt",
    "films": "movieReviewSnippets_GroundTruth.txt",
    "editorials": "nytEditorialSnippets_GroundTruth.txt",
}


class PreparationError(Exception):
    """The data can't be prepared: what happened, and what to do."""


def fetch(folder: Path) -> Path:
    """The source distribution in `folder`; downloaded with pip, and not built, unless it is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    there = sorted(folder.glob("vader[Ss]entiment-3.3.2.tar.gz"))
    if there:
        return there[0]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-binary", ":all:", "--dest", str(folder), SOURCE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    there = sorted(folder.glob("vader[Ss]entiment-3.3.2.tar.gz"))
    if done.returncode or not there:
        said = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise PreparationError(
            f"pip could not download {SOURCE} ({said}): check the network or pip's index settings, then run again"
        )
    return there[0]


def texts(distribution: Path, domain: str) -> Iterator[tuple[str, float]]:
    """(text, rating) of a domain. The file is one of tab-separated values: id, mean rating, text."""
    try:
        with tarfile.open(distribution) as outer:
            inside = next(member for member in outer if member.name.endswith(ARCHIVE))
            packed = outer.extractfile(inside)
            with tarfile.open(fileobj=io.BytesIO(packed.read() if packed else b"")) as inner:
                file = inner.extractfile(f"hutto_ICWSM_2014/{DOMAINS[domain]}")
                lines = (file.read() if file else b"").decode("utf-8").splitlines()
    except (OSError, EOFError, StopIteration, KeyError, tarfile.TarError, UnicodeDecodeError) as error:
        what = f"{distribution} is not the archive expected ({error!r}): delete it and run again"
        raise PreparationError(what) from error
    for line in lines:
        _, rating, text = line.split("\t", 2)
        yield text.strip(), float(rating)


def prepare(folder: Path, domains: list[str], distribution: Path) -> list[Path]:
    """Write one parquet file for each domain; a file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for domain in domains:
        path = folder / f"{domain}.parquet"
        if not path.exists():
            written, ratings = zip(*texts(distribution, domain), strict=True)
            beside = path.with_suffix(".part")
            pq.write_table(pa.table({"text": written, "rating": ratings, "domain": [domain] * len(written)}), beside)
            beside.replace(path)
        paths.append(path)
    return paths


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the parquet files go")
    parser.add_argument("--domains", nargs="+", choices=DOMAINS, default=list(DOMAINS), help="which (default: all)")
    parser.add_argument("--downloads", type=Path, help="where the download is kept (default: FOLDER/.download)")
    given = parser.parse_args(arguments)
    try:
        paths = prepare(given.folder, given.domains, fetch(given.downloads or given.folder / ".download"))
    except PreparationError as trouble:
        print(f"error: {trouble}", file=sys.stderr)
        return 1
    for path in paths:
        print(f"{path}: {pq.read_metadata(path).num_rows:,} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
