"""The simulated crews' vehicles: two a crew, on the road where the simulated tickets are closed.

A day of a vehicle is what its crew closed that day, as far as one can drive it: to the customer before the closing,
there for a while, on to the next one. What the desk resolves remotely, and what is closed at night, nobody visits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import cos, hypot, radians
from typing import TYPE_CHECKING, Final, NamedTuple

from fleettickets.demo.nairobi import CLUSTERS, CREWS, Cluster, teams
from fleettickets.demo.plan import DAY_S, EAT_OFFSET_S, eat, epoch_s
from fleettickets.demo.story import Changes, Story
from fleettickets.demo.tickets import HOUR_S, crew_of
from fleettickets.dispatch.positions.fix import Fix
from fleettickets.geocode.gazetteer import by_key, key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from fleettickets.db import Connection
    from fleettickets.demo.plan import Plan
    from fleettickets.demo.tickets import Ticket

SOURCE: Final = "simulator"
_VEHICLES_A_CREW: Final = 2
_SPEED_M_PER_S: Final = 25 / 3.6
_DETOUR: Final = 1.3
_DEPARTURE_S: Final = 8 * HOUR_S
_RETURN_S: Final = 18 * HOUR_S
_DRIVING_EVERY_S: Final = 180
_PARKED_EVERY_S: Final = 600
_NIGHT_EVERY_S: Final = 3600
_METRES_PER_DEGREE: Final = 111_195.0
_REMOTE: Final = "Closed - Resolved Remotely"
_SILENT_S: Final = 20 * HOUR_S


class Spot(NamedTuple):
    """A point in degrees."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A crew's vehicle; one tracker fell silent yesterday, one was never fitted."""

    number: int
    crew: str
    home: Spot

    @property
    def vehicle_id(self) -> str:
        """As its tracker says."""
        return f"SIM-{self.number:03}"

    @property
    def plate(self) -> str:
        """As people call it."""
        return f"KD{'ABCDEFGH'[self.number % 8]} {100 + self.number * 7 % 900}{'KLMNPQRS'[self.number // 8 % 8]}"


class Visit(NamedTuple):
    """A vehicle at a customer's."""

    arrives_s: int
    leaves_s: int
    spot: Spot


class Fleet:
    """Drives on from call to call; the same plans give the same fixes."""

    def __init__(self, plans: Sequence[Plan], since: datetime) -> None:
        self._told_s = epoch_s(since)
        self._day_s = _midnight(self._told_s)
        self._changes = [Changes(Story(plan), self._day_s) for plan in plans]
        self._silent_from_s = max(epoch_s(plan.end) for plan in plans) - _SILENT_S
        self._today: dict[int, list[Visit]] | None = None
        self.vehicles = vehicles()

    def introduce(self, connection: Connection) -> None:
        """Tell the database who drives what."""
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO dispatch.vehicle (vehicle_id, label, team, shift_start, shift_end, home, source) "
                "VALUES (%s, %s, %s, '08:00', '18:00', public.st_setsrid(public.st_makepoint(%s, %s), 4326), %s) "
                "ON CONFLICT (vehicle_id) DO NOTHING",
                [(one.vehicle_id, one.plate, one.crew, one.home.lon, one.home.lat, SOURCE) for one in self.vehicles],
            )

    def fixes(self, until: datetime) -> Iterator[Fix]:
        """What the trackers told since the last call, until this instant."""
        until_s = epoch_s(until)
        while self._told_s < until_s:
            if self._today is None:
                self._today = self._visits(self._day_s)
            end_s = min(until_s, self._day_s + DAY_S)
            for one in self.vehicles[:-1]:
                yield from self._told(one, self._today.get(one.number, []), end_s)
            self._told_s = end_s
            if end_s == self._day_s + DAY_S:
                self._day_s, self._today = end_s, None

    def _told(self, one: Vehicle, visits: Sequence[Visit], end_s: int) -> Iterator[Fix]:
        if one.number == len(self.vehicles) - 1:
            end_s = min(end_s, self._silent_from_s)
        for at_s, spot, is_driving in _track(one, self._day_s, visits):
            if self._told_s <= at_s < end_s:
                yield Fix(
                    one.vehicle_id,
                    round(spot.lat, 6),
                    round(spot.lon, 6),
                    eat(at_s).isoformat(),
                    speed_km_per_h=25 if is_driving else 0,
                    ignition=is_driving,
                )

    def _visits(self, day_s: int) -> dict[int, list[Visit]]:
        """Who was where on this day, by the vehicle's number."""
        wished: dict[int, list[Visit]] = {}
        for changes in self._changes:
            for ticket, step in changes.until(day_s + DAY_S - 1):
                closed_s = step.closed_s
                if step.is_alarm or closed_s is None or not day_s <= closed_s < day_s + DAY_S:
                    continue
                number = _vehicle_of(ticket)
                if number is not None and step.status.raw != _REMOTE:
                    stayed_s = 1200 + ticket.draws.visit % 2700
                    visit = Visit(closed_s - stayed_s, closed_s + ticket.draws.night % 600, spot_of(ticket))
                    wished.setdefault(number, []).append(visit)
        return {number: _drivable(self.vehicles[number - 1], day_s, found) for number, found in wished.items()}


