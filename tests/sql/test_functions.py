"""The SQL functions under the typed columns, on a real database."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleettickets.datasets import EAT

if TYPE_CHECKING:
    from fleettickets.db import Connection


def ask(connection: Connection, query: str, *parameters: Any) -> Any:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-06-22 15:50:39", "2026-06-22T15:50:39+03:00"),
        (" 2026-06-22T15:50 ", "2026-06-22T15:50:00+03:00"),
        ("2026-06-24", "2026-06-24T00:00:00+03:00"),
        ("2026-06-23T09:00:00Z", "2026-06-23T12:00:00+03:00"),
        ("2026-06-23 09:00:00.250000+05:30", "2026-06-23T06:30:00.250000+03:00"),
        ("2026-06-23 09:00:00-0330", "2026-06-23T15:30:00+03:00"),
        ("2024-02-29 10:00:00", "2024-02-29T10:00:00+03:00"),
    ],
)
def test_source_time_is_east_africa_time_unless_it_carries_an_offset(
    shared_connection: Connection, text: str, instant: str
) -> None:
    assert ask(shared_connection, "SELECT tickets.eat_ts(%s)", text) == datetime.fromisoformat(instant)


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "N/A", "-", "nan", "NaT", "2026-02-30 10:00:00", "2026-04-31", "0000-00-00 00:00:00",
        "45830.5", "05/06/2026", "2026-06-23 24:00:00", "2026-06-23 23:59:60", "2026-13-01", "now", "infinity",
        "2026-06-22 15:50:39; DROP TABLE tickets.inc", "２０２６-06-22", "2026-00-10 00:00:00",
    ],
)  # fmt: skip
def test_what_is_no_time_is_null(shared_connection: Connection, text: str) -> None:
    assert ask(shared_connection, "SELECT tickets.eat_ts(%s)", text) is None


@pytest.mark.parametrize("setting", ["timezone = 'America/New_York'", "datestyle = 'SQL, DMY'"])
def test_typed_values_do_not_depend_on_session_settings(shared_connection: Connection, setting: str) -> None:
    with shared_connection.transaction(force_rollback=True):
        shared_connection.execute(f"SET LOCAL {setting}")
        epoch = ask(shared_connection, "SELECT extract(epoch FROM tickets.eat_ts('2026-06-05 01:00:00'))::bigint")
    assert epoch == datetime(2026, 6, 5, 1, tzinfo=EAT).timestamp()


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40))
def test_any_text_is_typed_or_null_and_never_an_error(shared_connection: Connection, text: str) -> None:
    row = shared_connection.execute(
        "SELECT tickets.eat_ts(%(t)s), tickets.to_bool(%(t)s), tickets.mttr_minutes(%(t)s), "
        "tickets.is_filled(%(t)s), tickets.feed_point(%(t)s, %(t)s)",
        {"t": text},
    ).fetchone()
    assert row is not None


@settings(max_examples=300, deadline=None)
@given(text=st.from_regex(r"\A[0-9 .:TZ+-]{0,26}\Z"))
def test_text_that_looks_like_a_time_is_typed_or_null_and_never_an_error(
    shared_connection: Connection, text: str
) -> None:
    ask(shared_connection, "SELECT tickets.eat_ts(%s)", text)


@settings(max_examples=300, deadline=None)
@given(moment=st.datetimes(datetime(1000, 1, 1), datetime(2999, 12, 31)))  # noqa: DTZ001  # naive by purpose
def test_every_real_time_in_the_exports_shape_is_read(shared_connection: Connection, moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    read = ask(shared_connection, "SELECT tickets.eat_ts(%s)", moment.isoformat(" "))
    assert read.astimezone(EAT).replace(tzinfo=None) == moment


@pytest.mark.parametrize(
    ("hours", "minutes"),
    [
        ("1.9917", 120),
        ("0", 0),
        (" 2 ", 120),
        (".5", 30),
        ("0.00833333333333333", 0),
        ("0.0084", 1),
        ("9999999", 599999940),
    ],
)
def test_decimal_hours_become_whole_minutes_half_up(shared_connection: Connection, hours: str, minutes: int) -> None:
    assert ask(shared_connection, "SELECT tickets.mttr_minutes(%s)", hours) == minutes


@pytest.mark.parametrize("text", ["-1", "N/A", "1e400", "1,5", "99999999", "", "NaN", "inf", "0x10"])
def test_what_is_no_duration_is_null(shared_connection: Connection, text: str) -> None:
    assert ask(shared_connection, "SELECT tickets.mttr_minutes(%s)", text) is None


@pytest.mark.parametrize(
    ("text", "truth"),
    [("TRUE", True), (" t ", True), ("1", True), ("Yes", True), ("false", False), ("0", False), ("N", False),
     ("maybe", None), ("", None), (None, None)],
)  # fmt: skip
def test_flags_are_read_in_any_common_spelling(
    shared_connection: Connection,
    text: str | None,
    truth: bool | None,  # noqa: FBT001  # the expected value
) -> None:
    assert ask(shared_connection, "SELECT tickets.to_bool(%s::text)", text) is truth


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        ("36.82", "-1.29"),
        ("0", "0"),
        ("123.4", "36.8"),
        ("NaN", "36.8"),
        ("-1,29", "36,82"),
        ("6.5", "3.4"),
        ("", "36.8"),
    ],
)
def test_swapped_zero_foreign_and_unreadable_coordinates_are_none(
    shared_connection: Connection, latitude: str, longitude: str
) -> None:
    assert ask(shared_connection, "SELECT tickets.feed_point(%s, %s)", latitude, longitude) is None


def test_plausible_coordinates_are_a_point_in_longitude_latitude_order(shared_connection: Connection) -> None:
    text = ask(shared_connection, "SELECT public.st_astext(tickets.feed_point(' -1.2921', '36.8219'))")
    assert text == "POINT(36.8219 -1.2921)"
