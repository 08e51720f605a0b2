"""The demo's story: servers, schema, two baselines and the map; forty days in a minute; then an hour every few seconds.

One clock runs through it, the demo's: it begins at the baselines, some forty days ago, jumps with every delta, and
is what every run and every answer takes for now.
"""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from fleettickets import db
from fleettickets.datasets import DATASETS
from fleettickets.demo import agreement, scene, stack, website
from fleettickets.demo.exporter import Exporter
from fleettickets.demo.fleet import SOURCE, Fleet
from fleettickets.demo.plan import Plan
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
from fleettickets.report import RunReport
from fleettickets.source.bucket import Bucket, open_bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from fleettickets.demo.agreement import Agreement
    from fleettickets.demo.count import Count
    from fleettickets.demo.stack import Stack
    from fleettickets.geocode.provider import Provider
    from fleettickets.geocode.report import GeocodeReport
    from fleettickets.pipeline import Watcher

    Follow = Callable[[str], AbstractContextManager[Watcher]]

Answer = TypeVar("Answer")

_FILES_A_TRANSACTION: Final = 48
_DRIVEN: Final = timedelta(days=6)
_SCORED_LIVE: Final = timedelta(days=3)
"""Content is two days late: what a delta tells was driven two days ago."""
_AFTER_EXPORT: Final = timedelta(minutes=1)
_LOOK_EVERY_S: Final = 0.2
_FASTER_WHEN_BROKEN: Final = 4
"""Nobody wants to sit through six silent hours."""


