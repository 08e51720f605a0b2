"""A shift to plan, read from the database: the open tickets, the crews that work, and where they are.

It is today's shift as long as any crew has time left in it, else the next one on which a crew works (EAT).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from fleettickets.datasets import DATASETS, EAT
from fleettickets.dispatch.model import Instance, Job, Policy, Vehicle
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fleettickets.db import Connection

_LARGEST_PLAN: Final = 10_000
_DAYS_AHEAD: Final = 8


@dataclass(frozen=True, slots=True)
class Settings:
    """What a dispatcher may choose for a plan. What-if: leave vehicles out, take more in, lengthen the shift."""

    datasets: tuple[str, ...] = ("inc",)
    horizon_hours: float = 24.0
    stale_after_minutes: float = 60.0
    allows_coarse: bool = True
    longer_shift_minutes: float = 0.0
    without_vehicles: tuple[str, ...] = ()
    with_vehicles: int = 0
    iterations: int = 4_000

    def __post_init__(self) -> None:
        """UsageError for what makes no sense."""
        unknown = set(self.datasets) - set(DATASETS)
        if unknown or not self.datasets:
            raise UsageError(f"datasets {', '.join(map(repr, self.datasets))}: choose of {', '.join(DATASETS)}")
        for name, least, most in (
            ("horizon_hours", 0, 240),
            ("stale_after_minutes", 1, 10_080),
            ("longer_shift_minutes", -600, 600),
            ("with_vehicles", 0, 200),
            ("iterations", 0, 100_000),
        ):
            if not least <= getattr(self, name) <= most:
                raise UsageError(f"{name} is {getattr(self, name)}: give {least} to {most}")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Settings:
        """From JSON; an unknown name is a UsageError."""
        unknown = sorted(set(values) - set(cls.__slots__))
        if unknown:
            raise UsageError(f"unknown setting {', '.join(unknown)}: known are {', '.join(cls.__slots__)}")
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        try:
            return cls(**given)
        except TypeError as error:
            raise UsageError(f"a setting has the wrong type: {error}") from None


@dataclass(frozen=True, slots=True)
class Locks:
    """What the planner may not change: tickets pinned to a crew, and what a crew does first, in order."""

    pinned: Mapping[str, str] = field(default_factory=dict)
    first: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Locks:
        """From JSON; anything but {"pinned": {ticket: vehicle}, "first": {vehicle: [ticket]}} is a UsageError."""
        pinned, first = values.get("pinned", {}), values.get("first", {})
        shaped = (
            set(values) <= {"pinned", "first"}
            and isinstance(pinned, dict)
            and isinstance(first, dict)
            and all(isinstance(vehicle, str) for vehicle in pinned.values())
            and all(
                isinstance(tickets, list) and all(isinstance(one, str) for one in tickets) for tickets in first.values()
            )
        )
        if not shaped:
            raise UsageError('locks are {"pinned": {"TICKET": "VEHICLE"}, "first": {"VEHICLE": ["TICKET"]}}')
        return cls(dict(pinned), {vehicle: tuple(tickets) for vehicle, tickets in first.items()})

    def as_dict(self) -> dict[str, Any]:
        """The same shape as `of` takes."""
        return {"pinned": dict(self.pinned), "first": {vehicle: list(ids) for vehicle, ids in self.first.items()}}


def read(connection: Connection, settings: Settings, locks: Locks, now: datetime) -> Instance:
    """The open tickets and the active vehicles as they are at `now`; a lock on what is not there is a UsageError."""
    jobs = _jobs(connection, settings, locks, now)
    vehicles = _vehicles(connection, settings, locks, now, {job.ticket_id for job in jobs})
    _check(locks, {job.ticket_id for job in jobs}, {vehicle.vehicle_id for vehicle in vehicles})
    waits_s = max(min((vehicle.shift_start_s for vehicle in vehicles), default=0), 0)
    policy = Policy(
        horizon_s=waits_s + round(settings.horizon_hours * 3600),
        allows_coarse=settings.allows_coarse,
    )
    return Instance(tuple(jobs), tuple(vehicles), policy)


def _jobs(connection: Connection, settings: Settings, locks: Locks, now: datetime) -> list[Job]:
    rows = connection.execute(
        "SELECT ticket_id, lat, lon, geo_source, due_at, earliest_at, service_s, skills, p_still_open "
        "FROM dispatch.open_jobs(%s, %s)",
        [now, list(settings.datasets)],
    ).fetchall()
    if len(rows) > _LARGEST_PLAN:
        raise UsageError(f"{len(rows):,} open tickets are more than a plan holds ({_LARGEST_PLAN:,}): plan one dataset")
    return [
        Job(
            ticket_id,
            lat,
            lon,
            service_s=service_s,
            due_s=None if due_at is None else _seconds(due_at - now),
            earliest_s=0 if earliest_at is None else max(_seconds(earliest_at - now), 0),
            p_still_open=p_still_open,
            skills=frozenset(skills),
            is_coarse=geo_source == "cluster",
            pinned_to=locks.pinned.get(ticket_id),
        )
        for ticket_id, lat, lon, geo_source, due_at, earliest_at, service_s, skills, p_still_open in rows
    ]


def _vehicles(
    connection: Connection, settings: Settings, locks: Locks, now: datetime, open_tickets: set[str]
) -> list[Vehicle]:
    """The crews that work on the day of the shift; one whose shift has not begun will start from its home."""
    rows = connection.execute(
        "SELECT vehicle_id, public.st_y(geom), public.st_x(geom), shift_start, shift_end, workdays, public.st_y(home), "
        "public.st_x(home), skills, capacity, known_at, is_out_of_area, "
        "CASE WHEN shares_label THEN label || ' (' || vehicle_id || ')' ELSE label END "
        "FROM dispatch.fleet WHERE is_active AND vehicle_id <> ALL (%s) ORDER BY vehicle_id",
        [list(settings.without_vehicles)],
    ).fetchall()
    stale_before = now - timedelta(minutes=settings.stale_after_minutes)
    longer = timedelta(minutes=settings.longer_shift_minutes)
    day = _day_of_shift([(*row[3:6], row[10] is not None and row[10] >= stale_before) for row in rows], now, longer)
    vehicles = []
    for (
        vehicle_id,
        lat,
        lon,
        begins,
        ends,
        workdays,
        home_lat,
        home_lon,
        skills,
        capacity,
        known_at,
        far,
        label,
    ) in rows:
        if day.isoweekday() not in workdays:
            continue
        begin_s, end_s = (_seconds(datetime.combine(day, at, EAT) - now) for at in (begins, ends))
        is_at_home = begin_s > 0 and home_lat is not None and lat is not None
        vehicles.append(
            Vehicle(
                vehicle_id,
                home_lat if is_at_home else lat,
                home_lon if is_at_home else lon,
                begin_s,
                max(end_s + _seconds(longer), begin_s),
                end_lat=home_lat,
                end_lon=home_lon,
                skills=frozenset(skills),
                capacity=capacity,
                committed=tuple(one for one in locks.first.get(vehicle_id, ()) if one in open_tickets),
                is_stale=known_at is None or known_at < stale_before or bool(far),
                label=label,
            )
        )
    return [*vehicles, *_imagined(vehicles, settings.with_vehicles)]


def _day_of_shift(crews: Sequence[tuple[time, time, list[int], bool]], now: datetime, longer: timedelta) -> date:
    """The first day (EAT) from today on whose shift leaves time to a crew: (begins, ends, workdays, is heard of).

    Crews that nobody has heard of lately count only where there is no other: they cannot be sent anywhere.
    """
    today = now.astimezone(EAT).date()
    heard_of = [crew for crew in crews if crew[3]] or crews
    for ahead in range(_DAYS_AHEAD):
        day = today + timedelta(days=ahead)
        for _, ends, workdays, _ in heard_of:
            if day.isoweekday() in workdays and datetime.combine(day, ends, EAT) + longer > now:
                return day
    return today


def _imagined(vehicles: Sequence[Vehicle], n: int) -> list[Vehicle]:
    """What-if: n crews more, starting where the fleet's middle is, with every skill anyone has."""
    located = [one for one in vehicles if one.lat is not None and one.lon is not None and not one.is_stale]
    if n and not located:
        raise UsageError("there is no vehicle with a fresh position to model another one on: leave with_vehicles out")
    skills = frozenset[str]().union(*(one.skills for one in vehicles))
    return [
        replace(
            located[number % len(located)],
            vehicle_id=f"(one more {number + 1})",
            lat=sum(one.lat or 0 for one in located) / len(located),
            lon=sum(one.lon or 0 for one in located) / len(located),
            skills=skills,
            committed=(),
            label=None,
        )
        for number in range(n)
    ]


def _check(locks: Locks, tickets: set[str], vehicles: set[str]) -> None:
    for ticket in locks.pinned:
        if ticket not in tickets:
            raise UsageError(f"{ticket} is pinned and not open (any more): take the pin out")
    for vehicle in {*locks.pinned.values(), *locks.first}:
        if vehicle not in vehicles:
            raise UsageError(f"{vehicle} is locked and not among the active vehicles: take its locks out")


def _seconds(span: timedelta) -> int:
    return round(span.total_seconds())
