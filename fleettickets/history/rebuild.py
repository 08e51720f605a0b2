"""History told again: from the archived files where there is a store, and from the versions already kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fleettickets.history.capture import capture_file
from fleettickets.load import ledger
from fleettickets.load.quarantine import versions
from fleettickets.load.stage import clear, prepare, stage_file
from fleettickets.source.ahead import fetch_ahead

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from fleettickets.datasets import Dataset
    from fleettickets.db import Connection
    from fleettickets.source.files import Source


@dataclass(slots=True)
class Rebuilt:
    """What was read and told again."""

    dataset: str
    files: int = 0
    tickets: int = 0
    days: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Span:
    """The EAT days to take again, both included; None is open."""

    first: date | None = None
    last: date | None = None


def rebuild(
    connection: Connection,
    dataset: Dataset,
    source: Source,
    span: Span,
    *,
    now: datetime,
    deadline_s: float,
    advanced: Callable[[int], None],
) -> Rebuilt:
    """Read the archived files of the span, tell every story and take every day of the span again.

    In the caller's transaction. A file that cannot be had is noted: what it told is kept as far as it was kept before.
    """
    done = Rebuilt(dataset.name)
    prepare(connection)
    ledger.one_writer(connection, dataset)
    archived = versions(connection, _archived(connection, dataset, span), now).get(dataset.name, [])
    for fetched in fetch_ahead(source, sorted(archived, key=lambda version: version.order), deadline_s):
        if fetched.body is None:
            done.notes.append(f"{fetched.version.place}: not read: {fetched.error}")
            continue
        clear(connection)
        with fetched.body as body:
            outcome, _ = stage_file(connection, fetched.version, body, advanced)
        if outcome.state == "applied":
            capture_file(connection, dataset, fetched.version)
            done.files += 1
    row: Any = connection.execute(
        "SELECT tickets, days FROM tickets.rebuild_history(%s, %s, %s, %s)", [dataset.name, span.first, span.last, now]
    ).fetchone()
    done.tickets, done.days = row
    return done


def _archived(connection: Connection, dataset: Dataset, span: Span) -> list[int]:
    rows = connection.execute(
        "SELECT file_id FROM tickets.import_files WHERE dataset = %s AND export_type IS NOT NULL "
        "AND archive_key IS NOT NULL AND archived_at IS NOT NULL "
        "AND (%s::date IS NULL OR (exported_at AT TIME ZONE interval '03:00')::date >= %s::date) "
        "AND (%s::date IS NULL OR (exported_at AT TIME ZONE interval '03:00')::date <= %s::date)",
        [dataset.name, span.first, span.first, span.last, span.last],
    )
    return [file_id for (file_id,) in rows]
