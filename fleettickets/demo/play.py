"""The demo's story: servers, schema, forty days of exports, two drains, and the same numbers from both ends."""

from __future__ import annotations

import contextlib
import time
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from fleettickets import db
from fleettickets.datasets import DATASETS
from fleettickets.demo import export, stack, website
from fleettickets.demo.fleet import SOURCE, Fleet
from fleettickets.demo.plan import Plan, eat
from fleettickets.dispatch.positions.fix import record
from fleettickets.errors import FleetticketsError
from fleettickets.geocode.asking import Terms
from fleettickets.geocode.clusters import geocode_clusters
from fleettickets.geocode.embedded import Gazetteer
from fleettickets.geocode.locations import geocode_locations
from fleettickets.geocode.run import Order as Geocode
from fleettickets.geocode.run import wall_clock
from fleettickets.migrate import migrate
from fleettickets.pipeline import Order, ingest
from fleettickets.source.bucket import Bucket, open_bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from fleettickets.demo.count import Count
    from fleettickets.demo.stack import Stack
    from fleettickets.geocode.provider import Provider
    from fleettickets.geocode.report import GeocodeReport
    from fleettickets.pipeline import Watcher

    Follow = Callable[[str], AbstractContextManager[Watcher]]
    from fleettickets.report import RunReport

_FILES_A_TRANSACTION: Final = 48
_LIVE_STEP_MINUTES: Final = 60
_DRIVEN: Final = timedelta(days=6)
_SCORED_LIVE: Final = timedelta(days=3)
"""Content is two days late: what a delta tells was driven two days ago."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One number as the simulator counted it and as the database answers it."""

    what: str
    written: int
    found: int


