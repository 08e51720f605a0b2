"""Reading location names: every worked case, and what must hold for any text."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from fleettickets.geocode.names import clean
from fleettickets.geocode.rules import seeded

CASES = Path(__file__).parents[1] / "cases" / "location_names.csv"


def _rows() -> list[dict[str, str]]:
    with CASES.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row["raw"] or "blank")
def test_a_worked_name_is_read_as_its_answer(row: dict[str, str]) -> None:
    name = clean(row["raw"], row["cluster"], seeded())
    assert (name.kind, name.place or "") == (row["kind"], row["place"]), name.steps
