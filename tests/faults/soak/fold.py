"""What the tickets must be after all uploads, in whatever order they came: an independent reading of the rules."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass, field
from typing import Any

from fleettickets.datasets import DROPPED_COLUMNS, FEED_COLUMNS

Order = tuple[str, int, int]
"""Name of the file (its time), number of the upload, line."""


@dataclass(slots=True)
class Fold:
    """For each id the greatest row, kept while the uploads are made; an id that was only ever an alarm is none."""

    newest: dict[str, tuple[Order, str]] = field(default_factory=dict)
    tickets: set[str] = field(default_factory=set)
    rows: int = 0

    def add(self, name: str, upload: int, body: bytes) -> None:
        """Fold in one upload's rows."""
        for line, cells in enumerate(csv.reader(io.StringIO(body.decode(), newline=""))):
            if line == 0 or len(cells) != len(FEED_COLUMNS) or cells[0].upper().startswith("EXPORT STOPPED"):
                continue
            row = dict(zip(FEED_COLUMNS, cells, strict=True))
            self.rows += 1
            order = (name, upload, line)
            if row["ticket_id"] not in self.newest or self.newest[row["ticket_id"]][0] < order:
                self.newest[row["ticket_id"]] = (order, digest(cleaned(row)))
            if row["is_alarm"] != "true":
                self.tickets.add(row["ticket_id"])

    def expected(self) -> dict[str, str]:
        """Ticket -> digest of what its raw must hold."""
        return {ticket_id: self.newest[ticket_id][1] for ticket_id in self.tickets}


def cleaned(row: dict[str, str]) -> dict[str, str | None]:
    """The kept cells of a row, as the feed's rules say."""
    kept: dict[str, str | None] = {name: cell or None for name, cell in row.items() if name not in DROPPED_COLUMNS}
    return kept | {"region": row["region"].lower() or None, "raw_status": row["raw_status"].upper() or None}


def digest(raw: dict[str, Any]) -> str:
    """A short name for the content of a row."""
    return hashlib.md5(json.dumps(raw, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
