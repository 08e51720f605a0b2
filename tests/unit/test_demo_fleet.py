"""The simulated vehicles drive as vehicles can, and are where their crews close tickets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import cos, hypot, radians
from typing import TYPE_CHECKING

import pytest

from fleettickets.datasets import DATASETS
from fleettickets.demo.fleet import Fleet, spot_of
from fleettickets.demo.plan import Plan, epoch_s
from fleettickets.demo.story import Changes, Story
from fleettickets.demo.tickets import crew_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleettickets.dispatch.positions.fix import Fix

END = datetime(2026, 6, 25, 9, 30, tzinfo=UTC)
SINCE = END - timedelta(days=2)
PLANS = [Plan(dataset, rows=20_000, days=4, end=END) for dataset in DATASETS.values()]


@pytest.fixture(scope="module")
def fixes() -> list[Fix]:
    return list(Fleet(PLANS, SINCE).fixes(END))


def metres(a: Fix, b: Fix) -> float:
    lat, lon = float(str(a.lat)), float(str(a.lon))
    across = (lon - float(str(b.lon))) * cos(radians(lat))
    return hypot(across, lat - float(str(b.lat))) * 111_195


def at(fix: Fix) -> datetime:
    return datetime.fromisoformat(str(fix.fixed_at))


def tracks(fixes: Sequence[Fix]) -> dict[str, list[Fix]]:
    found: dict[str, list[Fix]] = {}
    for fix in fixes:
        found.setdefault(str(fix.vehicle_id), []).append(fix)
    return found


def test_the_same_seed_drives_the_same_way_in_whatever_steps_it_is_asked(fixes: list[Fix]) -> None:
    fleet = Fleet(PLANS, SINCE)
    steps = [fix for hours in (5, 17, 40, 48) for fix in fleet.fixes(SINCE + timedelta(hours=hours))]
    assert sorted(steps, key=str) == sorted(fixes, key=str)
    other = [Plan(plan.dataset, rows=20_000, days=4, end=END, seed=2) for plan in PLANS]
    assert list(Fleet(other, SINCE).fixes(END)) != fixes


def test_no_vehicle_is_faster_than_a_vehicle_and_time_goes_on(fixes: list[Fix]) -> None:
    for track in tracks(fixes).values():
        for one, following in pairwise(track):
            took_s = (at(following) - at(one)).total_seconds()
            assert took_s > 0
            assert metres(one, following) <= 1000 + took_s * 15, (one, following)


def test_trackers_that_are_silent_or_missing_are_among_them(fixes: list[Fix]) -> None:
    fleet = Fleet(PLANS, SINCE)
    newest = {vehicle: at(track[-1]) for vehicle, track in tracks(fixes).items()}
    stale = [vehicle for vehicle, known_at in newest.items() if known_at < END - timedelta(hours=2)]
    assert (len(fleet.vehicles), len(newest), stale) == (80, 79, [fleet.vehicles[-2].vehicle_id])
    assert len({one.plate for one in fleet.vehicles}) == 80


def test_many_tickets_are_closed_with_a_vehicle_of_their_crew_at_the_door(fixes: list[Fix]) -> None:
    crews = {one.vehicle_id: one.crew for one in Fleet(PLANS, SINCE).vehicles}
    by_crew: dict[str, list[Fix]] = {}
    for fix in fixes:
        by_crew.setdefault(crews[str(fix.vehicle_id)], []).append(fix)
    there = closed = 0
    for plan in PLANS:
        changes = Changes(Story(plan), epoch_s(SINCE))
        for ticket, step in changes.until(epoch_s(END)):
            if step.closed_s is None or step.is_alarm or not crew_of(ticket) or step.closed_s < epoch_s(SINCE):
                continue
            closed += 1
            spot = spot_of(ticket)
            there += any(
                abs(at(fix).timestamp() - step.closed_s) < 900
                and hypot(float(str(fix.lat)) - spot.lat, float(str(fix.lon)) - spot.lon) < 0.0005
                for fix in by_crew.get(crew_of(ticket), ())
            )
    assert there > closed / 10
    assert there > 50
