"""Bad files one by one: what is kept of them, where they go, and what they cost. The corpus: test_hostile_files.py."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from feed import Shelf, closed, sheet, ticket
from hostile import CORPUS, HEADER, LONG, SQL, row, without

from fleettickets import db
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import INC
from fleettickets.pipeline import Order, ingest

if TYPE_CHECKING:
    from fleettickets.report import RunReport
    from fleettickets.source.bucket import Bucket
    from fleettickets.source.files import Source

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 6, 25, 9, tzinfo=UTC)
TWO = sheet([ticket("A1"), ticket("A2")])


def run(source: Source, database_url: str) -> RunReport:
    return ingest(Order(INC, "test", apply=True), source, lambda: db.connect(database_url), NOW, NOBODY)


def ledger(connection: db.Connection, when: str) -> dict[str, Any]:
    found = connection.execute("SELECT to_jsonb(f) FROM tickets.import_files AS f WHERE key LIKE %s", [f"%{when}%"])
    (record,) = found.fetchall()
    entry: dict[str, Any] = record[0]
    return entry


def tickets(connection: db.Connection) -> dict[str, dict[str, Any]]:
    return dict(connection.execute("SELECT ticket_id, to_jsonb(t) FROM tickets.inc AS t").fetchall())


def test_a_rejected_row_keeps_file_line_reason_and_record(connection: db.Connection, database_url: str) -> None:
    shelf = Shelf()
    shelf.put(INC, "2026-06-22 10:00:00", sheet([ticket("A1", owner="x\ny")]) + b"A3,\0'x\n" + row("A2"))
    run(shelf, database_url)
    found = connection.execute(
        "SELECT f.key, r.dataset, r.line, r.reason, r.record FROM tickets.rejected_rows AS r "
        "JOIN tickets.import_files AS f USING (file_id)"
    ).fetchall()
    assert found == [
        (f"{INC.changes}2026-06-22T10-00-00.csv", "inc", 4, "ragged", "A3,\N{REPLACEMENT CHARACTER}'x"),
    ]


def test_the_last_line_of_a_ticket_wins_within_a_file(connection: db.Connection, database_url: str) -> None:
    shelf = Shelf()
    rows = [ticket("A1", owner="first"), closed("A1", owner="second"), ticket("A1", owner="last")]
    shelf.put(INC, "2026-06-22 10:00:00", sheet(rows))
    run(shelf, database_url)
    found = tickets(connection)["A1"]
    assert (found["owner"], found["source_line"], found["is_actionable"]) == ("last", 4, True)


def test_text_of_any_kind_is_stored_as_it_came(connection: db.Connection, database_url: str) -> None:
    texts = {"Q1": SQL, "Q2": 'a\nb\r\n"c",d', "Q3": "\\N", "Q4": "{tickets} %(x)s %s", "Q5": "🎫 é\u2028", "Q6": LONG}
    shelf = Shelf()
    shelf.put(INC, "2026-06-22 10:00:00", sheet([ticket(name, owner=text) for name, text in texts.items()]))
    run(shelf, database_url)
    assert {name: found["raw"]["owner"] for name, found in tickets(connection).items()} == texts
    assert tickets(connection)["Q1"]["owner"] == SQL


def test_replaced_nul_bytes_are_counted_as_a_flag(connection: db.Connection, database_url: str) -> None:
    shelf = Shelf()
    shelf.put(INC, "2026-06-22 10:00:00", sheet([ticket("A1", owner="\0\0"), ticket("A2"), ticket("A3", owner="\0")]))
    shelf.put(INC, "2026-06-22 11:00:00", sheet([ticket("A4", owner="\N{REPLACEMENT CHARACTER}")]))
    report = run(shelf, database_url)
    assert (dict(report.flags), ledger(connection, "T10-")["flags"]) == ({"nul_replaced": 2}, {"nul_replaced": 2})
    assert tickets(connection)["A3"]["raw"]["owner"] == "\N{REPLACEMENT CHARACTER}"


def test_a_file_without_a_column_nulls_nothing_known(connection: db.Connection, database_url: str) -> None:
    shelf = Shelf()
    shelf.put(INC, "2026-06-22 10:00:00", TWO)
    shelf.put(INC, "2026-06-22 11:00:00", sheet([ticket("A1")], without("cluster")))
    shelf.put(INC, "2026-06-22 12:00:00", TWO + b'"A1","cut')
    run(shelf, database_url)
    assert tickets(connection)["A1"]["cluster"] == "KASARANI"


@pytest.mark.parametrize(
    "column",
    [pytest.param("cluster"), "region"],
)
def test_a_large_cell_in_any_column_leaves_the_file_usable(
    column: str, connection: db.Connection, database_url: str
) -> None:
    shelf = Shelf()
    shelf.put(INC, "2026-06-22 10:00:00", sheet([ticket("A1", **{column: LONG}), ticket("A2")]))
    run(shelf, database_url)
    assert ledger(connection, "T10-")["state"] == "applied"
    assert set(tickets(connection)) == {"A1", "A2"}


def test_unusable_files_go_to_quarantine_the_others_to_processed(
    bucket: Bucket, connection: db.Connection, database_url: str
) -> None:
    expected = {}
    cases = [case for case in CORPUS.values() if not case.body.startswith(b"\x1f\x8b")][::4]
    for minute, case in enumerate(cases):
        name = f"2026-06-22T10-{minute:02}-00.csv"
        bucket.client.put_object(Bucket=bucket.name, Key=INC.changes + name, Body=case.body)
        expected[(INC.quarantine if case.reason else INC.processed) + name] = len(case.body)
    report = run(bucket, database_url)
    listed = bucket.client.list_objects_v2(Bucket=bucket.name)["Contents"]
    assert {item["Key"]: item["Size"] for item in listed} == expected
    assert report.archived == len(cases)
    archived = connection.execute("SELECT archive_key FROM tickets.import_files").fetchall()
    assert {found for (found,) in archived} == set(expected)


@pytest.mark.filterwarnings("ignore:GzipFile was opened for writing:FutureWarning")
def test_a_gzip_object_of_the_bucket_is_applied(bucket: Bucket, connection: db.Connection, database_url: str) -> None:
    bucket.client.put_object(Bucket=bucket.name, Key=INC.changes + "2026-06-22T10-00-00.csv", Body=gzip.compress(TWO))
    run(bucket, database_url)
    assert set(tickets(connection)) == {"A1", "A2"}


PEAK = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from fleettickets import db
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import INC
from fleettickets.pipeline import Order, ingest
from fleettickets.source.folder import Folder

def peak_mb():
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)

before = peak_mb()
now = datetime(2026, 6, 25, 9, tzinfo=UTC)
report = ingest(Order(INC, "test", apply=True), Folder(Path(sys.argv[1])), lambda: db.connect(sys.argv[2]), now, NOBODY)
assert report.exit_code in (0, 3), report
print(report.rows.read, peak_mb() - before)
"""


