"""The floor: what PostgreSQL needs at the very least to take these rows into this table.

A COPY of rows cleaned beforehand into an unlogged staging table and one upsert into a table of the same make,
in process, database time only. No fetching, cleaning, ledger, quarantine, ordering of writers or archive.
"""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import psycopg

from bench import feed
from fleettickets.clean.rows import Ticket, open_sheet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fleettickets.demo.plan import ExportFile

_TABLES = """
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
CREATE TABLE bench.inc (LIKE tickets.inc INCLUDING ALL);
CREATE UNLOGGED TABLE bench.incoming (ticket_id text NOT NULL, raw jsonb NOT NULL)
"""
_UPSERT = """
INSERT INTO bench.inc (ticket_id, raw)
SELECT ticket_id, raw FROM bench.incoming ORDER BY ticket_id
ON CONFLICT (ticket_id) DO UPDATE SET raw = excluded.raw
"""
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Cleaner:
    """Cleans files beforehand, in their order; knows which tickets exist, as alarms alone make none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._known: set[str] = set()
        self._written = 0

    def clean(self, file: ExportFile) -> Path:
        """The file's usable rows as COPY text, the last of each ticket."""
        rows: dict[str, str] = {}
        for row in open_sheet(io.BytesIO(feed.body(file))).rows():
            if isinstance(row, Ticket) and (not row.is_alarm or row.ticket_id in self._known):
                rows[row.ticket_id] = row.raw
                self._known.add(row.ticket_id)
        self._written += 1
        path = self._folder / f"{self._written:04d}.copy"
        with path.open("w", encoding="utf-8", newline="") as target:
            for ticket_id, raw in sorted(rows.items()):
                target.write(f"{ticket_id.translate(_ESCAPES)}\t{raw.translate(_ESCAPES)}\n")
        return path


class Floor:
    """One table at the floor."""

    def __init__(self, database_url: str) -> None:
        self._connection: psycopg.Connection[tuple[Any, ...]] = psycopg.connect(
            database_url, autocommit=True, options="-c timezone=UTC -c datestyle=ISO"
        )
        self.empty()

    def empty(self) -> None:
        """Start with a new, empty table."""
        self._connection.execute(_TABLES)

    def load(self, files: Sequence[Path]) -> float:
        """Take the files in, one transaction each; the seconds the database needed."""
        took_s = 0.0
        for path in files:
            body = path.read_bytes()
            self._connection.execute("TRUNCATE bench.incoming")
            began_s = time.perf_counter()
            with self._connection.transaction():
                with (
                    self._connection.cursor() as cursor,
                    cursor.copy("COPY bench.incoming (ticket_id, raw) FROM STDIN") as copy,
                ):
                    copy.write(body)
                self._connection.execute(_UPSERT)
            took_s += time.perf_counter() - began_s
        return took_s

    def close(self) -> None:
        """End the session."""
        self._connection.close()
