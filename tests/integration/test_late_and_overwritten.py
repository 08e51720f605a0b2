"""Late files, overwritten keys, alarms and repetition: the newest writer of a row wins in any order of arrival."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, Any

import pytest
from feed import Shelf, closed, sheet, ticket
from psycopg import sql

from fleettickets import db
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import CRQ, EAT, INC
from fleettickets.pipeline import Order, ingest
from fleettickets.source.files import FileGoneError

if TYPE_CHECKING:
    from fleettickets.report import RunReport
    from fleettickets.source.files import FileVersion

NOW = datetime(2026, 6, 25, 9, tzinfo=UTC)
FIRST, SECOND, THIRD = (f"2026-06-22 {hour}:00:00" for hour in (10, 11, 12))


def run(shelf: Shelf, database_url: str) -> RunReport:
    return ingest(Order(INC, "test", apply=True), shelf, lambda: db.connect(database_url), NOW, NOBODY)


def drain_one_by_one(database_url: str, *files: tuple[str, bytes]) -> list[RunReport]:
    """Each file arrives after the one before it was applied."""
    shelf = Shelf()
    reports = []
    for when, body in files:
        shelf.put(INC, when, body)
        reports.append(run(shelf, database_url))
    return reports


def inc(connection: db.Connection) -> dict[str, dict[str, Any]]:
    return dict(connection.execute("SELECT ticket_id, to_jsonb(t) FROM tickets.inc AS t ORDER BY ticket_id").fetchall())


def everything(connection: db.Connection) -> list[Any]:
    """Every row version of the tables a run may write, its own record of the run aside."""
    found: list[Any] = []
    for table in ("inc", "crq", "import_files", "import_meta", "rejected_rows", "alarm_rows"):
        query = sql.SQL("SELECT xmin::text, ctid::text, t::text FROM {} AS t ORDER BY 3")
        rows = connection.execute(query.format(sql.Identifier("tickets", table)))
        found += rows.fetchall()
    return found


def at(when: str, hours: int = 0) -> datetime:
    return datetime.fromisoformat(when).replace(tzinfo=EAT) + timedelta(hours=hours)


def test_a_late_file_is_applied_without_overwriting_newer_rows(connection: db.Connection, database_url: str) -> None:
    newer = sheet([closed("A1", owner="newer"), ticket("A2", owner="newer")])
    late = sheet([ticket("A1", owner="late"), ticket("A3", owner="late")])
    _, report = drain_one_by_one(database_url, (SECOND, newer), (FIRST, late))
    assert {name: row["owner"] for name, row in inc(connection).items()} == {"A1": "newer", "A2": "newer", "A3": "late"}
    assert (report.rows.stale, report.rows.new) == (1, 1)
    assert report.watermark_to == f"{INC.changes}2026-06-22T11-00-00.csv"
    found = connection.execute("SELECT key, is_late FROM tickets.import_files ORDER BY key").fetchall()
    assert [is_late for _, is_late in found] == [True, False]


def test_a_late_file_loses_against_a_newer_row_that_changed_nothing(
    connection: db.Connection, database_url: str
) -> None:
    same, other = sheet([ticket("A1", owner="same")]), sheet([ticket("A1", owner="between")])
    reports = drain_one_by_one(database_url, (FIRST, same), (THIRD, same), (SECOND, other))
    assert inc(connection)["A1"]["owner"] == "same"
    assert [(one.rows.unchanged, one.rows.stale) for one in reports] == [(0, 0), (1, 0), (0, 1)]


def test_the_tickets_are_the_same_for_any_order_of_arrival(connection: db.Connection, database_url: str) -> None:
    files = [
        (FIRST, sheet([ticket("A1"), ticket("A2"), ticket("A3", is_alarm="1")])),
        (SECOND, sheet([closed("A1"), ticket("A3"), ticket("A2", is_alarm="TRUE")])),
        (THIRD, sheet([ticket("A1", owner="again"), ticket("A1", owner="twice"), ticket("A4", is_alarm="true")])),
    ]
    seen = []
    for order in itertools.permutations(files):
        connection.execute("TRUNCATE tickets.inc, tickets.import_files, tickets.import_meta, tickets.alarm_rows")
        drain_one_by_one(database_url, *order)
        rows = inc(connection)
        for row in rows.values():
            del row["ingested_at"]
        seen.append(rows)
    assert all(rows == seen[0] for rows in seen)
    assert seen[0].keys() == {"A1", "A2", "A3"}
    assert [seen[0][name]["is_actionable"] for name in ("A1", "A2", "A3")] == [True, False, True]


def test_the_same_key_with_new_content_is_a_new_version(connection: db.Connection, database_url: str) -> None:
    shelf = Shelf()
    shelf.put(INC, FIRST, sheet([ticket("A1", owner="old"), ticket("A2")]))
    run(shelf, database_url)
    shelf.put(INC, FIRST, sheet([ticket("A1", owner="new")]), uploaded=at(FIRST, 1))
    assert run(shelf, database_url).rows.changed == 1
    assert inc(connection)["A1"]["owner"] == "new"
    assert set(inc(connection)) == {"A1", "A2"}
    assert connection.execute("SELECT count(*) FROM tickets.import_files WHERE state = 'applied'").fetchone() == (2,)


def test_an_older_upload_of_a_key_loses_whatever_comes_first(connection: db.Connection, database_url: str) -> None:
    shelf = Shelf()
    shelf.put(INC, FIRST, sheet([ticket("A1", owner="second upload")]), uploaded=at(FIRST, 2))
    run(shelf, database_url)
    shelf.put(INC, FIRST, sheet([ticket("A1", owner="first upload")]), uploaded=at(FIRST, 1))
    assert run(shelf, database_url).rows.stale == 1
    assert inc(connection)["A1"]["owner"] == "second upload"


def test_identical_bytes_put_again_are_a_new_version(connection: db.Connection, database_url: str) -> None:
    shelf = Shelf()
    body = sheet([ticket("A1")])
    shelf.put(INC, FIRST, body)
    run(shelf, database_url)
    shelf.put(INC, FIRST, body, uploaded=at(FIRST, 1))
    report = run(shelf, database_url)
    assert (report.files["applied"], report.rows.unchanged) == (1, 1)
    assert connection.execute("SELECT count(*) FROM tickets.import_files").fetchone() == (2,)


def test_running_again_changes_nothing(connection: db.Connection, database_url: str) -> None:
    shelf = Shelf()
    shelf.put(INC, FIRST, sheet([ticket("A1"), ticket("N1", is_alarm="1"), ticket("EXPORT STOPPED")]) + b"ragged\n")
    shelf.put(INC, SECOND, b"<html>")
    shelf.put(INC, THIRD, sheet([closed("A1")]))
    run(shelf, database_url)
    before = everything(connection)
    for _ in range(2):
        report = run(shelf, database_url)
        assert (report.exit_code, report.rows.read, dict(report.files)) == (0, 0, {})
    assert everything(connection) == before


def test_a_dry_run_changes_nothing_and_reports_the_same(connection: db.Connection, database_url: str) -> None:
    shelf = Shelf()
    shelf.put(INC, FIRST, sheet([ticket("A1"), ticket("A2", created_at_service="?")]) + b"ragged\n")
    shelf.put(INC, SECOND, sheet([closed("A1")]))
    shelf.put(INC, THIRD, b"")
    before = everything(connection)
    dry = ingest(Order(INC, "test"), shelf, lambda: db.connect(database_url), NOW, NOBODY)
    assert everything(connection) == before
    wet = run(shelf, database_url)
    same = ("rows", "files", "flags", "rejected_by_reason", "exit_code", "watermark_to", "notes")
    assert [getattr(dry, name) for name in same] == [getattr(wet, name) for name in same]


def test_the_two_streams_do_not_touch_each_other(connection: db.Connection, database_url: str) -> None:
    shelf = Shelf()
    shelf.put(INC, FIRST, sheet([ticket("A1", owner="inc")]))
    shelf.put(CRQ, FIRST, sheet([ticket("A1", owner="crq")]))
    run(shelf, database_url)
    assert connection.execute("SELECT count(*) FROM tickets.crq").fetchone() == (0,)
    ingest(Order(CRQ, "test", apply=True), shelf, lambda: db.connect(database_url), NOW, NOBODY)
    assert connection.execute("SELECT owner FROM tickets.crq").fetchone() == ("crq",)
    assert inc(connection)["A1"]["owner"] == "inc"


def test_a_file_that_vanishes_after_the_listing_stops_nothing(connection: db.Connection, database_url: str) -> None:
    class Vanishing(Shelf):
        def fetch(self, version: FileVersion) -> IO[bytes]:
            if "T11-" in version.key:
                raise FileGoneError("gone")
            return super().fetch(version)

    shelf = Vanishing()
    for at_, when in enumerate((FIRST, SECOND, THIRD)):
        shelf.put(INC, when, sheet([ticket(f"A{at_}")]))
    assert run(shelf, database_url).exit_code == 0
    assert set(inc(connection)) == {"A0", "A2"}
    states = connection.execute("SELECT state FROM tickets.import_files ORDER BY key").fetchall()
    assert states == [("applied",), ("superseded",), ("applied",)]


SPELLINGS = ["true", "TRUE", " true", "1", "t", "Yes", "on", "true  "]


@pytest.mark.parametrize("flag", [*SPELLINGS, *(pytest.param(f) for f in ("\ttrue", "1\r\n", "true\u00a0"))])
def test_an_alarm_row_takes_a_known_ticket_out_of_the_backlog(
    flag: str, connection: db.Connection, database_url: str
) -> None:
    drain_one_by_one(database_url, (FIRST, sheet([ticket("A1")])), (SECOND, sheet([ticket("A1", is_alarm=flag)])))
    assert inc(connection)["A1"]["is_actionable"] is False


def test_a_ticket_no_longer_alarm_comes_back_into_the_backlog(connection: db.Connection, database_url: str) -> None:
    plain, alarm = sheet([ticket("A1")]), sheet([ticket("A1", is_alarm="1")])
    drain_one_by_one(database_url, (FIRST, plain), (SECOND, alarm), (THIRD, plain))
    assert inc(connection)["A1"]["is_actionable"] is True


def test_an_alarm_alone_is_no_ticket_but_is_remembered(connection: db.Connection, database_url: str) -> None:
    (report,) = drain_one_by_one(database_url, (FIRST, sheet([ticket("N1", is_alarm="true")])))
    assert inc(connection) == {}
    assert (report.rows.alarm, report.rows.new) == (1, 0)
    assert connection.execute("SELECT dataset, ticket_id FROM tickets.alarm_rows").fetchall() == [("inc", "N1")]


def test_an_alarm_applied_before_its_older_ticket_still_wins(connection: db.Connection, database_url: str) -> None:
    alarm, late = sheet([ticket("A1", is_alarm="true", owner="alarm")]), sheet([ticket("A1", owner="late")])
    drain_one_by_one(database_url, (SECOND, alarm), (FIRST, late))
    found = inc(connection)["A1"]
    assert (found["is_actionable"], found["owner"]) == (False, "alarm")
    assert datetime.fromisoformat(found["source_exported_at"]) == at(SECOND)


def test_an_alarm_older_than_its_ticket_does_not_count(connection: db.Connection, database_url: str) -> None:
    alarm, newer = sheet([ticket("A1", is_alarm="true")]), sheet([ticket("A1", owner="newer")])
    drain_one_by_one(database_url, (FIRST, alarm), (SECOND, newer))
    assert inc(connection)["A1"]["is_actionable"] is True
    drain_one_by_one(database_url, (FIRST, alarm))
    assert inc(connection)["A1"]["owner"] == "newer"


@pytest.mark.parametrize(("flags", "backlog"), [(("0", "1"), False), (("1", "0"), True)])
def test_within_a_file_the_last_word_on_an_alarm_counts(
    flags: tuple[str, str], *, backlog: bool, connection: db.Connection, database_url: str
) -> None:
    drain_one_by_one(database_url, (FIRST, sheet([ticket("A1", is_alarm=flag) for flag in flags])))
    assert inc(connection)["A1"]["is_actionable"] is backlog
