"""The page to read first: list -> fetch -> clean -> load (one transaction a file) -> archive.

A file version is (key, ETag, last-modified). What is listed and not settled in the ledger is pending, however
old. Its rows, its ledger row and the watermark commit together; only then is the file moved away. A crash
anywhere leaves a state from which the next run finishes the job.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Protocol

import psycopg

from fleettickets import failpoint
from fleettickets.datasets import EAT
from fleettickets.db import severed_after
from fleettickets.errors import FleetticketsError, PendingError, UpstreamError
from fleettickets.history import capture, forecast
from fleettickets.load import ledger
from fleettickets.load.explain import PASSING, STOPPING, errors_explained, explained
from fleettickets.load.stage import clear, load_file, prepare
from fleettickets.report import FileOutcome, RunReport
from fleettickets.source import names
from fleettickets.source.ahead import Archiver, Fetched, fetch_ahead, listing_in_time
from fleettickets.source.files import FileGoneError, FileNotReadError, FileUnusableError, Model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from fleettickets.datasets import Dataset
    from fleettickets.db import Connection
    from fleettickets.load.ledger import Plan
    from fleettickets.source.files import FileVersion, Source

_TRIES: Final = 3
_MOST_FAILURES_IN_A_ROW: Final = 3
_GROUP_BYTES: Final = 8 << 20
_SLOWEST_BYTES_PER_S: Final = 100_000


class Watcher(Protocol):
    """Somebody who follows a run: a progress bar, plain lines, or nobody."""

    def started(self, files: int) -> None:
        """So many files are pending."""
        ...

    def rows(self, n: int) -> None:
        """So many more rows were read."""
        ...

    def settled(self) -> None:
        """One more file has its outcome."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: the dataset and how."""

    dataset: Dataset
    command: str
    apply: bool = False
    reseed: bool = False
    model: Model = Model.CHANGES
    until: str | None = None
    max_files_per_tx: int = 1
    deadline_s: float = 60.0
    again: bool = False
    """Read settled versions once more: quarantined files, and files with rejected rows."""


def ingest(
    order: Order, source: Source, connect: Callable[[], Connection], now: datetime, watcher: Watcher
) -> RunReport:
    """Drain the stream once; the report says what happened, also when it went wrong half-way.

    Without `order.apply` everything is done in one transaction that is rolled back. Raises BusyError when
    another run holds the stream, UpstreamError or UsageError when nothing could be begun.
    """
    began = time.monotonic()
    report = RunReport(order.dataset.name, order.apply)
    listed = listing_in_time(source, order.dataset, order.model, now, order.deadline_s)
    with (
        errors_explained(),
        connect() as holding,
        ledger.hold_stream(
            holding,
            order.dataset,
            _wanted(order, listed),
            ledger.Intent(
                order.command,
                now,
                apply=order.apply,
                reseed=order.reseed,
                again=order.again,
                complete=source.archives and order.model is Model.CHANGES and order.until is None and not order.again,
            ),
            deadline_s=order.deadline_s,
        ) as plan,
    ):
        report.watermark_from = report.watermark_to = plan.watermark
        if plan.run_id is None:
            with connect() as connection:
                run = _Run(order, source, connect, connection, watcher, plan, report, now)
                run.perform(began)
    report.duration_s = time.monotonic() - began
    return report


def _wanted(order: Order, listed: Sequence[FileVersion]) -> list[FileVersion]:
    if order.model is Model.SNAPSHOTS:
        return [file for file in listed if file.problem != names.UNEXPECTED]
    if order.until is None:
        return list(listed)
    name = order.until.rpartition("/")[2]
    return [file for file in listed if file.name <= name]


