"""Driving times of a road router, asked in blocks below its size limit and kept, so that a pair is asked once.

OSRM's table service takes 100 places a request unless told otherwise, Valhalla's matrix 50 x 50. A router that is
away, or says what no road can be, does not stop a plan: straight lines stand in, and the plan says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import urllib3

from fleettickets.dispatch.problem import points, triage
from fleettickets.dispatch.travel import StraightLine, Table
from fleettickets.errors import UpstreamError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from fleettickets.db import Connection
    from fleettickets.dispatch.model import Instance
    from fleettickets.dispatch.travel import Travel

    Place = tuple[float, float]
    Road = tuple[int, int]

_BLOCK: Final = 50
_MOST_PLACES: Final = 1_500
_TIMEOUT_S: Final = 10.0
_LONGEST_S: Final = 48 * 3600


class Router(Protocol):
    """Asks a router for one block."""

    @property
    def name(self) -> str:
        """As it is remembered and shown."""

    def block(self, origins: Sequence[Place], targets: Sequence[Place]) -> list[list[Road | None]]:
        """(seconds, metres) from each origin to each target; None where the router knows no way."""


@dataclass(frozen=True, slots=True)
class Osrm:
    """OSRM's table service."""

    base_url: str
    name: str = "osrm"

    def block(self, origins: Sequence[Place], targets: Sequence[Place]) -> list[list[Road | None]]:
        """One request; durations and distances."""
        places = ";".join(f"{lon:.6f},{lat:.6f}" for lat, lon in (*origins, *targets))
        sources = ";".join(map(str, range(len(origins))))
        destinations = ";".join(map(str, range(len(origins), len(origins) + len(targets))))
        answer = _ask(
            "GET",
            f"{self.base_url.rstrip('/')}/table/v1/driving/{places}"
            f"?sources={sources}&destinations={destinations}&annotations=duration,distance",
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
    name: str = "valhalla"

    def block(self, origins: Sequence[Place], targets: Sequence[Place]) -> list[list[Road | None]]:
        """One request; times in seconds, distances in kilometres."""
        question = {
            "sources": [{"lat": lat, "lon": lon} for lat, lon in origins],
            "targets": [{"lat": lat, "lon": lon} for lat, lon in targets],
            "costing": "auto",
            "units": "kilometers",
        }
        answer = _ask("POST", f"{self.base_url.rstrip('/')}/sources_to_targets", question)
        return [
            [_road(cell.get("time"), _metres(cell.get("distance"))) for cell in row]
            for row in answer["sources_to_targets"]
        ]


@dataclass(frozen=True, slots=True)
class Roads:
    """A router with its memory in the database."""

    router: Router
    now: datetime

    def travel(self, connection: Connection, instance: Instance) -> Travel:
        """Travel over the places of an instance; straight lines where the router does not answer."""
        jobs, vehicles, _ = triage(instance)
        places = [(round(lat, 4), round(lon, 4)) for lat, lon in points(jobs, vehicles)]
        policy = instance.policy
        straight = StraightLine.between(points(jobs, vehicles), policy.detour, policy.speed_km_per_h)
        distinct = list(dict.fromkeys(places))
        if len(distinct) > _MOST_PLACES:
            return _named(straight, f"{len(distinct):,} places are too many for {self.router.name}")
        roads = self._remembered(connection, distinct)
        try:
            for origins, targets in _blocks(distinct, roads):
                self._keep(connection, origins, targets, self._block(origins, targets), roads)
        except UpstreamError as error:
            return _named(straight, str(error))
        return _table(places, roads, straight, self.router.name)

    def _block(self, origins: Sequence[Place], targets: Sequence[Place]) -> list[list[Road | None]]:
        try:
            block = self.router.block(origins, targets)
        except (KeyError, TypeError, ValueError) as error:
            raise UpstreamError(f"{self.router.name} answered in another shape than it documents") from error
        if [len(row) for row in block] != [len(targets)] * len(origins):
            raise UpstreamError(f"{self.router.name} answered with a table of another size")
        return block

    def _remembered(self, connection: Connection, places: Sequence[Place]) -> dict[tuple[Place, Place], Road]:
        keys = {_key(place): place for place in places}
        rows = connection.execute(
            "SELECT from_place, to_place, duration_s, distance_m FROM dispatch.road "
            "WHERE router = %s AND from_place = ANY (%s) AND to_place = ANY (%s)",
            [self.router.name, list(keys), list(keys)],
        ).fetchall()
        return {(keys[origin], keys[target]): (seconds, metres) for origin, target, seconds, metres in rows}

    def _keep(
        self,
        connection: Connection,
        origins: Sequence[Place],
        targets: Sequence[Place],
        block: Sequence[Sequence[Road | None]],
        roads: dict[tuple[Place, Place], Road],
    ) -> None:
        with connection.cursor() as cursor:
            for origin, row in zip(origins, block, strict=True):
                known = [(target, road) for target, road in zip(targets, row, strict=True) if road is not None]
                roads.update({(origin, target): road for target, road in known})
                cursor.executemany(
                    "INSERT INTO dispatch.road (router, from_place, to_place, duration_s, distance_m, asked_at) "
                    "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    [(self.router.name, _key(origin), _key(target), *road, self.now) for target, road in known],
                )


def roads_of(router: str | None, base_url: str | None, now: datetime) -> Roads | None:
    """The configured router; None when none is."""
    if router is None:
        return None
    if router not in ("osrm", "valhalla"):
        raise UsageError(f"FLEETTICKETS_ROUTER is {router!r}: set it to osrm or valhalla, or leave it out")
    if not base_url or not base_url.startswith(("http://", "https://")):
        raise UsageError(f"FLEETTICKETS_ROUTER is {router}: set FLEETTICKETS_ROUTER_URL to its http(s) address")
    return Roads(Osrm(base_url) if router == "osrm" else Valhalla(base_url), now)


def _ask(method: str, url: str, question: dict[str, Any] | None = None) -> dict[str, Any]:
    try:
        answer = urllib3.request(method, url, json=question, timeout=_TIMEOUT_S, retries=False, redirect=False)
        told = json.loads(answer.data)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise UpstreamError(f"the router did not answer ({type(error).__name__})") from error
    except ValueError as error:
        raise UpstreamError("the router did not answer in JSON") from error
    if answer.status != 200 or not isinstance(told, dict):  # noqa: PLR2004  # HTTP's number for success
        raise UpstreamError(f"the router answered {answer.status}")
    return told


def _road(seconds: object, metres: object) -> Road | None:
    """What the router said, when it can be true."""
    if not isinstance(seconds, int | float) or not isinstance(metres, int | float):
        return None
    if not (0 <= seconds <= _LONGEST_S and 0 <= metres <= _LONGEST_S * 60):
        return None
    return round(seconds), round(metres)


def _metres(kilometres: object) -> float | None:
    return kilometres * 1000 if isinstance(kilometres, int | float) else None


def _blocks(
    places: Sequence[Place], known: dict[tuple[Place, Place], Road]
) -> Iterator[tuple[Sequence[Place], Sequence[Place]]]:
    """Blocks of the table in which a pair is not known yet."""
    chunks = [places[at : at + _BLOCK] for at in range(0, len(places), _BLOCK)]
    for origins in chunks:
        for targets in chunks:
            if any((one, other) not in known for one in origins for other in targets if one != other):
                yield origins, targets


def _table(
    places: Sequence[Place], roads: dict[tuple[Place, Place], Road], straight: StraightLine, name: str
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
