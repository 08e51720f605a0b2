"""What the runs over clusters and over names share: the lock, the world as it stands, the way to ask and to write."""

from __future__ import annotations

import hashlib
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.types.json import Jsonb

from fleettickets import __version__
from fleettickets.db import statement
from fleettickets.errors import BusyError, FleetticketsError, UpstreamError, UsageError
from fleettickets.geocode import names, rules
from fleettickets.geocode.asking import Asker
from fleettickets.geocode.books import Ledger
from fleettickets.geocode.clock import WallClock
from fleettickets.geocode.places import Box, Cluster, Point, key_of

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from fleettickets.db import Connection
    from fleettickets.geocode.asking import Terms
    from fleettickets.geocode.books import Books
    from fleettickets.geocode.clock import Clock
    from fleettickets.geocode.provider import Provider
    from fleettickets.geocode.rules import Rules

FOLDER: Final = Path(__file__).parent
NEGATIVE_DAYS: Final = (30, 90, 180)
LONGEST_UNWRITTEN_S: Final = 5.0
"""How long decisions wait for their commit; lost, they are made again from kept answers."""

_SOFT_FACTOR: Final = 1.5
_LEAST_SOFT_M, _MOST_SOFT_M = 6_000.0, 12_000.0


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: for which datasets, how much of the budget, for real or not."""

    datasets: tuple[str, ...] = ("inc", "crq")
    apply: bool = False
    budget: int | None = None
    closed: bool = False
    fallback_on_empty: bool = False


@dataclass(frozen=True, slots=True)
class ClusterFact:
    """One cluster of the tickets and its row in the gazetteer."""

    name: str
    region: str | None
    tickets: int
    open: int
    centre: Point | None
    p95_m: float | None
    suspect: bool
    verified: bool
    origin: str | None
    status: str | None
    norm_version: str | None
    next_try_at: datetime | None
    attempts: int


@dataclass(frozen=True, slots=True)
class World:
    """What is known before a run: the rules of names, the areas, the clusters, the version of all that."""

    rules: Rules
    version: str
    areas: dict[str, Box]
    facts: list[ClusterFact]

    @property
    def box(self) -> Box:
        """The box around every operating area: what providers are asked for."""
        boxes = list(self.areas.values())
        whole = boxes[0]
        for box in boxes[1:]:
            whole = whole.around(box)
        return whole

    def area(self, region: str | None) -> Box:
        """The operating area of a region."""
        return self.areas.get((region or "").strip().lower()) or self.areas[""]

    def clusters(self) -> dict[str, Cluster]:
        """Every cluster as decisions see it; a point outside its operating area is none."""
        return {fact.name: self.cluster(fact) for fact in self.facts}

    def unseen(self, name: str) -> Cluster:
        """A cluster nobody knows anything about."""
        return Cluster(name, None, soft_m(None), self.area(None), names=self._names(name))

    def cluster(self, fact: ClusterFact) -> Cluster:
        """One cluster as decisions see it."""
        area = self.area(fact.region)
        usable = fact.centre is not None and (fact.verified or area.holds(fact.centre))
        return Cluster(
            fact.name,
            fact.centre if usable else None,
            soft_m(fact.p95_m),
            area,
            suspect=fact.suspect and not fact.verified,
            names=self._names(fact.name),
        )

    def _names(self, cluster: str) -> frozenset[str]:
        return frozenset({key_of(cluster), key_of(" ".join(names.home_of(cluster, self.rules)))})


def soft_m(p95_m: float | None) -> float:
    """How far a cluster's names usually lie from its point."""
    if p95_m is None:
        return _MOST_SOFT_M
    return min(max(_SOFT_FACTOR * p95_m, _LEAST_SOFT_M), _MOST_SOFT_M)


def read_world(connection: Connection, providers: Sequence[tuple[Provider, Terms]]) -> World:
    """Read what a run needs to know."""
    found = rules.read(connection)
    areas = {
        region: Box(west, south, east, north)
        for region, west, south, east, north in connection.execute(
            "SELECT region, west, south, east, north FROM tickets.geo_areas"
        )
    }
    if "" not in areas:
        raise UsageError("tickets.geo_areas has no row for region '': insert the operating area of all other regions")
    facts = [_fact(row) for row in connection.execute(statement(FOLDER, "cluster_facts"))]
    listed = ",".join(provider.name for provider, _ in providers)
    text = f"{__version__} {listed} {found.rows} {sorted(areas.items())}"
    return World(found, hashlib.sha256(text.encode()).hexdigest()[:16], areas, facts)


def asker(order: Order, providers: Sequence[tuple[Provider, Terms]], books: Books, clock: Clock, world: World) -> Asker:
    """One run's way to ask."""
    return Asker(providers, books, clock, world.box, order.budget, order.fallback_on_empty)


@dataclass(frozen=True, slots=True)
class Session:
    """A run's connections: one writes decisions, one keeps the books, each line for good."""

    connection: Connection
    books: Ledger


@contextmanager
def session(connect: Callable[[], Connection], *, apply: bool) -> Iterator[Session]:
    """Open them and, for a run that sends and writes, hold the one lock of geocoding."""
    with explained(), connect() as holding, connect() as connection, connect() as bookkeeping:
        for one in (holding, connection, bookkeeping):
            one.execute("SET statement_timeout = '10min'")
            one.execute("SET idle_in_transaction_session_timeout = 0")
        if apply:
            _hold(holding)
        yield Session(connection, Ledger(bookkeeping, uuid.uuid4()))


@contextmanager
def explained() -> Iterator[None]:
    """Database errors inside become sentences that say what to do."""
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedColumn):
        raise UsageError("the database schema is not up to date: run python run_migrations.py") from None
    except psycopg.OperationalError as error:
        text = " ".join(str(error.diag.message_primary or error).split())
        raise UpstreamError(f"the connection to the database was lost ({text}): run again") from error
    except psycopg.Error as error:
        text = " ".join(str(error.diag.message_primary or error).split())
        raise FleetticketsError(f"the database refused the work ({text})") from error


def wall_clock(now: datetime) -> Clock:
    """Real time, begun at `now`."""
    return WallClock(now)


def moved(connection: Connection, report_moved: Counter[str], names_: Sequence[str], clusters: Sequence[str]) -> None:
    """Move the tickets of these names and clusters to where the gazetteers now say, and count them."""
    if names_ or clusters:
        rows = connection.execute(
            "SELECT dataset, moved FROM tickets.resolve_ticket_geoms(%s::text[], %s::text[])",
            [list(names_), list(clusters)],
        )
        report_moved.update(dict(rows.fetchall()))


def as_rows(documents: Sequence[dict[str, Any]]) -> Jsonb:
    """Records as the one parameter of a set-based statement."""
    return Jsonb(list(documents), dumps=_dumps)


def stopwatch() -> Callable[[], float]:
    """Seconds since now, whenever called."""
    return partial(_since, time.monotonic())


def _since(began_s: float) -> float:
    return time.monotonic() - began_s


def _dumps(document: Any) -> str:  # noqa: ANN401  # json's signature
    import json  # noqa: PLC0415  # beside its only use

    return json.dumps(document, default=str)


def _hold(connection: Connection) -> None:
    connection.execute("BEGIN")
    row = connection.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('fleettickets:geocode', 0))").fetchone()
    if not row or not row[0]:
        raise BusyError("another geocoding run is under way: it will do the work; nothing was changed")


def _fact(row: tuple[Any, ...]) -> ClusterFact:
    name, region, tickets, open_, lat, lon, *rest = row
    return ClusterFact(name, region, tickets, open_, Point(lat, lon) if lat is not None else None, *rest)
