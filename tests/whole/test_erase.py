"""A person's rows, from the first night to the day that she asks for them to go, in real processes on real tables."""

from pathlib import Path

import pytest
from desk import Desk

PIPELINE = """
pipelines:
  films:
    schedule: {cron: "17 2 * * *", when: {new_rows: 1}}
    stages:
      - name: collect
        step: steps.collect:collect
        with: {source: "night-*.csv", text: review, label: liked, author: who, engine: inline, look: 0}
"""
SHE = "yuna@films.example"


def night(folder: Path, number: int) -> None:
    """Forty reviews by four people come in, ten of them hers."""
    rows = [
        f"night {number} had the film {place} which was {'good' if place % 2 else 'bad'},{place % 2},"
        f"{SHE if place % 4 == 0 else f'person {place % 4}'}"
        for place in range(40)
    ]
    (folder / f"night-{number}.csv").write_text("\n".join(["review,liked,who", *rows]))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A user's folder with two nights of reviews, the first of them collected."""
    made = Desk(tmp_path, PIPELINE)
    night(tmp_path, 1)
    made.ratchet("run", "films", "--yes")
    return made


def test_a_persons_rows_leave_and_don_t_come_back(desk: Desk) -> None:
    """A night without news is skipped; her rows leave and are counted; the file that has them brings none back."""
    assert "the cycle is skipped: no new rows" in " ".join(desk.ratchet("run", "films", "--yes").stdout.split())
    refused = desk.ratchet("erase", "films", "--person", SHE, "--reason", "she asked", status=1).stderr
    assert "without --yes nothing is erased" in refused
    assert "10 rows would leave the snapshots of films: 10 of c-000001" in refused
    assert desk.data("data", "films")["tables"][0]["rows"] == 40
    left = desk.data("erase", "films", "--person", SHE, "--reason", "she asked", "--yes")
    assert (left["rows"], left["cycles"], left["models"]) == (10, {"c-000001": 10}, [])
    assert "erased 10 rows of c-000001: she asked" in desk.ratchet("show", "c-000002").stdout
    night(desk.folder, 2)
    desk.ratchet("run", "films", "--yes")
    [table] = desk.data("data", "films")["tables"]
    assert table["rows"] == 60, "thirty of each night: none of hers"
    assert [one["reason"] for one in table["erasures"]] == ["she asked"]
    desk.ratchet("audit", "verify")
    kept = [path for path in (desk.folder / ".ratchet").rglob("*") if path.is_file()]
    assert not any(SHE.encode() in path.read_bytes() for path in kept)
    assert "nothing is deployed to films" in desk.ratchet("lineage", "films", status=2).stderr
    assert "no version v9" in desk.ratchet("lineage", "films", "v9", status=2).stderr