@cache
def vehicles() -> tuple[Vehicle, ...]:
    """Two a crew, at home in one of the crew's clusters."""
    crews = [crew for names in CREWS.values() for crew in names]
    homes = {crew: [_centre(one) for one in CLUSTERS if crew in teams(one)] for crew in crews}
    return tuple(
        Vehicle(number, crew, homes[crew][place % len(homes[crew])] if homes[crew] else _centre(CLUSTERS[0]))
        for number, (crew, place) in enumerate(
            ((crew, place) for crew in crews for place in range(_VEHICLES_A_CREW)), start=1
        )
    )


def spot_of(ticket: Ticket) -> Spot:
    """Where the customer lives: in the place that the name names, up to 200 metres from its middle."""
    middle = _named(ticket.cluster, ticket.location_name)
    north_m, east_m = ticket.draws.service % 400 - 200, ticket.draws.notes % 400 - 200
    return Spot(middle.lat + north_m / _METRES_PER_DEGREE, middle.lon + east_m / _METRES_PER_DEGREE)


@cache
def _named(cluster: Cluster, name: str) -> Spot:
    words = name.upper().replace("_", " ")
    for place in sorted(cluster.places, key=len, reverse=True):
        found = by_key().get(key(place))
        if place in words and found is not None:
            return Spot(found.point.lat, found.point.lon)
    return _centre(cluster)


@cache
def _centre(cluster: Cluster) -> Spot:
    for name in (cluster.name, *cluster.places):
        found = by_key().get(key(name))
        if found is not None:
            return Spot(found.point.lat, found.point.lon)
    raise LookupError(f"the embedded gazetteer knows no place of {cluster.name}")


@cache
def _numbers(crew: str) -> tuple[int, ...]:
    return tuple(one.number for one in vehicles() if one.crew == crew)


def _vehicle_of(ticket: Ticket) -> int | None:
    crew = crew_of(ticket)
    numbers = _numbers(crew) if crew else ()
    return numbers[ticket.draws.hold % len(numbers)] if numbers else None


def _drivable(one: Vehicle, day_s: int, wished: Sequence[Visit]) -> list[Visit]:
    """The visits of a day that one vehicle can make, the earlier ones first."""
    free_s, spot = day_s + _DEPARTURE_S, one.home
    found = []
    for visit in sorted(wished):
        if visit.arrives_s >= free_s + _driving_s(spot, visit.spot) and visit.leaves_s < day_s + _RETURN_S:
            found.append(visit)
            free_s, spot = visit.leaves_s, visit.spot
    return found


def _track(one: Vehicle, day_s: int, visits: Sequence[Visit]) -> Iterator[tuple[int, Spot, bool]]:
    """(instant, where, whether it drives) over a day: the night at home, then stay after stay, and home again."""
    home_from_s = day_s + _RETURN_S
    if visits:
        home_from_s = max(home_from_s, visits[-1].leaves_s + _driving_s(visits[-1].spot, one.home))
    leaves_s = visits[0].arrives_s - _driving_s(one.home, visits[0].spot) if visits else day_s + _RETURN_S
    stays = [Visit(day_s, leaves_s, one.home), *visits, Visit(home_from_s, day_s + DAY_S, one.home)]
    for number, stay in enumerate(stays):
        every_s = _NIGHT_EVERY_S if stay.spot == one.home else _PARKED_EVERY_S
        for at_s in dict.fromkeys((*range(stay.arrives_s, stay.leaves_s, every_s), stay.leaves_s - 1)):
            yield at_s, stay.spot, False
        if number + 1 < len(stays):
            yield from _drive(stay, stays[number + 1])


def _drive(stay: Visit, following: Visit) -> Iterator[tuple[int, Spot, bool]]:
    """Along one street to the corner, a wait there until it is time, and along the other street."""
    half_s = _driving_s(stay.spot, following.spot) // 2
    corner = Spot(stay.spot.lat, following.spot.lon)
    corner_s, goes_s = stay.leaves_s + half_s, following.arrives_s - half_s
    yield from _along(stay.spot, corner, stay.leaves_s, corner_s)
    for at_s in range(corner_s, goes_s, _PARKED_EVERY_S):
        yield at_s, corner, False
    yield from _along(corner, following.spot, max(goes_s, corner_s), following.arrives_s)


def _along(a: Spot, b: Spot, begins_s: int, ends_s: int) -> Iterator[tuple[int, Spot, bool]]:
    for at_s in range(begins_s + _DRIVING_EVERY_S, ends_s, _DRIVING_EVERY_S):
        share = (at_s - begins_s) / (ends_s - begins_s)
        yield at_s, Spot(a.lat + (b.lat - a.lat) * share, a.lon + (b.lon - a.lon) * share), True


def _driving_s(a: Spot, b: Spot) -> int:
    across_m = (a.lon - b.lon) * _METRES_PER_DEGREE * cos(radians(a.lat))
    return 60 + round(hypot(across_m, (a.lat - b.lat) * _METRES_PER_DEGREE) * _DETOUR / _SPEED_M_PER_S)


def _midnight(instant_s: int) -> int:
    return (instant_s + EAT_OFFSET_S) // DAY_S * DAY_S - EAT_OFFSET_S
