"""What the screens of the web app ask of the database: days, files, runs, limits; on a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from feed import Shelf, closed, sheet, ticket

from fleettickets import db
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import EAT, INC
from fleettickets.pipeline import Order, ingest

if TYPE_CHECKING:
    from fleettickets.db import Connection

NOW = datetime(2026, 6, 25, 12, tzinfo=EAT)


class Feed:
    """Exports that are read one by one."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._shelf = Shelf()

    def tell(self, when: str, rows: list[dict[str, str]], body: bytes | None = None) -> None:
        """Export these rows at that time (EAT) and read them half an hour later."""
        self._shelf.put(INC, when, sheet(rows) if body is None else body)
        now = datetime.fromisoformat(when).replace(tzinfo=EAT).astimezone(UTC) + timedelta(minutes=30)
        report = ingest(
            Order(INC, "test", apply=True), self._shelf, lambda: db.connect(self._database_url), now, NOBODY
        )
        assert report.exit_code in (0, 3), report.error


@pytest.fixture
def feed(database_url: str) -> Feed:
    return Feed(database_url)


def ask(connection: Connection, query: str, *parameters: Any) -> Any:
    row = connection.execute(query.encode(), parameters).fetchone()
    assert row is not None
    return row[0]


def days(connection: Connection) -> dict[str, Any]:
    found = ask(connection, "SELECT reporting.fn_trends(p_from => '2026-06-20 00:00+03', p_now => %s)", NOW)
    return {day["day"]: day for day in found["days"]}


def test_repair_time_is_of_the_day_of_closing_and_null_where_the_data_does_not_reach(
    connection: Connection, feed: Feed
) -> None:
    rows = [
        closed(f"C-{n}", closed_at="2026-06-23 10:00:00", created_at_service="2026-06-22 08:00:00") | {"mttr": str(n)}
        for n in range(1, 11)
    ]
    feed.tell("2026-06-25 09:00:00", [*rows, closed("N", closed_at="2026-06-23 11:00:00") | {"mttr": "none"}])
    found = days(connection)
    assert found["2026-06-23"]["mttr"] == {"n": 10, "missing": 1, "median": 330.0, "p90": 546.0}
    assert found["2026-06-22"]["mttr"] == {"n": 0, "missing": 0, "median": None, "p90": None}
    assert [found[f"2026-06-{day}"]["coverage"] for day in (22, 23, 24, 25)] == ["full", "partial", "none", "none"]
    assert found["2026-06-24"]["mttr"] is None
    assert list(found) == [f"2026-06-{day}" for day in range(20, 26)]


def test_ages_of_a_day_are_those_known_then_and_sum_to_its_backlog(connection: Connection, feed: Feed) -> None:
    """A ticket closed since, or one whose clock became known since, counts as it stood that day."""
    first = [
        ticket("OLD", created_at_service="2026-06-20 09:00:00"),
        ticket("SEEN", created_at_service="", first_seen_at="2026-06-23 07:00:00"),
        ticket("NONE", created_at_service="", first_seen_at=""),
        ticket("AHEAD", created_at_service="2026-06-30 09:00:00", first_seen_at="2026-06-23 08:30:00"),
    ]
    feed.tell("2026-06-23 09:00:00", first)
    feed.tell("2026-06-25 09:00:00", [closed("OLD", closed_at="2026-06-24 10:00:00"), ticket("NONE")])
    found = days(connection)
    assert found["2026-06-23"]["ageing"] == {"0": 2, "72": 1, "unknown": 1}
    assert found["2026-06-24"]["ageing"] is None
    backlog = ask(connection, "SELECT json_object_agg(day, open) FROM tickets.inc_daily_snapshot")
    assert {day: sum(found[day]["ageing"].values()) for day in backlog} == backlog


def test_files_tell_their_silences_their_lag_and_what_became_of_them(connection: Connection, feed: Feed) -> None:
    """The night does not count as silence; a file that could not be used ends one all the same."""
    feed.tell("2026-06-23 19:00:00", [ticket("A", created_at_service="2026-06-21 19:00:00")])
    feed.tell("2026-06-24 07:00:00", [ticket("A", created_at_service="2026-06-21 19:00:00", owner="Jane")])
    feed.tell("2026-06-24 12:00:00", [], b"<html>502</html>")
    found = ask(connection, "SELECT reporting.fn_files(p_from => '2026-06-24 00:00+03', p_now => %s)", NOW)
    assert [(file["state"], file["silent_h"], file["content_lag_s"]) for file in found["files"]] == [
        ("applied", 2.0, 60 * 3600),
        ("quarantined", 5.0, 65 * 3600),
    ]
    assert found["silent_h"] == 14.0
    assert found["limits"]["feed_warn_h"] == 3


def test_a_run_tells_the_closures_and_reopens_of_its_files(connection: Connection, feed: Feed) -> None:
    """What was closed before history began is no closure of that run."""
    feed.tell("2026-06-22 09:00:00", [closed("A", closed_at="2026-06-21 07:00:00"), ticket("B"), ticket("C")])
    feed.tell("2026-06-23 09:00:00", [closed("B", closed_at="2026-06-22 20:00:00"), ticket("A")])
    feed.tell("2026-06-23 10:00:00", [closed("A", closed_at="2026-06-23 08:00:00"), closed("C")])
    found = ask(connection, "SELECT reporting.fn_runs('inc')")["runs"]
    assert [(run["closures"], run["reopens"]) for run in found] == [(2, 0), (1, 1), (0, 0)]


def test_the_limits_are_the_thresholds_that_hold(connection: Connection, feed: Feed) -> None:
    feed.tell("2026-06-23 09:00:00", [ticket("A")])
    connection.execute("INSERT INTO tickets.thresholds (name, dataset, value) VALUES ('feed_warn_h', 'inc', 1.5)")
    told = ask(
        connection,
        "SELECT json_object_agg(d, reporting.fn_freshness_rules(d, %s)) FROM unnest(ARRAY['inc', 'crq']) AS d",
        NOW,
    )
    assert [told[dataset]["limits"]["feed_warn_h"] for dataset in ("inc", "crq")] == [1.5, 3]
    assert told["inc"]["alarms"] == []
    assert not told["inc"]["last_attempt_failed"]


def test_the_rules_tell_the_alarms_of_the_newest_files_and_a_failed_attempt(connection: Connection, feed: Feed) -> None:
    feed.tell("2026-06-23 09:00:00", [ticket("A"), ticket("EXPORT STOPPED at 5000")])
    connection.execute(
        "INSERT INTO tickets.runs (dataset, command, finished_at, state) VALUES ('inc', 'x', %s, 'failed')", [NOW]
    )
    told = ask(connection, "SELECT reporting.fn_freshness_rules('inc', %s)", NOW)
    assert [alarm["cause"] for alarm in told["alarms"]] == ["export_truncated"]
    assert told["last_attempt_failed"]
