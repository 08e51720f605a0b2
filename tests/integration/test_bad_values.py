"""Values that are not what their column holds: the typed column is NULL, raw keeps the text, the flag is counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from feed import Shelf, closed, sheet, ticket
from hypothesis import given, settings
from hypothesis import strategies as st

from fleettickets import db
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import INC
from fleettickets.pipeline import Order, ingest

NOW = datetime(2026, 6, 25, 9, tzinfo=UTC)
WIDE_SPACES = "\u1680\u2000\u2003\u2028\u205f\u3000"
TIMES = {
    "created_at_service": "created_at_service",
    "scheduled_at": "scheduled_at",
    "closed_at": "closed_at",
    "first_seen_at": "first_seen_at",
    "last_seen_at": "last_seen_at",
    "created_at": "source_created_at",
    "updated_at": "source_updated_at",
}
BAD_TIMES = ["2026-02-30 10:00:00", "0000-00-00 00:00:00", "2026-13-01 00:00:00", "45830.5", "05/06/2026", "soon"]
BAD_TIMES += ["2026-06-22 25:00:00", "99999-01-01 00:00:00", "2025-02-29", "2026-06-22 10:00:00 EAT", "infinity", "now"]


def load(database_url: str, *rows: dict[str, str], settings: str = "") -> dict[str, Any]:
    """Ingest one file of these rows with a good one behind it; what the ledger says of the first."""
    shelf = Shelf()
    shelf.put(INC, "2026-06-22 10:00:00", sheet(rows))
    shelf.put(INC, "2026-06-22 11:00:00", sheet([ticket("GOOD")]))

    def connect() -> db.Connection:
        opened = db.connect(database_url)
        if settings:
            opened.execute(settings.encode())
        return opened

    report = ingest(Order(INC, "test", apply=True), shelf, connect, NOW, NOBODY)
    assert report.error is None
    with db.connect(database_url) as connection:
        assert connection.execute("SELECT 1 FROM tickets.inc WHERE ticket_id = 'GOOD'").fetchone()
        found = connection.execute("SELECT to_jsonb(f) FROM tickets.import_files AS f ORDER BY key").fetchone()
    assert found is not None
    entry: dict[str, Any] = found[0]
    return entry


def stored(connection: db.Connection, ticket_id: str = "A1") -> dict[str, Any]:
    found = connection.execute("SELECT to_jsonb(t) FROM tickets.inc AS t WHERE ticket_id = %s", [ticket_id]).fetchone()
    assert found is not None
    row: dict[str, Any] = found[0]
    return row


@pytest.mark.parametrize("text", BAD_TIMES)
def test_an_impossible_time_is_null_flagged_and_kept_in_raw(
    text: str, connection: db.Connection, database_url: str
) -> None:
    entry = load(database_url, ticket("A1", **dict.fromkeys(TIMES, text)), ticket("A2"))
    found = stored(connection)
    assert {found[column] for column in TIMES.values()} == {None}
    assert {found["raw"][name] for name in TIMES} == {text}
    assert entry["state"] == "applied"
    assert entry["flags"] == {f"bad_{name}": 1 for name in TIMES}
    assert stored(connection, "A2")["created_at_service"] == "2026-06-22T05:00:00+00:00"


@pytest.mark.parametrize(
    "text", ["99999999999", "N/A hours", "1e400", "-1", "1,5", "NaN5", "Infinity", "0x10", "1_000"]
)
def test_an_impossible_repair_time_is_null_flagged_and_kept_in_raw(
    text: str, connection: db.Connection, database_url: str
) -> None:
    entry = load(database_url, closed("A1") | {"mttr": text})
    found = stored(connection)
    assert (found["mttr"], found["raw"]["mttr"]) == (None, text)
    assert entry["flags"] == {"bad_mttr": 1}


def test_an_unreadable_flag_is_null_flagged_and_kept_in_raw(connection: db.Connection, database_url: str) -> None:
    entry = load(database_url, ticket("A1", is_actionable="maybe"))
    found = stored(connection)
    assert (found["is_actionable"], found["raw"]["is_actionable"]) == (None, "maybe")
    assert entry["flags"] == {"bad_is_actionable": 1}


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        ("36.82", "-1.29"),
        ("123.4", "36.8"),
        ("-1.29", "200"),
        ("0", "0"),
        ("0.0", "0.000"),
        ("NaN", "36.8"),
        ("Infinity", "36.8"),
        ("-1,29", "36,82"),
        ("-1.29", ""),
        ("", "36.8"),
        ("1e1", "36.8"),
        ("-1.29 S", "36.8"),
        ("51.5", "-0.12"),
    ],
)
def test_coordinates_that_are_none_give_no_place(
    latitude: str, longitude: str, connection: db.Connection, database_url: str
) -> None:
    entry = load(database_url, ticket("A1", latitude=latitude, longitude=longitude))
    found = stored(connection)
    assert (found["geo_source"], found["geom"], found["latitude"], found["longitude"]) == ("none", None, None, None)
    assert found["raw"]["latitude"] == (latitude or None)
    assert entry["flags"] == {"bad_coordinates": 1}


def test_good_coordinates_are_the_feeds_place(connection: db.Connection, database_url: str) -> None:
    entry = load(database_url, ticket("A1", latitude=" -1.29", longitude="+36.82 "))
    found = stored(connection)
    assert (found["geo_source"], found["latitude"], found["longitude"]) == ("feed", -1.29, 36.82)
    assert entry["flags"] == {}


@pytest.mark.parametrize("word", ["", " ", "null", "None", "N/A", "na", "-", "NaN", "NaT"])
def test_a_word_for_nothing_is_null_without_a_flag(word: str, connection: db.Connection, database_url: str) -> None:
    cells = {**dict.fromkeys(TIMES, word), "mttr": word, "latitude": word, "longitude": word}
    entry = load(database_url, ticket("A1", **cells))
    assert stored(connection)["created_at_service"] is None
    assert entry["flags"] == {}


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-06-22 08:00:00", "2026-06-22T05:00:00+00:00"),
        ("2026-06-22T08:00:00Z", "2026-06-22T08:00:00+00:00"),
        ("2026-06-22 08:00:00z", "2026-06-22T08:00:00+00:00"),
        ("2026-06-22T08:00:00+05:30", "2026-06-22T02:30:00+00:00"),
        ("2026-06-22 08:00:00-0330", "2026-06-22T11:30:00+00:00"),
        ("2026-06-22T08:00:00.25", "2026-06-22T05:00:00.25+00:00"),
        ("2026-06-22 08:00", "2026-06-22T05:00:00+00:00"),
        (" 2026-06-22 ", "2026-06-21T21:00:00+00:00"),
        ("2024-02-29 00:00:00", "2024-02-28T21:00:00+00:00"),
    ],
)
def test_an_offset_is_honoured_and_naive_time_is_east_africas(
    text: str, instant: str, connection: db.Connection, database_url: str
) -> None:
    entry = load(database_url, ticket("A1", created_at_service=text))
    assert stored(connection)["created_at_service"] == instant
    assert entry["flags"] == {}


def test_the_servers_date_style_and_zone_change_nothing(connection: db.Connection, database_url: str) -> None:
    times = {"created_at_service": "2026-06-05 23:30:00", "scheduled_at": "05/06/2026"}
    style = "SET datestyle = 'SQL, DMY'; SET timezone = 'America/New_York'; SET extra_float_digits = 0"
    entry = load(database_url, ticket("A1", **times), settings=style)
    found = stored(connection)
    assert (found["created_at_service"], found["scheduled_at"]) == ("2026-06-05T20:30:00+00:00", None)
    assert entry["flags"] == {"bad_scheduled_at": 1}


def test_repair_time_on_an_open_ticket_is_flagged_as_such(connection: db.Connection, database_url: str) -> None:
    entry = load(database_url, ticket("A1", mttr="1.5"), closed("A2"))
    assert (stored(connection)["mttr"], stored(connection, "A2")["mttr"]) == (None, 1410)
    assert entry["flags"] == {"mttr_on_open": 1}


def test_flags_count_the_rows_of_the_file(connection: db.Connection, database_url: str) -> None:
    rows = [ticket(f"A{at}", scheduled_at="tomorrow" if at % 2 else "") for at in range(10)]
    assert load(database_url, *rows)["flags"] == {"bad_scheduled_at": 5}
    report = connection.execute("SELECT counts -> 'flags' FROM tickets.runs").fetchone()
    assert report == ({"bad_scheduled_at": 5},)


@pytest.mark.parametrize(
    "cells", [{"mttr": "{}1.5"}, {"latitude": "-1.29{}", "longitude": "36.8"}], ids=["mttr", "place"]
)
def test_a_wide_space_in_a_number_makes_no_file_fail(
    cells: dict[str, str], connection: db.Connection, database_url: str
) -> None:
    rows = [
        closed(f"A{ord(space)}") | {name: text.format(space) for name, text in cells.items()} for space in WIDE_SPACES
    ]
    assert load(database_url, *rows)["state"] == "applied"
    assert stored(connection, f"A{ord(WIDE_SPACES[0])}")["mttr"] != 0


LIKELY = st.text(st.sampled_from("0123456789-+:.TZ eE,\t\n/Inf"), max_size=24)
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:?[0-9]{2})?"
SHAPED = st.from_regex(TIME, fullmatch=True)
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(deadline=None, max_examples=400)
@given(first=LIKELY | SHAPED | ANY, second=LIKELY | ANY)
def test_typing_a_value_never_raises(shared_connection: db.Connection, first: str, second: str) -> None:
    shared_connection.execute(
        "SELECT tickets.eat_ts(%(a)s), tickets.mttr_minutes(%(a)s), tickets.to_bool(%(a)s), tickets.is_filled(%(a)s), "
        "tickets.feed_point(%(a)s, %(b)s), tickets.feed_point(%(b)s, '36.8')",
        {"a": first, "b": second},
    )
