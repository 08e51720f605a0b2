"""The stream's books: lock and plan, one ledger row a file version, watermark, runs."""

from __future__ import annotations

import contextlib
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.types.json import Jsonb

from fleettickets.db import severed_after, statement
from fleettickets.errors import BusyError, UpstreamError, UsageError
from fleettickets.load.stage import keep_rejected, ledger_values
from fleettickets.source.files import FileVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fleettickets.datasets import Dataset
    from fleettickets.db import Connection
    from fleettickets.report import FileOutcome, RunReport

_FOLDER: Final = Path(__file__).parent
_GOODBYE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What one look at the books says is to be done."""

    metadata: dict[str, Any]
    pending: list[FileVersion]
    unarchived: list[tuple[int, FileVersion, str]]
    failed_and_gone: list[int]
    run_id: int | None

    @property
    def watermark(self) -> str | None:
        """The key of the newest file applied so far."""
        return self.metadata.get("source_max_key")


@dataclass(frozen=True, slots=True)
class Intent:
    """What a run is for; `complete` when it sees every file of the stream."""

    command: str
    now: datetime
    apply: bool
    reseed: bool
    again: bool
    complete: bool
    holds: bool = True
    """Whether the stream is to be held; without, it is only looked at."""


@contextmanager
def hold_stream(
    connection: Connection, dataset: Dataset, listed: Sequence[FileVersion], intent: Intent, *, deadline_s: float
) -> Iterator[Plan]:
    """Hold the stream's lock and say what is to be done; BusyError when another run holds it.

    The lock belongs to a transaction of `connection`, which stays open and idle meanwhile: a pooler in
    transaction mode may stand between, and the lock goes when the process does. The connection ends with
    the block, and the lock a moment before it, so that the next run does not meet it.
    """
    try:
        with severed_after(connection, deadline_s):
            connection.execute("BEGIN")
            settle_session(connection)
            plan = _plan(connection, dataset, listed, intent)
            if plan.run_id is not None:
                connection.execute("COMMIT")
        yield plan
    except psycopg.OperationalError as error:
        if connection.broken:
            raise UpstreamError("the database did not answer in time, or went away: run again") from error
        raise
    finally:
        _let_go(connection)


def look(connection: Connection, dataset: Dataset, listed: Sequence[FileVersion], now: datetime) -> Plan:
    """What a run that began now would have to do; takes no lock and writes nothing."""
    intent = Intent("look", now, apply=False, reseed=False, again=False, complete=True, holds=False)
    return _plan(connection, dataset, listed, intent)


def _let_go(connection: Connection) -> None:
    """Give the lock back, but do not wait long for a server that may be gone: closing gives it back too, later."""
    with contextlib.suppress(psycopg.Error), severed_after(connection, _GOODBYE_S):
        if connection.info.transaction_status is psycopg.pq.TransactionStatus.INTRANS:
            connection.execute("ROLLBACK")
    connection.close()


def settle_session(connection: Connection) -> None:
    """Set what a run needs of its session, whatever the database's or the role's defaults are."""
    connection.execute(
        "SELECT set_config(name, CASE name WHEN 'statement_timeout' THEN '10min' WHEN 'lock_timeout' THEN '5s' "
        "WHEN 'work_mem' THEN '64MB' WHEN 'jit' THEN 'off' ELSE '0' END, false) FROM pg_settings WHERE name IN ("
        "'statement_timeout', 'lock_timeout', 'work_mem', 'jit', 'idle_in_transaction_session_timeout', "
        "'idle_session_timeout', 'transaction_timeout')"
    )


def one_writer(connection: Connection, dataset: Dataset) -> None:
    """Let one transaction at a time write a stream, even if the run's own lock was lost with its connection."""
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('fleettickets:write:' || %s::text, 0))", [dataset.name]
    )


def start_run(connection: Connection, dataset: Dataset, command: str) -> int:
    """Note that a run began; its id."""
    row = connection.execute(
        "INSERT INTO tickets.runs (dataset, command) VALUES (%s, %s) RETURNING run_id",
        [dataset.name, command],
    ).fetchone()
    return int(row[0]) if row else 0


def advance_revision(connection: Connection, dataset: Dataset, outcomes: Sequence[FileOutcome]) -> None:
    """Tell readers at the commit that tickets changed; files that changed none are no news."""
    if any(outcome.changes_tickets for outcome in outcomes):
        touched = sorted({ticket_id for outcome in outcomes for ticket_id in outcome.touched})
        connection.execute("SELECT tickets.advance_revision(%s, %s::text[])", [dataset.name, touched])


