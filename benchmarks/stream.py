"""A stream of reviews of any length, made of the real one: every row another text, some with identifiers in them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

REVIEWS = Path(__file__).resolve().parent.parent.parent / "shared/data/nsmc-2003-2014.parquet"
SHARD = 200_000  # rows of a file
_LACED = (
    "문의는 010-{a:04d}-{b:04d}로 주세요",
    "메일 user{a}.{b}@mail.co.kr",
    "저는 김민수입니다",
    "https://shop.example.com/order?token={a}{b}x",
    "my name is John Carter, call +1 415 {c:03d} {b:04d}",
)
_EVERY = 50  # one row in so many carries an identifier


def write(folder: Path, rows: int) -> None:
    """So many rows as parquet files; a file that is there stays. Columns: review, rating, movie, author, date."""
    if not REVIEWS.exists():
        raise FileNotFoundError(f"{REVIEWS.name} is not there: the stream is made of it")
    folder.mkdir(parents=True, exist_ok=True)
    real = pq.read_table(REVIEWS, columns=["review", "rating", "movie_id", "author", "date"])
    real = real.filter(pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(real["review"]), ""), False))
    for number, start in enumerate(range(0, rows, SHARD)):
        path = folder / f"part-{number:05d}.parquet"
        if not path.exists():
            beside = path.with_suffix(".part")
            pq.write_table(_shard(real, start, min(SHARD, rows - start)), beside, compression="zstd")
            beside.replace(path)


def _shard(real: pa.Table, start: int, rows: int) -> pa.Table:
    places = (np.arange(start, start + rows) * 7919) % real.num_rows
    taken = real.take(pa.array(places))
    texts = taken["review"].to_pylist()
    return pa.table(
        {
            "review": [f"{text} {tail}" for text, tail in zip(texts, _tails(start, rows), strict=True)],
            "rating": taken["rating"],
            "movie": taken["movie_id"],
            "author": taken["author"],
            "date": taken["date"],
        }
    )


def _tails(start: int, rows: int) -> Iterator[str]:
    """What makes a text another one than that of the round before: a word of its own, now and then an identifier."""
    for row in range(start, start + rows):
        word = np.base_repr(row // 500_000 + 11, 36).lower()
        laced = _LACED[row // _EVERY % len(_LACED)] if row % _EVERY == 0 else ""
        yield f"{word} {laced.format(a=row % 9000 + 1000, b=row % 7000 + 1000, c=row % 700 + 200)}".strip()