@dataclass(slots=True)
class _Run:
    """One run under way."""

    order: Order
    source: Source
    connect: Callable[[], Connection]
    connection: Connection
    watcher: Watcher
    plan: Plan
    report: RunReport
    now: datetime
    archiver: Archiver = field(init=False)
    run_id: int | None = None
    last_of_days: frozenset[FileVersion] = frozenset()
    days_taken: bool = False
    failures_in_a_row: int = 0

    def __post_init__(self) -> None:
        self.archiver = Archiver(self.source, self.order.deadline_s)

    def perform(self, began: float) -> None:
        """Do the plan; errors end in the report, with the exit code that says what is left."""
        try:
            with self._bounded():
                ledger.settle_session(self.connection)
            if self.order.apply:
                with self._bounded():
                    self.run_id = ledger.start_run(self.connection, self.order.dataset, self.order.command)
                self._drain()
            else:
                with self.connection.transaction(force_rollback=True):
                    self._drain()
        except FleetticketsError as error:
            self._fail(error)
        except psycopg.Error as error:
            self._fail(explained(error))
        except KeyboardInterrupt as stop:
            self.report.exit_code = stop.args[0] if stop.args else 130
            self.report.error = "stopped by request; the file at hand was rolled back, run again to go on"
            self._leave_unfinished_command()
        self._close(began)

    def _leave_unfinished_command(self) -> None:
        """A signal may cut a command in two; such a connection takes no further one, and its end rolls back."""
        if self.connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
            self.connection.close()

    def _drain(self) -> None:
        with self._bounded():
            prepare(self.connection)
            if self.order.reseed:
                with self.connection.transaction():
                    ledger.forget(self.connection, self.order.dataset)
            if self.plan.failed_and_gone:
                ledger.supersede(self.connection, self.plan.failed_and_gone)
        for file_id, version, state in self.plan.unarchived:
            self._to_archive(file_id, version, state)
        pending = self._without_bad_names(self._newest_only(self.plan.pending))
        self.watcher.started(len(pending))
        group: list[Fetched] = []
        self.last_of_days = _last_of_days(pending)
        for fetched in fetch_ahead(self.source, pending, self.order.deadline_s):
            if fetched.body is None:
                self._flush(group)
                self._not_fetched(fetched)
                continue
            group.append(fetched)
            if len(group) >= self.order.max_files_per_tx or _size(group) > _GROUP_BYTES:
                self._flush(group)
        self._flush(group)
        with self._bounded():
            if not self.days_taken:
                with self.connection.transaction():
                    capture.capture_days(self.connection, self.order.dataset, self.now)
            self.report.watermark_to = ledger.watermark(self.connection, self.order.dataset)

    def _bounded(self) -> AbstractContextManager[None]:
        """A deadline for statements beside the files' own transactions."""
        return severed_after(self.connection, self.order.deadline_s)

    def _newest_only(self, pending: list[FileVersion]) -> list[FileVersion]:
        """Of full snapshots only the newest counts; the older ones are settled unread and archived."""
        if self.order.model is not Model.SNAPSHOTS or not pending:
            return pending
        *older, newest = pending
        for version in older:
            self._settle(version, FileOutcome(version.key, "superseded", reason="a newer snapshot replaces it"))
        if newest.etag == self.plan.metadata.get("source_etag"):
            self._settle(newest, FileOutcome(newest.key, "superseded", reason="same content as the last snapshot"))
            return []
        return [newest]

    def _without_bad_names(self, pending: list[FileVersion]) -> list[FileVersion]:
        """Names that are no export stay where they are; impossible and future times are quarantined unread."""
        for version in pending:
            if version.problem:
                state = "unexpected" if version.problem == names.UNEXPECTED else "quarantined"
                self._settle(version, FileOutcome(version.key, state, version.exported_at, version.problem))
        return [version for version in pending if version.problem is None]

    def _flush(self, group: list[Fetched]) -> None:
        """Commit the fetched files: together when they are several, one by one when that fails."""
        try:
            if len(group) > 1:
                try:
                    self._load(group)
                except FileNotReadError:
                    pass  # one by one it costs only itself
                except psycopg.Error as error:
                    if self.connection.broken or isinstance(error, STOPPING):
                        raise
                else:
                    return
            for fetched in group:
                self._load_alone(fetched)
        finally:
            for fetched in group:
                if fetched.body is not None:
                    fetched.body.close()
            group.clear()

    def _load_alone(self, fetched: Fetched) -> None:
        for attempt in range(_TRIES):
            try:
                self._load([fetched])
            except PASSING as error:
                if attempt == _TRIES - 1:
                    self._failed(fetched.version, explained(error))
            except FileNotReadError as error:
                self._failed(fetched.version, error)
                return
            except psycopg.Error as error:
                if self.connection.broken or isinstance(error, STOPPING):
                    raise
                self._failed(fetched.version, explained(error))
                return
            else:
                return

    def _load(self, group: Sequence[Fetched]) -> None:
        """One transaction: the rows of these files, their ledger rows, the watermark."""
        deadline_s = self.order.deadline_s + _size(group) / _SLOWEST_BYTES_PER_S
        settled: list[tuple[int, FileVersion, FileOutcome]] = []
        with severed_after(self.connection, deadline_s), self.connection.transaction():
            failpoint.reached("read")
            ledger.one_writer(self.connection, self.order.dataset)
            for n, fetched in enumerate(group):
                if fetched.body is None:
                    continue
                if n or not self.order.apply:
                    clear(self.connection)
                fetched.body.seek(0)
                version = fetched.version
                outcome = load_file(self.connection, self.order.dataset, version, fetched.body, self.watcher.rows)
                file_id = self._record(version, outcome)
                if file_id is not None:
                    settled.append((file_id, version, outcome))
                    if outcome.state == "applied":
                        capture.capture_file(self.connection, self.order.dataset, version)
                elif self.order.again:
                    self.report.notes.append(f"{version.key}: left as it was: {outcome.reason or 'settled meanwhile'}")
            takes_days = group[-1].version in self.last_of_days
            if takes_days:
                capture.capture_days(self.connection, self.order.dataset, self.now)
            moved = self._collect_archived(wait=False)
            # Last, and once: its lock is the one that readers of the map and other writers meet at.
            ledger.advance_revision(self.connection, self.order.dataset, [outcome for _, _, outcome in settled])
            failpoint.reached("precommit")
        failpoint.reached("committed")
        self.days_taken = takes_days
        self.report.archived += moved
        self.failures_in_a_row = 0
        for file_id, version, outcome in settled:
            self._committed(file_id, version, outcome)

    def _settle(self, version: FileVersion, outcome: FileOutcome) -> None:
        """Record a file that was not loaded."""
        with self._bounded(), self.connection.transaction():
            file_id = self._record(version, outcome)
        if file_id is not None:
            self._committed(file_id, version, outcome)

    def _record(self, version: FileVersion, outcome: FileOutcome) -> int | None:
        snapshot = {"source_etag": version.etag} if self.order.model is Model.SNAPSHOTS else {}
        gone = outcome.state == "superseded" and self.order.model is Model.CHANGES
        return ledger.record_file(
            self.connection,
            self.order.dataset,
            version,
            outcome,
            run_id=self.run_id,
            archives=self.source.archives and not gone,
            again=self.order.again,
            metadata=snapshot,
        )

    def _committed(self, file_id: int, version: FileVersion, outcome: FileOutcome) -> None:
        self.report.add(outcome)
        self.watcher.settled()
        gone = outcome.state == "superseded" and self.order.model is Model.CHANGES
        if not gone:
            self._to_archive(file_id, version, outcome.state)

    def _to_archive(self, file_id: int, version: FileVersion, state: str) -> None:
        if not self.source.archives or state not in {"applied", "quarantined", "superseded"}:
            return
        self.report.to_archive += 1
        if self.order.apply:
            dataset = self.order.dataset
            folder = dataset.quarantine if state == "quarantined" else dataset.processed
            self.archiver.submit(file_id, version, folder)

    def _collect_archived(self, *, wait: bool) -> int:
        moved = []
        for result in self.archiver.results(wait=wait):
            if result.error is None:
                moved.append((result.file_id, result.key))
            else:
                self.report.notes.append(f"not archived: {result.error}")
                self.report.exit_code = self.report.exit_code or PendingError.exit_code
        if moved:
            with self._bounded():
                ledger.record_archived(self.connection, moved)
        return len(moved)

    def _not_fetched(self, fetched: Fetched) -> None:
        version, error = fetched.version, fetched.error
        if isinstance(error, FileGoneError) and not self.order.again:
            self._settle(version, FileOutcome(version.key, "superseded", version.exported_at, str(error)))
        elif isinstance(error, FileUnusableError):
            self._settle(version, FileOutcome(version.key, "quarantined", version.exported_at, str(error)))
        else:
            self._failed(version, error or FleetticketsError("not read"))

    def _failed(self, version: FileVersion, error: FleetticketsError) -> None:
        """A file that may work next time; after several in a row the rest is left for later."""
        outcome = FileOutcome(version.key, "failed", version.exported_at, str(error))
        if self.order.again:
            self.report.add(outcome)  # it stays what it is in the ledger, and where it lies
        else:
            self._settle(version, outcome)
        self.failures_in_a_row += error.exit_code == UpstreamError.exit_code
        if self.failures_in_a_row >= _MOST_FAILURES_IN_A_ROW:
            raise UpstreamError(f"{self.failures_in_a_row} files in a row could not be read; the last: {error}")

    def _fail(self, error: FleetticketsError) -> None:
        self.report.error = str(error)
        progressed = self.report.files["applied"] > 0 and error.exit_code in (1, 7)
        self.report.exit_code = PendingError.exit_code if progressed else error.exit_code

    def _close(self, began: float) -> None:
        """Wait for the archive, judge the run, write it down; a database that is gone cannot be told."""
        report = self.report
        self.archiver.stop()
        if not self.connection.closed:
            try:
                report.archived += self._collect_archived(wait=True)
            except psycopg.Error as error:
                self._fail(explained(error))
        if report.exit_code == 0:
            report.exit_code = _verdict(report)
        report.duration_s = time.monotonic() - began
        if self.run_id is not None and not self.connection.broken:
            try:
                if self.connection.closed:
                    with self.connect() as another:
                        ledger.finish_run(another, self.run_id, report)
                else:
                    with self._bounded():
                        ledger.finish_run(self.connection, self.run_id, report)
            except psycopg.Error as error:
                report.notes.append(f"the run could not be recorded: {explained(error)}")
            except FleetticketsError as error:
                report.notes.append(f"the run could not be recorded: {error}")
        self._refresh_forecast()

    def _refresh_forecast(self) -> None:
        """New tickets make new curves; a run that did its work is not undone when they have to wait."""
        if self.run_id is None or not self.report.files["applied"] or self.connection.closed or self.connection.broken:
            return
        try:
            with self._bounded():
                forecast.refresh_forecast(self.connection, self.order.dataset, self.now)
        except psycopg.Error as error:
            self.report.notes.append(f"the forecasts were not renewed: {explained(error)}")


def _verdict(report: RunReport) -> int:
    if report.files["failed"]:
        return 5 if report.files["applied"] else 7
    return 3 if report.files["quarantined"] else 0


def _last_of_days(pending: Sequence[FileVersion]) -> frozenset[FileVersion]:
    """The files after which backlogs are taken: taken after another of the day, they would be taken again at once."""
    days = [version.exported_at and version.exported_at.astimezone(EAT).date() for version in pending]
    after = pairwise([*days, None])
    return frozenset(version for version, (day, next_day) in zip(pending, after, strict=True) if day != next_day)


def _size(group: Sequence[Fetched]) -> int:
    return sum(fetched.version.size_bytes for fetched in group)
