"""The soak works, and it notices what it is there to notice."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faults.soak.fold import Fold, cleaned, digest
from faults.soak.producer import Upload
from faults.soak.readers import judged
from faults.soak.verdict import Books, verdict
from feed import sheet, ticket

from fleettickets.datasets import INC

SOAK = Path(__file__).parent / "soak" / "run.py"
KEY, ETAG = f"{INC.changes}2026-06-22T06-00-00.csv", "0" * 32
ARCHIVED = KEY.replace("changes", "processed")
UPLOADS = [
    Upload(KEY, "f" * 32, "applied"),
    Upload(KEY, ETAG, "applied"),
    Upload(f"{INC.changes}x", ETAG, "unexpected"),
]
EXPECTED = {"A": "1", "B": "2"}
GOOD = Books(
    EXPECTED,
    [(KEY, ETAG, "applied", True, ARCHIVED), (f"{INC.changes}x", ETAG, "unexpected", False, None)],
    2,
    {ARCHIVED: ETAG, f"{INC.changes}x": ETAG},
)
NOTICED: dict[str, tuple[str, dict[str, Any]]] = {
    "a row is missing": ("rows_lost", {"tickets": {"A": "1"}, "rows_new": 1}),
    "a row is stale": ("rows_lost", {"tickets": {"A": "1", "B": "old"}}),
    "a row nobody wrote": ("rows_doubled", {"tickets": {**EXPECTED, "C": "3"}, "rows_new": 3}),
    "a row was new twice": ("rows_doubled", {"rows_new": 3}),
    "a file is gone": ("files_lost", {"objects": {f"{INC.changes}x": ETAG}}),
    "a file is archived twice": (
        "files_doubled",
        {"objects": {**GOOD.objects, ARCHIVED.replace(".csv", f".{ETAG[:12]}.csv"): ETAG}},
    ),
    "a file is left": ("files_left", {"objects": {**GOOD.objects, KEY: ETAG}}),
    "a file failed": ("files_failed", {"ledger": [(KEY, ETAG, "failed", False, None)]}),
    "a file is unknown": ("files_in_a_wrong_state", {"ledger": []}),
    "an archive was overwritten": ("archives_not_there", {"objects": {**GOOD.objects, ARCHIVED: "e" * 32}}),
    "a file was not archived": ("not_archived", {"ledger": [(KEY, ETAG, "applied", False, None)]}),
}


def test_a_soak_of_seconds_keeps_every_promise() -> None:
    """Files, kills, a restart, faults of the store and answers of the map, and nothing wrong at the end."""
    done = subprocess.run(
        [sys.executable, str(SOAK), "--minutes", "0.2", "--json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    found = json.loads(done.stdout)
    assert (done.returncode, found["kept"], found["problems"]) == (0, True, []), done.stdout
    assert set(found["wrong"].values()) == {0}
    assert found["files"]["written"] >= 5
    assert found["rows"]["tickets"] > 5_000
    assert found["runs"]["total"] >= 2
    assert found["faults"]["store_faults"] >= 1
    assert found["faults"]["database_restarts"] >= 1
    assert found["readers"]["answers"] >= 10


def test_nothing_is_wrong_with_good_books() -> None:
    """The overwritten upload and the name that is no export are no losses."""
    assert set(verdict(EXPECTED, UPLOADS, GOOD).values()) == {0}


@pytest.mark.parametrize("what", NOTICED)
def test_the_verdict_notices(what: str) -> None:
    """Each way to break a promise is counted under its own name."""
    name, changes = NOTICED[what]
    assert verdict(EXPECTED, UPLOADS, replace(GOOD, **changes))[name] > 0


def test_the_fold_is_the_last_writers_row() -> None:
    """The later file wins over the later upload, the later upload over the later line; alarms alone are no tickets."""
    fold = Fold()
    rows = {name: ticket("A", owner=name) for name in ("old", "first", "corrected", "last")}
    fold.add("2026-06-22T07", 0, sheet([rows["first"], ticket("ALARM", is_alarm="true")]))
    fold.add("2026-06-22T06", 1, sheet([rows["old"]]))
    fold.add("2026-06-22T07", 2, sheet([rows["corrected"], rows["last"]]) + b'"A","cut\n')
    assert fold.expected() == {"A": digest(cleaned(rows["last"]))}


def answer(*marks: str, total: int | None = None) -> dict[str, Any]:
    """An answer of the map with these canaries."""
    features = [{"id": f"CANARY-{n}", "properties": {"owner": mark}} for n, mark in enumerate(marks)]
    n = len(marks) if total is None else total
    groups = {group: {"x": n} for group in ("by_dataset", "by_status", "by_geo_source")}
    return {"features": features, "summary": {"total": n, "mapped": 0, "unmapped": n, **groups}}


def test_a_reader_notices_half_a_file_an_older_one_and_a_wrong_sum() -> None:
    """A whole answer that is not older is right; everything else is told."""
    assert judged(answer(*["b"] * 5), "a") == ([], "b")
    assert judged(answer(), "") == ([], "")
    for wrong in (answer(*"bbbba"), answer(*"bbbb"), answer(), answer(*"aaaaa"), answer(*"bbbbb", total=6)):
        assert judged(wrong, "b")[0], wrong