def peak_of(file: Path, database_url: str) -> tuple[int, float]:
    """Load the file in a process of its own: rows read, and by how many MB its memory grew."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(file), database_url],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows, grown_mb = done.stdout.split()
    return int(rows), float(grown_mb)


def test_two_gigabytes_in_a_small_gzip_file_are_refused_in_bounded_memory(tmp_path: Path, database_url: str) -> None:
    file = tmp_path / "2026-06-22T10-00-00.csv"
    file.write_bytes(gzip.compress(HEADER + bytes(20_000_000)) * 100)
    assert file.stat().st_size < 3_000_000
    rows, grown_mb = peak_of(file, database_url)
    assert rows == 0
    assert grown_mb < 60
    with db.connect(database_url) as connection:
        assert ledger(connection, "T10-")["reason"] == "gzip_too_large"


@pytest.mark.parametrize("shape", ["many rows", "one line"])
def test_a_60_mb_file_is_read_in_bounded_memory(shape: str, tmp_path: Path, database_url: str) -> None:
    file = tmp_path / "2026-06-22T10-00-00.csv"
    with file.open("wb") as out:
        out.write(HEADER)
        if shape == "one line":
            out.write(b"x" * 60_000_000)
        else:
            for at in range(12_000):
                out.write(row(f"T{at}", owner="x" * 4_900))
    assert file.stat().st_size >= 60_000_000
    rows, grown_mb = peak_of(file, database_url)
    assert rows == (1 if shape == "one line" else 12_000)
    assert grown_mb < 250
