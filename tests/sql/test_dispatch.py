"""Positions and the nearest: newer wins, what cannot be a position is kept aside, distances are true."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from fleettickets.dispatch.model import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets import db

NOW = datetime(2026, 6, 25, 9, tzinfo=UTC)


@pytest.fixture
def rolled_back(shared_connection: db.Connection) -> Iterator[db.Connection]:
    """A database in which nothing stays."""
    with shared_connection.transaction(force_rollback=True):
        yield shared_connection


def record(connection: db.Connection, *fixes: dict[str, Any], now: datetime = NOW) -> dict[str, Any]:
    (answer,) = connection.execute(
        "SELECT dispatch.record_positions(%s, 'test', %s)", [Jsonb(list(fixes)), now]
    ).fetchone() or ({},)
    return dict(answer)


def fix(
    vehicle: str = "V", minutes: float = 0, lat: object = -1.28, lon: object = 36.82, **more: Any
) -> dict[str, Any]:
    at = (NOW + timedelta(minutes=minutes)).isoformat()
    return {"vehicle_id": vehicle, "lat": lat, "lon": lon, "fixed_at": at, **more}


def test_the_newest_fix_stays_whatever_arrives_late(rolled_back: db.Connection) -> None:
    record(rolled_back, fix(minutes=-5, lat=-1.1))
    late = record(rolled_back, fix(minutes=-9, lat=-1.2))
    assert (late["new"], late["newest"]) == (1, 0)
    assert rolled_back.execute("SELECT public.st_y(geom) FROM dispatch.vehicle_position").fetchall() == [(-1.1,)]
    assert rolled_back.execute("SELECT count(*) FROM dispatch.vehicle_track").fetchone() == (2,)


def test_the_same_fix_twice_is_one(rolled_back: db.Connection) -> None:
    record(rolled_back, fix())
    again = record(rolled_back, fix(), fix())
    assert (again["read"], again["new"], again["known"], again["newest"]) == (2, 0, 2, 0)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(-50, 0)), max_size=12), st.randoms(use_true_random=False))
def test_any_order_and_split_of_the_fixes_gives_the_same_positions(
    shared_connection: db.Connection, told: list[tuple[str, int]], chance: random.Random
) -> None:
    fixes = [fix(vehicle, minutes, lat=-1 + minutes / 100) for vehicle, minutes in told]
    found = []
    for _ in range(2):
        with shared_connection.transaction(force_rollback=True):
            chance.shuffle(fixes)
            cut = chance.randint(0, len(fixes))
            record(shared_connection, *fixes[:cut])
            record(shared_connection, *fixes[cut:])
            found.append(
                shared_connection.execute(
                    "SELECT vehicle_id, fixed_at, public.st_y(geom) FROM dispatch.vehicle_position ORDER BY 1"
                ).fetchall()
            )
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (fix(lat=0, lon=0), "zero_position"),
        (fix(lat="0.0", lon="0"), "zero_position"),
        (fix(lat=91), "no_position"),
        (fix(lon="NaN"), "no_position"),
        (fix(lat=None), "no_position"),
        (fix(lat="-1,28"), "no_position"),
        (fix(minutes=6), "future_time"),
        ({**fix(), "fixed_at": "yesterday"}, "no_time"),
        ({**fix(), "fixed_at": "1999-12-31 10:00:00"}, "no_time"),
        (fix(vehicle=" "), "no_vehicle"),
        (fix(vehicle="V" * 201), "no_vehicle"),
        ({}, "no_vehicle"),
    ],
)
def test_what_cannot_be_a_position_is_kept_aside_with_its_reason(
    rolled_back: db.Connection, bad: dict[str, Any], reason: str
) -> None:
    answer = record(rolled_back, bad, fix("GOOD"))
    assert answer["rejected"] == {reason: 1}
    assert answer["new"] == 1
    assert rolled_back.execute("SELECT reason, record FROM dispatch.rejected_position").fetchall() == [(reason, bad)]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("2026-06-25 08:58:00", -2),  # trackers speak UTC
        ("2026-06-25T08:58:00Z", -2),
        ("2026-06-25T11:58:00+03:00", -2),
        (str(int(NOW.timestamp()) - 120), -2),
        (str(int(NOW.timestamp() * 1000) - 120_000), -2),
    ],
)
def test_a_tracker_may_write_its_time_in_any_common_way(rolled_back: db.Connection, text: str, minutes: int) -> None:
    record(rolled_back, {**fix(), "fixed_at": text})
    found = rolled_back.execute("SELECT fixed_at FROM dispatch.vehicle_position").fetchall()
    assert found == [(NOW + timedelta(minutes=minutes),)]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2999, 12, 31)).map(lambda at: at.replace(microsecond=0)),  # noqa: DTZ001  # naive on purpose
    st.sampled_from(["T", " "]),
    st.sampled_from(["", "Z", "+03:00", "-09:30", "+14:00", "+0300", "+03", " Z", ".25Z"]),
)
def test_a_time_in_iso_is_that_instant_in_whatever_shape(
    shared_connection: db.Connection, at: datetime, between: str, offset: str
) -> None:
    """The short way of the usual shape and the long way of the others say the same."""
    text = at.isoformat(between) + offset
    expected = datetime.fromisoformat(text.replace(" Z", "Z"))
    found = shared_connection.execute("SELECT dispatch.instant_of(%s)", [text]).fetchone()
    assert found == (expected if expected.tzinfo else expected.replace(tzinfo=UTC),)


@pytest.mark.parametrize(
    "text", ["2026-02-29T10:00:00+03:00", "2026-04-31 10:00:00", "2026-06-25T24:00:00Z", "2026-13-01T00:00:00Z"]
)
def test_a_time_that_there_is_not_is_none(shared_connection: db.Connection, text: str) -> None:
    assert shared_connection.execute("SELECT dispatch.instant_of(%s)", [text]).fetchone() == (None,)


def test_a_heartbeat_keeps_a_parked_vehicle_fresh(rolled_back: db.Connection) -> None:
    heartbeat = (NOW - timedelta(minutes=1)).isoformat()
    record(rolled_back, fix(minutes=-600))
    record(rolled_back, fix(minutes=-600, heartbeat_at=heartbeat))
    assert rolled_back.execute("SELECT known_at FROM dispatch.fleet").fetchall() == [(NOW - timedelta(minutes=1),)]


def test_a_heartbeat_outlives_a_later_fix_without_one(rolled_back: db.Connection) -> None:
    """Freshness is the later of fix and heartbeat, in whatever order they are told."""
    heartbeat = (NOW - timedelta(minutes=1)).isoformat()
    record(rolled_back, fix(minutes=-600, heartbeat_at=heartbeat))
    record(rolled_back, fix(minutes=-300, lat=-1.1))
    found = rolled_back.execute("SELECT known_at, public.st_y(geom) FROM dispatch.fleet").fetchall()
    assert found == [(NOW - timedelta(minutes=1), -1.1)]


def test_what_a_person_edited_no_feed_overwrites(rolled_back: db.Connection) -> None:
    record(rolled_back, fix(label="KDA 001A"))
    rolled_back.execute("UPDATE dispatch.vehicle SET label = 'Van of Team A', team = 'Team A'")
    record(rolled_back, fix(minutes=1, label="KDA 001A"))
    assert rolled_back.execute("SELECT label, team FROM dispatch.vehicle").fetchall() == [("Van of Team A", "Team A")]


def test_two_trackers_with_one_plate_are_shown_as_such(rolled_back: db.Connection) -> None:
    record(rolled_back, fix("1", label="KDA 001A"), fix("2", label="kda-001a"), fix("3", label="KDB 001A"))
    found = rolled_back.execute("SELECT vehicle_id, shares_label FROM dispatch.fleet ORDER BY 1").fetchall()
    assert found == [("1", True), ("2", True), ("3", False)]


def test_tracks_have_a_partition_a_month_and_old_months_go(rolled_back: db.Connection) -> None:
    record(rolled_back, fix(minutes=-60 * 24 * 40))
    assert _parts(rolled_back) == ["vehicle_track_202606", "vehicle_track_202607"]
    rolled_back.execute("SELECT dispatch.add_track_partition('2026-05-20Z')")
    assert rolled_back.execute("SELECT count(*) FROM dispatch.vehicle_track_202605").fetchone() == (1,)
    (dropped,) = rolled_back.execute("SELECT dispatch.keep_tracks(%s, '20 days')", [NOW]).fetchone() or (None,)
    assert dropped == 1
    assert _parts(rolled_back) == ["vehicle_track_202606", "vehicle_track_202607"]


def _parts(connection: db.Connection) -> list[str]:
    query = (
        "SELECT inhrelid::regclass::text FROM pg_catalog.pg_inherits "
        "WHERE inhparent = 'dispatch.vehicle_track'::regclass ORDER BY 1"
    )
    names = [name.removeprefix("dispatch.") for (name,) in connection.execute(query).fetchall()]
    return [name for name in names if name != "vehicle_track_rest"]


def _ticket(connection: db.Connection, ticket_id: str, lon: float | None, lat: float | None, **raw: str) -> None:
    connection.execute(
        "INSERT INTO tickets.inc (ticket_id, raw, geom, geo_source) "
        "SELECT %s, %s, public.st_setsrid(public.st_makepoint(%s, %s), 4326), 'location'",
        [ticket_id, Jsonb({"is_actionable": "true", **raw}), lon, lat],
    )


def _json(connection: db.Connection, query: str, *parameters: object) -> dict[str, Any]:
    (answer,) = connection.execute(query, parameters).fetchone() or ({},)
    return dict(answer)


def test_nearest_tickets_are_ranked_by_true_distance(rolled_back: db.Connection) -> None:
    """Against the distance of every open ticket, worked out one by one."""
    chance = random.Random(1)
    for number in range(80):
        _ticket(rolled_back, f"T{number}", 36.8 + chance.uniform(-0.3, 0.3), -1.3 + chance.uniform(-0.3, 0.3))
    _ticket(rolled_back, "CLOSED", 36.8, -1.3, is_actionable="false")
    _ticket(rolled_back, "NOWHERE", None, None)
    answer = _json(rolled_back, "SELECT dispatch.fn_nearest_tickets(NULL, 36.8, -1.3, 10, NULL, %s)", NOW)
    expected = rolled_back.execute(
        "SELECT ticket_id FROM tickets.inc WHERE is_actionable AND geog IS NOT NULL "
        "ORDER BY public.st_distance(geog, public.st_makepoint(36.8, -1.3)::public.geography) LIMIT 10"
    ).fetchall()
    assert [ticket["ticket_id"] for ticket in answer["tickets"]] == [row[0] for row in expected]
    assert [t["distance_m"] for t in answer["tickets"]] == sorted(t["distance_m"] for t in answer["tickets"])


def test_an_eta_says_what_it_stands_on_and_is_the_planners(rolled_back: db.Connection) -> None:
    policy = Policy()
    _ticket(rolled_back, "T", 36.8, -1.3)
    ticket = _json(rolled_back, "SELECT dispatch.fn_nearest_tickets(NULL, 36.9, -1.3, 1, 'inc', %s)", NOW)["tickets"][0]
    assert ticket["eta_basis"] == f"straight line x {policy.detour:g} at {policy.speed_km_per_h:g} km/h"
    assert ticket["eta_s"] == pytest.approx(ticket["distance_m"] * policy.detour / (policy.speed_km_per_h / 3.6), abs=2)
    assert ticket["geo_source"] == "location"


def test_nearest_vehicles_come_usable_ones_first_and_the_others_say_why_not(rolled_back: db.Connection) -> None:
    _ticket(rolled_back, "T", 36.8, -1.3)
    record(
        rolled_back,
        fix("near but stale", minutes=-90, lat=-1.3, lon=36.8),
        fix("in the sea", lat=-5.5, lon=42.5),
        fix("far", lat=-1.5, lon=37.0),
        fix("close", lat=-1.31, lon=36.81),
    )
    rolled_back.execute("INSERT INTO dispatch.vehicle (vehicle_id, label, source) VALUES ('silent', 'silent', 'test')")
    vehicles = _json(rolled_back, "SELECT dispatch.fn_nearest_vehicles('T', 9, '{}', '60 min', %s)", NOW)["vehicles"]
    assert [(one["vehicle_id"], one["obstacle"]) for one in vehicles] == [
        ("close", None),
        ("far", None),
        ("near but stale", "stale"),
        ("in the sea", "out_of_area"),
        ("silent", "no_position"),
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("fn_nearest_tickets('nobody')", "unknown vehicle"),
        ("fn_nearest_tickets()", "give a vehicle"),
        ("fn_nearest_tickets(NULL, 'NaN', -1)", "give a vehicle"),
        ("fn_nearest_tickets(NULL, 36, -1, 0)", "ask for 1 to 100"),
        ("fn_nearest_tickets(NULL, 36, -1, 5, 'abc')", "unknown dataset"),
        ("fn_nearest_vehicles('nothing')", "unknown ticket"),
        ("fn_nearest_vehicles('nothing', 101)", "ask for 1 to 100"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_what_would(rolled_back: db.Connection, call: str, message: str) -> None:
    with pytest.raises(psycopg.Error, match=message):
        rolled_back.execute(f"SELECT dispatch.{call}")


def test_a_ticket_without_a_place_has_no_nearest_distance(rolled_back: db.Connection) -> None:
    """Its vehicles are listed all the same, without a distance nobody can know."""
    _ticket(rolled_back, "T", None, None)
    record(rolled_back, fix())
    answer = _json(rolled_back, "SELECT dispatch.fn_nearest_vehicles('T', 5, '{}', '60 min', %s)", NOW)
    assert answer["ticket"]["lon"] is None
    assert [(one["vehicle_id"], one["distance_m"]) for one in answer["vehicles"]] == [("V", None)]
    assert json.dumps(answer)