@dataclass(slots=True)
class Demo:
    """A private playground below `home` and what happened in it."""

    home: Path
    now: datetime
    rows: int
    days: int
    seed: int
    say: Callable[[str], None]
    running: Stack | None = None
    fleet: Fleet | None = None
    steps: list[tuple[str, float]] = field(default_factory=list)

    def start(self) -> None:
        """Start empty servers and bring the schema up; what an earlier demo left in `home` is removed."""
        with self._step("private PostgreSQL + PostGIS and S3 server"):
            self.remove()
            self.running = stack.up(self.home)
        with self._step("schema"), self.connect() as connection:
            migrate(connection)

    def export(self, follow: Follow) -> dict[str, Count]:
        """Let the simulator write its files into the bucket; what it counts in them, a dataset each."""
        counts = {}
        for plan in self.plans():
            step = f"export {plan.dataset.name}: {plan.rows:,} rows and {plan.days} days of deltas"
            with self._step(step), follow(step) as watcher:
                bucket = self.bucket()
                watcher.started(plan.deltas + 1)
                export.upload(export.files(plan), bucket.client, bucket.name, progress=_settling(watcher))
                counts[plan.dataset.name] = export.count(export.files(plan))
        return counts

    def drain(self, follow: Follow, *, again: bool = False) -> list[RunReport]:
        """Ingest both datasets; a run that does not end well is an error."""
        reports = []
        for dataset in DATASETS.values():
            order = Order(dataset, "demo", apply=True, max_files_per_tx=_FILES_A_TRANSACTION)
            step = f"ingest {dataset.name}{' again' if again else ''}"
            with self._step(step), follow(step) as watcher:
                report = ingest(order, self.bucket(), self.connect, self.now, watcher)
            if report.exit_code:
                raise FleetticketsError(f"the demo's ingest ended with exit code {report.exit_code}: {report.error}")
            reports.append(report)
        return reports

    def geocode(self) -> list[GeocodeReport]:
        """Find points with the embedded gazetteer: no key, no network, closed tickets too."""
        providers: list[tuple[Provider, Terms]] = [(Gazetteer(), Terms(None, None))]
        order = Geocode(apply=True, closed=True)
        clock = wall_clock(self.now)
        reports = []
        for work in (geocode_clusters, geocode_locations):
            with self._step(f"{work.__name__.replace('_', ' ')} with the embedded gazetteer"):
                reports.append(work(order, providers, self.connect, clock, _unseen))
            if reports[-1].exit_code:
                raise FleetticketsError(f"the demo's geocoding ended with {reports[-1].error}")
        return reports

    def drive(self) -> None:
        """Let the crews' vehicles drive through the last days, and work out which of them closed what."""
        self.fleet = Fleet(self.plans(), self.now - _DRIVEN)
        with self._step(f"{len(self.fleet.vehicles)} vehicles on the road for {_DRIVEN.days} days"):
            with self.connect() as connection, connection.transaction():
                self.fleet.introduce(connection)
            self._drive_on(_DRIVEN)

    def _drive_on(self, scored: timedelta) -> None:
        """Positions until now, and the closures of this span before it attributed."""
        if self.fleet is None:
            return
        with self.connect() as connection, connection.transaction():
            record(connection, self.fleet.fixes(self.now), SOURCE, self.now)
            connection.execute("SELECT dispatch.find_stays(%s, %s)", [self.now - scored, self.now])
            connection.execute("SELECT dispatch.score_closures(%s, %s, %s)", [self.now - scored, self.now, self.now])

    def by_geo_source(self) -> dict[str, int]:
        """Open tickets on the map by where their point comes from."""
        with self.connect() as connection:
            return dict(_map_summary(connection)["by_geo_source"])

    def agreements(self, counts: dict[str, Count]) -> list[Agreement]:
        """The simulator's own count beside the tables and the map's read function."""
        with self.connect() as connection:
            tables = {name: _table_counts(connection, name) for name in counts}
            summary = _map_summary(connection)
        found = []
        for name, count in counts.items():
            total, is_open, alarms = tables[name]
            found.append(Agreement(f"{name} tickets", count.tickets, total))
            found.append(Agreement(f"{name} open, in the table", count.open, is_open))
            found.append(Agreement(f"{name} open, through fn_tickets_for_map", count.open, summary["by_dataset"][name]))
            found.append(Agreement(f"{name} turned alarm", count.alarm_turned, alarms))
        return found

    @contextmanager
    def website(self, port: int) -> Iterator[str]:
        """The address of the API and the web map, served while the block lasts."""
        if self.running is None or self.running.database_url is None:
            raise FleetticketsError("the demo's database does not run")
        with contextlib.ExitStack() as stack:
            with self._step("web server"):
                url = stack.enter_context(website.serving(self.running.database_url, port, self.home / "serve.log"))
            yield url

    def served(self, url: str, counts: dict[str, Count]) -> list[Agreement]:
        """The simulator's own count beside what a browser gets."""
        by_dataset = website.answer(url, "/webhook/tickets")["summary"]["by_dataset"]
        return [
            Agreement(f"{name} open, over HTTP", count.open, by_dataset.get(name, 0)) for name, count in counts.items()
        ]

    def live(self, pause_s: float, follow: Follow) -> Iterator[list[RunReport]]:
        """Without end: both exporters write the next delta, it is drained; the clock runs an hour a delta."""
        bucket = self.bucket()
        streams = [
            export.live(plan, eat(plan.newest_s) + timedelta(minutes=_LIVE_STEP_MINUTES), _LIVE_STEP_MINUTES)
            for plan in self.plans()
        ]
        for files in zip(*streams, strict=True):
            time.sleep(pause_s)
            export.upload(files, bucket.client, bucket.name)
            self.now = max(file.exported_at for file in files) + timedelta(minutes=1)
            reports = self.drain(follow)
            self._drive_on(_SCORED_LIVE)
            yield reports

    def remove(self) -> None:
        """Stop the servers and remove everything below `home`."""
        stack.remove(self.home)
        with contextlib.suppress(OSError):  # other servers of this folder live beside the demo's
            self.home.parent.rmdir()
        self.running = None

    def plans(self) -> list[Plan]:
        """What the simulator writes, a dataset each."""
        return [
            Plan(dataset, rows=self.rows, days=self.days, seed=self.seed, end=self.now) for dataset in DATASETS.values()
        ]

    def connect(self) -> db.Connection:
        """A connection to the playground's database."""
        if self.running is None or self.running.database_url is None:
            raise FleetticketsError("the demo's database does not run")
        return db.connect(self.running.database_url)

    def bucket(self) -> Bucket:
        """The playground's bucket."""
        if self.running is None or self.running.s3 is None:
            raise FleetticketsError("the demo's S3 server does not run")
        s3 = self.running.s3
        return open_bucket(s3.endpoint_url, s3.access_key, s3.secret_key, s3.bucket, s3.region)

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        took_s = time.monotonic() - began
        self.steps.append((what, took_s))
        self.say(f"{took_s:6.1f} s  {what}")


def _unseen(done: int, total: int) -> None:
    """Nobody watches: the step's line says how long it took."""


def _settling(watcher: Watcher) -> Callable[[int], None]:
    return lambda _: watcher.settled()


def disagreements(agreements: Sequence[Agreement]) -> list[Agreement]:
    """Those whose two numbers differ."""
    return [one for one in agreements if one.written != one.found]


def _table_counts(connection: db.Connection, name: str) -> tuple[Any, ...]:
    from psycopg import sql  # noqa: PLC0415  # beside its only use

    query = sql.SQL(
        "SELECT count(*), count(*) FILTER (WHERE is_actionable), "
        "count(*) FILTER (WHERE tickets.to_bool(raw ->> 'is_alarm')) FROM {}"
    ).format(sql.Identifier("tickets", name))
    return connection.execute(query).fetchone() or (0, 0, 0)


def _map_summary(connection: db.Connection) -> dict[str, Any]:
    row = connection.execute("SELECT reporting.fn_tickets_for_map() -> 'summary'").fetchone()
    return dict(row[0]) if row else {}
