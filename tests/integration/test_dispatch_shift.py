"""Which shift a plan is for: today's while it lasts, then the next one on which a crew works, in East Africa Time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.types.json import Jsonb

from fleettickets.datasets import EAT
from fleettickets.dispatch import plans
from fleettickets.dispatch.day import Locks, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Outcome

    from fleettickets import db

QUICK = Settings(iterations=50, stale_after_minutes=10_080)
THURSDAY = datetime(2026, 6, 25, tzinfo=EAT)


@pytest.fixture
def crew(connection: db.Connection) -> db.Connection:
    """One crew from 08:00 to 17:00, heard of at noon on Wednesday, and a ticket due in two days beside it."""
    fix = {"vehicle_id": "KDA", "lat": -1.28, "lon": 36.82, "fixed_at": "2026-06-24T12:00:00+03:00"}
    connection.execute("SELECT dispatch.record_positions(%s, 'test', %s)", [Jsonb([fix]), THURSDAY])
    told = {"is_actionable": "true", "created_at_service": "2026-06-24T12:00:00+03:00"}
    connection.execute(
        "INSERT INTO tickets.inc (ticket_id, raw, geom, geo_source) "
        "VALUES ('T', %s, public.st_setsrid(public.st_makepoint(36.83, -1.28), 4326), 'feed')",
        [Jsonb(told)],
    )
    return connection


def made_at(connection: db.Connection, hours: float, settings: Settings = QUICK) -> dict[str, Any]:
    now = (THURSDAY + timedelta(hours=hours)).astimezone(UTC)
    return plans.draft(connection, settings, Locks(), now, "x").document


def starts(document: dict[str, Any]) -> str:
    return f"{datetime.fromisoformat(document['starts_at']).astimezone(EAT):%a %H:%M}"


@pytest.mark.parametrize(
    ("hours", "begins"),
    [
        (0.5, "Thu 08:00"),  # half past midnight in Nairobi is still Wednesday in UTC
        (7, "Thu 08:00"),
        (9, "Thu 09:00"),
        (16, "Thu 16:00"),
        (17, "Fri 08:00"),
        (20, "Fri 08:00"),
        (23.9, "Fri 08:00"),
        (24.1, "Fri 08:00"),
    ],
)
def test_a_plan_is_for_todays_shift_while_it_lasts_and_then_for_the_next(
    crew: db.Connection, hours: float, begins: str
) -> None:
    made = made_at(crew, hours)
    assert starts(made) == begins
    assert made["summary"]["assigned"] == 1
    (stop,) = made["routes"][0]["stops"]
    assert stop["begins_at"] > made["starts_at"]
    assert f"{datetime.fromisoformat(made['ends_at']).astimezone(EAT):%H:%M}" == "17:00"


def test_what_is_left_of_a_shift_may_be_too_short_and_says_so(crew: db.Connection) -> None:
    made = made_at(crew, 16.5)
    assert (starts(made), made["summary"]["by_reason"]) == ("Thu 16:30", {"shift_full": 1})


def test_the_next_shift_is_on_a_day_on_which_a_crew_works(crew: db.Connection) -> None:
    crew.execute("UPDATE dispatch.vehicle SET workdays = '{1,2,3,4}'")
    assert starts(made_at(crew, 20)) == "Mon 08:00"
    assert starts(made_at(crew, 9)) == "Thu 09:00"


def test_a_longer_shift_is_todays_still(crew: db.Connection) -> None:
    longer = Settings(iterations=50, stale_after_minutes=10_080, longer_shift_minutes=120)
    assert starts(made_at(crew, 17.5, longer)) == "Thu 17:30"
    assert starts(made_at(crew, 19, longer)) == "Fri 08:00"


def test_a_late_crew_that_nobody_has_heard_of_keeps_no_plan_for_today(crew: db.Connection) -> None:
    crew.execute(
        "INSERT INTO dispatch.vehicle (vehicle_id, label, shift_end, source) VALUES ('NIGHT', 'NIGHT', '23:00', 'x')"
    )
    assert starts(made_at(crew, 20)) == "Fri 08:00"


def test_a_shift_that_has_not_begun_starts_at_home(crew: db.Connection) -> None:
    crew.execute("UPDATE dispatch.vehicle SET home = public.st_setsrid(public.st_makepoint(36.9, -1.3), 4326)")
    assert [made_at(crew, hours)["routes"][0]["lon"] for hours in (9, 20)] == [36.82, 36.9]


def test_without_vehicles_a_plan_is_for_no_shift(connection: db.Connection) -> None:
    made = made_at(connection, 20)
    assert (made["starts_at"], made["ends_at"], made["summary"]["assigned"]) == (None, None, 0)


def test_a_dispatcher_at_night_is_told_which_shift_it_is(crew: db.Connection, shell: Callable[..., Outcome]) -> None:
    night = ("--now", "2026-06-25T21:30:00+03:00")
    told = shell("fleettickets", "dispatch", "plan", "--stale-after", "10000", *night)
    assert "for the next shift, Fri 26 Jun 08:00 to 17:00 EAT" in told.out, told.err
    assert "1 assigned to 1 vehicle" in told.out
    assert crew.execute("SELECT count(*) FROM dispatch.plan").fetchone() == (0,)
    assert "stale_vehicle" in shell("fleettickets", "dispatch", "plan", *night).out
