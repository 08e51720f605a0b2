"""Driving times of a road router, asked in blocks below its size limit and kept, so that a pair is asked once.

OSRM's table service takes 100 places a request unless told otherwise, Valhalla's matrix 50 x 50. A router that is
away, or says what no road can be, does not stop a plan: straight lines stand in, and the plan says so.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from fleettickets.db import statement
from fleettickets.dispatch.problem import points, triage
from fleettickets.dispatch.travel import StraightLine, Table
from fleettickets.errors import UpstreamError, UsageError
from fleettickets.outbound import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from fleettickets.db import Connection
    from fleettickets.dispatch.model import Instance
    from fleettickets.dispatch.travel import Travel
    from fleettickets.outbound import Reply

    Place = tuple[float, float]
    Cell = tuple[int, int] | None

_BLOCK: Final = 50
_MOST_PLACES: Final = 1_500
_TIMEOUT_S: Final = 10.0
_LONGEST_S: Final = 48 * 3600
_MOST_ASKING_S: Final = 45.0
_REMEMBER: Final = statement(Path(__file__).parent, "remember_road")
_ASK_AGAIN: Final = timedelta(days=1)
"""What a router did not know today, it may know tomorrow."""


class Router(Protocol):
    """Asks a router for one block."""

    @property
    def name(self) -> str:
        """As it is remembered and shown."""

    def block(self, origins: Sequence[Place], targets: Sequence[Place]) -> list[list[Cell]]:
        """(seconds, metres) from each origin to each target; None where the router knows no way."""


@dataclass(frozen=True, slots=True)
class Osrm:
    """OSRM's table service."""

    base_url: str
    client: Client
    name: str = "osrm"

    def block(self, origins: Sequence[Place], targets: Sequence[Place]) -> list[list[Cell]]:
        """One request; durations and distances."""
        places = ";".join(f"{lon:.6f},{lat:.6f}" for lat, lon in (*origins, *targets))
        sources = ";".join(map(str, range(len(origins))))
        destinations = ";".join(map(str, range(len(origins), len(origins) + len(targets))))
        answer = _told(
            self.client.get(
                f"{self.base_url.rstrip('/')}/table/v1/driving/{places}"
                f"?sources={sources}&destinations={destinations}&annotations=duration,distance"
            )
        )
        if answer.get("code") != "Ok":
            raise UpstreamError(
                f"osrm answered {answer.get('code')!r}: is FLEETTICKETS_ROUTER_URL an OSRM of this area?"
            )
        return [
            [_road(seconds, metres) for seconds, metres in zip(*rows, strict=True)]
            for rows in zip(answer["durations"], answer["distances"], strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Valhalla:
    """Valhalla's matrix service."""

    base_url: str
    client: Client
    name: str = "valhalla"

    def block(self, origins: Sequence[Place], targets: Sequence[Place]) -> list[list[Cell]]:
        """One request; times in seconds, distances in kilometres."""
        question = {
            "sources": [{"lat": lat, "lon": lon} for lat, lon in origins],
            "targets": [{"lat": lat, "lon": lon} for lat, lon in targets],
            "costing": "auto",
            "units": "kilometers",
        }
        answer = _told(self.client.post_json(f"{self.base_url.rstrip('/')}/sources_to_targets", question))
        return [
            [_road(cell.get("time"), _metres(cell.get("distance"))) for cell in row]
            for row in answer["sources_to_targets"]
        ]


@dataclass(frozen=True, slots=True)
class Roads:
    """A router with its memory in the database."""

    router: Router
    now: datetime
    clock: Callable[[], float] = time.monotonic

    def travel(self, connection: Connection, instance: Instance) -> Travel:
        """Travel over the places of an instance; straight lines where the router does not answer (in time)."""
        places, straight = _places(instance)
        distinct = list(dict.fromkeys(places))
        if len(distinct) > _MOST_PLACES:
            return _named(straight, f"{len(distinct):,} places are too many for {self.router.name}")
        roads = _remembered(connection, self.router.name, distinct, self.now - _ASK_AGAIN)
        if any(_blocks(distinct, roads)):
            # One planner asks at a time: the next one finds the answers, and neither waits for a row of the other.
            connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('fleettickets:roads', 0))")
            roads = _remembered(connection, self.router.name, distinct, self.now - _ASK_AGAIN)
            try:
                self._ask_for(connection, distinct, roads)
            except UpstreamError as error:
                return _named(straight, str(error))
        return _table(places, roads, straight, self.router.name)

    def _ask_for(self, connection: Connection, places: Sequence[Place], roads: dict[tuple[Place, Place], Cell]) -> None:
        """Ask for what is not known yet, as long as a person waits for a plan."""
        ends_at = self.clock() + _MOST_ASKING_S
        for origins, targets in _blocks(places, roads):
            if self.clock() > ends_at:
                return
            found = {
                (origin, target): road
                for origin, row in zip(origins, self._block(origins, targets), strict=True)
                for target, road in zip(targets, row, strict=True)
            }
            roads.update(found)
            with connection.cursor() as cursor:
                cursor.executemany(
                    _REMEMBER,
                    [
                        (self.router.name, _key(origin), _key(target), *(road or (None, None)), self.now)
                        for (origin, target), road in found.items()
                    ],
                )

    def _block(self, origins: Sequence[Place], targets: Sequence[Place]) -> list[list[Cell]]:
        try:
            block = self.router.block(origins, targets)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UpstreamError(f"{self.router.name} answered in another shape than it documents") from error
        if [len(row) for row in block] != [len(targets)] * len(origins):
            raise UpstreamError(f"{self.router.name} answered with a table of another size")
        return block


def remembered(connection: Connection, instance: Instance, source: str) -> Travel:
    """The travel of a plan whose `travel_source` names a router: what the router said of it, without asking again."""
    places, straight = _places(instance)
    name = source.partition(";")[0]
    return _table(places, _remembered(connection, name, list(dict.fromkeys(places))), straight, name)


def roads_of(router: str | None, base_url: str | None, now: datetime, timeout_s: float = _TIMEOUT_S) -> Roads | None:
    """The configured router; None when none is."""
    if router is None:
        return None
    if router not in ("osrm", "valhalla"):
        raise UsageError(f"FLEETTICKETS_ROUTER is {router!r}: set it to osrm or valhalla, or leave it out")
    if not base_url or not base_url.startswith(("http://", "https://")):
        raise UsageError(f"FLEETTICKETS_ROUTER is {router}: set FLEETTICKETS_ROUTER_URL to its http(s) address")
    client = Client(timeout_s=timeout_s)
    return Roads(Osrm(base_url, client) if router == "osrm" else Valhalla(base_url, client), now)


def _told(reply: Reply) -> dict[str, Any]:
    """The router's document; an UpstreamError with the reason when there is none."""
    if reply.status not in {None, 200}:
        raise UpstreamError(f"the router answered {reply.status}")
    if not isinstance(reply.document, dict):
        raise UpstreamError(f"the router did not answer ({reply.problem or 'something that is no object'})")
    return reply.document


def _road(seconds: object, metres: object) -> Cell:
    """What the router said, when it can be true."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not isinstance(metres, int | float):
        return None
    if not (0 <= seconds <= _LONGEST_S and 0 <= metres <= _LONGEST_S * 60):
        return None
    return round(seconds), round(metres)


def _metres(kilometres: object) -> float | None:
    return kilometres * 1000 if isinstance(kilometres, int | float) else None


def _blocks(
    places: Sequence[Place], known: dict[tuple[Place, Place], Cell]
) -> Iterator[tuple[Sequence[Place], Sequence[Place]]]:
    """Blocks of the table in which a pair is not known yet."""
    chunks = [places[at : at + _BLOCK] for at in range(0, len(places), _BLOCK)]
    for origins in chunks:
        for targets in chunks:
            if any((one, other) not in known for one in origins for other in targets if one != other):
                yield origins, targets


def _places(instance: Instance) -> tuple[list[Place], StraightLine]:
    """The places of an instance as they are remembered, and straight lines between them."""
    jobs, vehicles, _ = triage(instance)
    there = points(jobs, vehicles)
    policy = instance.policy
    straight = StraightLine.between(there, policy.detour, policy.speed_km_per_h)
    return [(round(lat, 4), round(lon, 4)) for lat, lon in there], straight


def _remembered(
    connection: Connection, router: str, places: Sequence[Place], unknown_since: datetime | None = None
) -> dict[tuple[Place, Place], Cell]:
    """What the router said, and since when it knew no way."""
    keys = {_key(place): place for place in places}
    rows = connection.execute(
        "SELECT from_place, to_place, duration_s, distance_m FROM dispatch.road "
        "WHERE router = %s AND from_place = ANY (%s) AND to_place = ANY (%s) "
        "AND (duration_s IS NOT NULL OR asked_at > %s)",
        [router, list(keys), list(keys), unknown_since],
    ).fetchall()
    return {
        (keys[origin], keys[target]): None if seconds is None else (seconds, metres)
        for origin, target, seconds, metres in rows
    }


def _table(
    places: Sequence[Place], roads: dict[tuple[Place, Place], Cell], straight: StraightLine, name: str
) -> Travel:
    estimated = 0
    durations, distances = [], []
    for a, origin in enumerate(places):
        seconds_row, metres_row = [], []
        for b, target in enumerate(places):
            road = (0, 0) if origin == target else roads.get((origin, target))
            if road is None:
                estimated += 1
                road = straight.seconds(a, b), straight.metres(a, b)
            seconds_row.append(road[0])
            metres_row.append(road[1])
        durations.append(seconds_row)
        distances.append(metres_row)
    source = name if not estimated else f"{name}; {estimated} of {len(places) ** 2} pairs by {straight.source}"
    return Table(durations, distances, source)


def _named(straight: StraightLine, why: str) -> Travel:
    return StraightLine(straight.xs, straight.ys, straight.detour, straight.speed_m_per_s, because=why)


def _key(place: Place) -> str:
    return f"{place[0]:.4f},{place[1]:.4f}"