@dataclass(slots=True)
class Demo:
    """A private playground below `home` and what happened in it."""

    home: Path
    present: datetime
    rows: int
    days: int
    seed: int
    say: Callable[[str], None]
    program: str = "fleettickets"
    """How to call fleettickets on this playground from another terminal."""
    now: datetime = field(init=False)
    began: datetime = field(default_factory=partial(datetime.now, UTC))
    explain: str | None = None
    running: Stack | None = None
    fleet: Fleet | None = None
    exporters: list[Exporter] = field(default_factory=list)
    reports: dict[str, RunReport] = field(default_factory=dict)
    steps: list[tuple[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = self.present

    def start(self) -> None:
        """Start empty servers and bring the schema up; what an earlier demo left in `home` is removed."""
        with self._step("private PostgreSQL + PostGIS and S3 server"):
            self.remove()
            self.running = stack.up(self.home)
        with self._step("schema"), self.connect() as connection:
            migrate(connection)

    def begin(self, follow: Follow) -> None:
        """Both baselines side by side, and a point for each cluster: enough for a map."""
        self.exporters = [Exporter(plan) for plan in self.plans()]
        step = f"baselines of {self.rows:,} rows each, written and ingested"
        with self._step(step), follow("baselines") as watcher:
            watcher.started(len(self.exporters))
            self._advance(1, _Part(watcher))
        self._find_points("points of the clusters", geocode_clusters, Geocode(apply=True))
        self._set_scene("replay")

    def replay(self, follow: Follow) -> None:
        """Points for the places of open tickets, then all deltas up to the present, while the map looks on."""
        self._find_points("points of the open tickets", geocode_locations, Geocode(apply=True))
        step = f"{self.days} days of deltas: {sum(one.plan.deltas for one in self.exporters):,} files"
        with self._step(step), follow("deltas") as watcher:
            watcher.started(sum(one.plan.deltas for one in self.exporters))
            left = max(one.plan.deltas for one in self.exporters)
            while left > 0:
                times = min(left, _FILES_A_TRANSACTION)
                self._advance(times, _Part(watcher))
                self._set_scene("replay")
                left -= times
        self._find_points("points of the closed tickets", geocode_locations, Geocode(apply=True, closed=True))

    def drive(self) -> None:
        """Let the crews' vehicles drive through the last days, and work out which of them closed what."""
        driven = min(_DRIVEN, timedelta(days=max(self.days, 1)))
        self.fleet = Fleet(self.plans(), self.now - driven)
        with self._step(f"{len(self.fleet.vehicles)} vehicles on the road, {driven.days} days"):
            with self.connect() as connection, connection.transaction():
                self.fleet.introduce(connection)
            self._drive_on()
            self._attribute(driven)

    def drain(self, follow: Follow) -> list[RunReport]:
        """Ingest both datasets, side by side; a run that does not end well is an error."""

        def one(exporter: Exporter) -> RunReport:
            return self._ingest(exporter, watcher)

        with follow("ingest") as watcher:
            return _side_by_side(one, self.exporters)

    def check(self, url: str) -> list[Agreement]:
        """The simulator's own count beside what tables, map function and web server say."""
        counts = self.counts()
        by_dataset = website.answer(url, "/webhook/tickets")["summary"]["by_dataset"]
        with self.connect() as connection:
            return agreement.compare(connection, counts, by_dataset)

    def counts(self) -> dict[str, Count]:
        """What the simulator wrote so far, a dataset each."""
        return {one.plan.dataset.name: one.count() for one in self.exporters}

    def by_geo_source(self) -> dict[str, int]:
        """Open tickets on the map by where their point comes from."""
        with self.connect() as connection:
            return dict(agreement.map_summary(connection)["by_geo_source"])

    @contextmanager
    def website(self, port: int) -> Iterator[str]:
        """The address of the API and the web map, served while the block lasts."""
        if self.running is None or self.running.database_url is None:
            raise FleetticketsError("the demo's database does not run")
        with contextlib.ExitStack() as stack:
            with self._step("web server"):
                url = stack.enter_context(website.serving(self.running.database_url, port, self.home))
            yield url

    def live(self, pause_s: float, follow: Follow) -> Iterator[list[RunReport]]:
        """Without end: the clock runs an hour, both exporters write a delta, it is drained.

        While the feed is broken the exports wait at the exporter and the runs find nothing; mended, all come at once.
        """
        self._set_scene("live")
        while True:
            is_broken = self._pause(pause_s)
            newest = [one.run() for one in self.exporters]
            if not is_broken:
                self._deliver()
            self.now = max(newest) + _AFTER_EXPORT
            reports = self.drain(follow)
            self._drive_on()
            # The clock jumps when the positions are there: no vehicle is an hour old for a moment.
            self._set_scene("live")
            self._attribute(_SCORED_LIVE)
            yield reports

    def remove(self) -> None:
        """Stop the servers and remove everything below `home`."""
        stack.remove(self.home)
        self.running = None

    def plans(self) -> list[Plan]:
        """What the simulator writes until the present, a dataset each."""
        return [
            Plan(dataset, rows=self.rows, days=self.days, seed=self.seed, end=self.present)
            for dataset in DATASETS.values()
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

    def _advance(self, times: int, watcher: Watcher) -> None:
        """Both exporters run so many times, side by side, and what they wrote is drained."""

        def one(exporter: Exporter) -> datetime:
            newest = exporter.run(times)
            exporter.deliver(self.bucket())
            self._ingest(exporter, watcher, newest + _AFTER_EXPORT)
            return newest

        self.now = max(_side_by_side(one, self.exporters)) + _AFTER_EXPORT

    def _ingest(self, exporter: Exporter, watcher: Watcher, now: datetime | None = None) -> RunReport:
        dataset = exporter.plan.dataset
        order = Order(dataset, "demo", apply=True, max_files_per_tx=_FILES_A_TRANSACTION)
        report = ingest(order, self.bucket(), self.connect, now or self.now, watcher)
        if report.exit_code:
            raise FleetticketsError(f"the demo's ingest ended with exit code {report.exit_code}: {report.error}")
        self._date_run(dataset.name, now or self.now)
        self.reports.setdefault(dataset.name, RunReport(dataset.name, applied=True)).follow(report)
        return report

    def _date_run(self, name: str, now: datetime) -> None:
        """The engine dates a run's end by the database's clock; here the demo's counts."""
        with self.connect() as connection, connection.transaction():
            connection.execute(
                "WITH run AS (UPDATE tickets.runs SET started_at = %(now)s, finished_at = %(now)s "
                "WHERE run_id = (SELECT max(run_id) FROM tickets.runs WHERE dataset = %(name)s) RETURNING dataset) "
                "SELECT pg_notify('fleettickets', 'run:' || dataset) FROM run",
                {"now": now, "name": name},
            )

    def _find_points(self, what: str, geocode: Callable[..., GeocodeReport], order: Geocode) -> None:
        """Ask the embedded gazetteer: no key, no network."""
        providers: list[tuple[Provider, Terms]] = [(Gazetteer(), Terms(None, None))]
        with self._step(f"{what}, from the embedded gazetteer"):
            report = geocode(order, providers, self.connect, wall_clock(self.now), _unseen)
        if report.exit_code:
            raise FleetticketsError(f"the demo's geocoding ended with {report.error}")

    def _drive_on(self) -> None:
        """Positions until now."""
        if self.fleet is not None:
            with self.connect() as connection, connection.transaction():
                record(connection, self.fleet.fixes(self.now), SOURCE, self.now)

    def _attribute(self, scored: timedelta) -> None:
        """Say which vehicle closed what in this span before now."""
        with self.connect() as connection, connection.transaction():
            connection.execute("SELECT dispatch.find_stays(%s, %s)", [self.now - scored, self.now])
            connection.execute("SELECT dispatch.score_closures(%s, %s, %s)", [self.now - scored, self.now, self.now])

    def _deliver(self) -> None:
        bucket = self.bucket()
        for one in self.exporters:
            one.deliver(bucket)

    def _pause(self, pause_s: float) -> bool:
        """Wait for the next delta; whether the feed is broken. A mended feed delivers at once."""
        began_s, was_broken = time.monotonic(), scene.is_broken(self.home)
        while True:
            is_broken = scene.is_broken(self.home)
            if was_broken and not is_broken:
                return False
            was_broken = is_broken
            if time.monotonic() - began_s >= (pause_s / _FASTER_WHEN_BROKEN if is_broken else pause_s):
                return is_broken
            time.sleep(min(_LOOK_EVERY_S, pause_s))

    def _set_scene(self, phase: str) -> None:
        with self.connect() as connection:
            row = connection.execute(
                "SELECT ticket_id FROM tickets.inc WHERE is_actionable AND created_at_service IS NOT NULL "
                "ORDER BY created_at_service, ticket_id LIMIT 1"
            ).fetchone()
        self.explain = f"{self.program} sla explain {row[0]} --at {self.now:%Y-%m-%dT%H:%M%z}" if row else None
        scene.tell(self.home, scene.Scene(self.began, self.now, phase, self.explain))

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        took_s = time.monotonic() - began
        self.steps.append((what, took_s))
        self.say(f"{took_s:6.1f} s  {what}")


class _Part:
    """A run's part of a longer way, whose number of files is known already."""

    def __init__(self, whole: Watcher) -> None:
        self.rows, self.settled = whole.rows, whole.settled

    def started(self, files: int) -> None:
        """The whole has begun before."""


def _side_by_side(work: Callable[[Exporter], Answer], items: Sequence[Exporter]) -> list[Answer]:
    """The answers, each worked out in a thread of its own; whoever is interrupted does not wait for the others."""
    pool = ThreadPoolExecutor(len(items))
    try:
        return list(pool.map(work, items))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _unseen(done: int, total: int) -> None:
    """Nobody watches: the step's line says how long it took."""