def finish_run(connection: Connection, run_id: int, report: RunReport) -> None:
    """Note how the run ended, and tell readers, whose clocks show the last run."""
    connection.execute(
        "WITH run AS (UPDATE tickets.runs SET finished_at = clock_timestamp(), state = %s, exit_code = %s, "
        "counts = %s, error = %s WHERE run_id = %s RETURNING dataset) "
        "SELECT pg_notify('fleettickets', 'run:' || dataset) FROM run",
        [
            "done" if report.exit_code in (0, 3) else "failed",
            report.exit_code,
            Jsonb(report.as_dict()),
            report.error,
            run_id,
        ],
    )


def forget(connection: Connection, dataset: Dataset) -> None:
    """Reseed: forget the watermark and which files were read; the tickets and what lies in quarantine/ stay."""
    connection.execute(
        "UPDATE tickets.import_files SET state = 'forgotten' WHERE dataset = %s AND state <> 'unexpected' "
        "AND NOT (state = 'quarantined' AND archive_key IS NOT NULL)",
        [dataset.name],
    )
    connection.execute(
        "UPDATE tickets.import_meta "
        "SET metadata = metadata - 'source_max_key' - 'source_max_exported_at' - 'source_etag' WHERE dataset = %s",
        [dataset.name],
    )


def record_file(  # the facts of one ledger row
    connection: Connection,
    dataset: Dataset,
    version: FileVersion,
    outcome: FileOutcome,
    *,
    run_id: int | None,
    archives: bool,
    again: bool = False,
    metadata: dict[str, str] | None = None,
) -> int | None:
    """Write one outcome, in the transaction of its rows; None when another run settled this version first."""
    row = connection.execute(
        statement(_FOLDER, "record_file"),
        {
            "dataset": dataset.name,
            "key": version.key,
            "etag": version.etag,
            "modified": version.last_modified,
            "size_bytes": version.size_bytes,
            "exported_at": version.exported_at,
            "run_id": run_id,
            "archives": archives,
            "again": again,
            "moves_watermark": version.problem is None and not version.key.startswith("file:"),
            "metadata": Jsonb(metadata or {}),
            **ledger_values(outcome),
        },
    ).fetchone()
    if row is None:
        return None
    file_id, outcome.export_type, attempts = row
    if outcome.state == "applied" and (outcome.rows.rejected or attempts > 1):
        keep_rejected(connection, dataset, file_id)
    return int(file_id)


def record_archived(connection: Connection, moved: Sequence[tuple[int, str | None]]) -> None:
    """Note where finished files went."""
    connection.execute(
        "UPDATE tickets.import_files AS file SET archived_at = now(), archive_key = moved.key "
        "FROM unnest(%s::bigint[], %s::text[]) AS moved (file_id, key) WHERE file.file_id = moved.file_id",
        [[file_id for file_id, _ in moved], [key for _, key in moved]],
    )


def supersede(connection: Connection, file_ids: Sequence[int]) -> None:
    """Settle failed versions that are gone from the bucket: there is nothing left to read."""
    connection.execute(
        "UPDATE tickets.import_files SET state = 'superseded', archived_at = now(), "
        "reason = 'gone before it could be read' WHERE file_id = ANY(%s)",
        [list(file_ids)],
    )


def watermark(connection: Connection, dataset: Dataset) -> str | None:
    """The key of the newest file applied, as this transaction sees it."""
    row = connection.execute(
        "SELECT metadata ->> 'source_max_key' FROM tickets.import_meta WHERE dataset = %s", [dataset.name]
    ).fetchone()
    return row[0] if row else None


def _plan(connection: Connection, dataset: Dataset, listed: Sequence[FileVersion], intent: Intent) -> Plan:
    try:
        row = connection.execute(
            statement(_FOLDER, "plan"),
            {
                "dataset": dataset.name,
                "keys": [file.key for file in listed],
                "etags": [file.etag for file in listed],
                "modified": [file.last_modified for file in listed],
                **asdict(intent),
            },
        ).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedColumn):
        raise UsageError("the database has no fleettickets schema yet: run python run_migrations.py") from None
    if row is None or not row[0]:
        raise BusyError(f"another run holds the {dataset.name} stream: it will do the work; nothing was changed")
    _, metadata, pending, unarchived, gone, run_id, *_ = row
    return Plan(
        metadata or {},
        [listed[at - 1] for at in pending],
        [_unarchived(item) for item in unarchived],
        gone,
        run_id,
    )


def _unarchived(item: dict[str, Any]) -> tuple[int, FileVersion, str]:
    exported_at = item["exported_at"]
    version = FileVersion(
        item["key"],
        item["etag"],
        datetime.fromisoformat(item["last_modified"]),
        item["size_bytes"],
        datetime.fromisoformat(exported_at) if exported_at else None,
        lies_at=item["lies_at"],
    )
    return item["file_id"], version, item["state"]
