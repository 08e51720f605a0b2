"""One file into the tickets, inside the caller's transaction: COPY, one merge, rejected rows, ledger, watermark."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from fleettickets import failpoint
from fleettickets.clean.rows import Rejected, Sheet, Ticket, open_sheet
from fleettickets.db import statement
from fleettickets.report import FileOutcome
from fleettickets.source.files import FileUnusableError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from fleettickets.datasets import Dataset
    from fleettickets.db import Connection
    from fleettickets.source.files import FileVersion

_FOLDER: Final = Path(__file__).parent
_COPY: Final = sql.SQL("COPY pg_temp.incoming (line, ticket_id, is_alarm, raw, reason, record) FROM STDIN")
_REPORT_EVERY_ROWS: Final = 2_000


def prepare(connection: Connection) -> None:
    """Create this connection's staging table."""
    connection.execute(statement(_FOLDER, "stage"))


def clear(connection: Connection) -> None:
    """Empty the staging table for a second file of one transaction; between transactions it empties by itself."""
    connection.execute("TRUNCATE pg_temp.incoming")


def load_file(
    connection: Connection,
    dataset: Dataset,
    version: FileVersion,
    body: IO[bytes],
    advanced: Callable[[int], None],
) -> FileOutcome:
    """Merge the rows of one file; a file that cannot be used comes back as quarantined, nothing merged."""
    outcome, staged = stage_file(connection, version, body, advanced)
    if outcome.state == "applied":
        _merge(connection, dataset, version, outcome, staged)
    return outcome


def stage_file(
    connection: Connection, version: FileVersion, body: IO[bytes], advanced: Callable[[int], None]
) -> tuple[FileOutcome, int]:
    """Clean one file into the empty staging table: what became of it so far, and the number of usable rows."""
    try:
        sheet = open_sheet(body)
    except FileUnusableError as error:
        return FileOutcome(version.key, "quarantined", version.exported_at, reason=str(error)), 0
    outcome = FileOutcome(
        version.key,
        "applied",
        version.exported_at,
        encoding=sheet.encoding,
        extra_columns=sheet.extra_columns,
    )
    with contextlib.closing(sheet):
        staged = _copy(connection, sheet, outcome, advanced)
    if sheet.nul_lines:
        outcome.flags["nul_replaced"] = sheet.nul_lines
    return outcome, staged


def keep_rejected(connection: Connection, dataset: Dataset, file_id: int) -> None:
    """Keep the staged rows that could not be used; one that was kept before stays as it is, one now usable goes."""
    connection.execute(
        "DELETE FROM tickets.rejected_rows AS kept WHERE file_id = %s AND NOT EXISTS ("
        "SELECT FROM pg_temp.incoming AS staged WHERE staged.line = kept.line AND staged.reason = kept.reason)",
        [file_id],
    )
    connection.execute(
        "INSERT INTO tickets.rejected_rows (dataset, file_id, line, reason, record) "
        "SELECT %(dataset)s, %(file_id)s, line, reason, record FROM pg_temp.incoming AS staged "
        "WHERE reason IS NOT NULL AND NOT EXISTS ("
        "SELECT FROM tickets.rejected_rows AS kept WHERE kept.file_id = %(file_id)s AND kept.line = staged.line) "
        "ORDER BY line",
        {"dataset": dataset.name, "file_id": file_id},
    )


def _copy(connection: Connection, sheet: Sheet, outcome: FileOutcome, advanced: Callable[[int], None]) -> int:
    """Stream the cleaned rows into the staging table; the number of usable ones."""
    rejected: Counter[str] = outcome.rejected_by_reason
    staged = sentinels = 0
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        write_row = copy.write_row
        for row in sheet.rows():
            if isinstance(row, Ticket):
                staged += 1
                write_row((*row, None, None))
                if staged % _REPORT_EVERY_ROWS == 0:
                    advanced(_REPORT_EVERY_ROWS)
            elif isinstance(row, Rejected):
                rejected[row.reason] += 1
                write_row((row.line, None, None, None, row.reason, row.record))
            else:
                sentinels += 1
        failpoint.reached("copying")
    advanced(staged % _REPORT_EVERY_ROWS)
    outcome.rows.sentinel = sentinels
    outcome.rows.rejected = rejected.total()
    outcome.rows.read = staged + sentinels + outcome.rows.rejected
    return staged


def _merge(connection: Connection, dataset: Dataset, version: FileVersion, outcome: FileOutcome, staged: int) -> None:
    merge = statement(_FOLDER, "merge").format(tickets=sql.Identifier(*dataset.table))
    row = connection.execute(
        merge,
        {
            "dataset": dataset.name,
            "exported_at": version.exported_at,
            "modified": version.last_modified,
            "etag": version.etag,
        },
    ).fetchone()
    counts, flags, outcome.touched = row or ({}, {}, [])
    outcome.flags |= flags
    for name, n in counts.items():
        setattr(outcome.rows, name, n)
    outcome.rows.duplicate = staged - sum(counts.values())


def ledger_values(outcome: FileOutcome) -> dict[str, object]:
    """The outcome as the parameters of record_file.sql."""
    counts = {f"rows_{name}": n for name, n in outcome.rows.as_dict().items()}
    return {
        **counts,
        "state": outcome.state,
        "reason": outcome.reason,
        "encoding": outcome.encoding,
        "export_truncated": outcome.rows.sentinel > 0,
        "flags": Jsonb(outcome.flags),
    }
