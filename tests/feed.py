"""Small export files for tests: tickets as dictionaries in, bytes of a feed file out."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

from fleettickets.datasets import EAT, FEED_COLUMNS
from fleettickets.source import names
from fleettickets.source.files import FileGoneError, FileVersion, Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fleettickets.datasets import Dataset

FAR_FUTURE = datetime(2100, 1, 1, tzinfo=UTC)


def ticket(ticket_id: str, **cells: str) -> dict[str, str]:
    """An open ticket with believable cells, changed by `cells`."""
    usual = dict.fromkeys(FEED_COLUMNS, "") | {
        "ticket_id": ticket_id,
        "bucket": "pending",
        "raw_status": "Accepted",
        "normalized_status": "ACCEPTED",
        "created_at_service": "2026-06-22 08:00:00",
        "first_seen_at": "2026-06-22 09:00:00",
        "cluster": "KASARANI",
        "region": "Nairobi East",
        "location_name": "KASARANI_FDT12",
        "assigned_team": "Team A",
        "is_alarm": "false",
        "is_actionable": "true",
    }
    return usual | cells


def closed(ticket_id: str, closed_at: str = "2026-06-23 07:30:00", **cells: str) -> dict[str, str]:
    """A closed ticket."""
    return ticket(ticket_id, bucket="closed", is_actionable="false", closed_at=closed_at, mttr="23.5", **cells)


def sheet(rows: Iterable[Mapping[str, str]], columns: Iterable[str] = FEED_COLUMNS) -> bytes:
    """A feed file: header and rows, every value quoted."""
    columns = list(columns)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, quoting=csv.QUOTE_ALL, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def key(dataset: Dataset, when: str) -> str:
    """The key of the export of `when` ('2026-06-22 15:50:39')."""
    return f"{dataset.changes}{datetime.fromisoformat(when):%Y-%m-%dT%H-%M-%S}.csv"


class Shelf:
    """Files in memory as a source: for tests of the engine that need no bucket."""

    archives = False

    def __init__(self) -> None:
        self._bodies: dict[FileVersion, bytes] = {}

    def put(
        self, dataset: Dataset, when: str, body: bytes, uploaded: datetime | None = None, now: datetime = FAR_FUTURE
    ) -> FileVersion:
        """Add the export of `when`; uploaded at that moment unless said otherwise."""
        name = key(dataset, when)
        exported_at, problem = names.exported_at(name.rpartition("/")[2], now)
        moment = uploaded or datetime.fromisoformat(when).replace(tzinfo=EAT).astimezone(UTC)
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        version = FileVersion(name, etag, moment, len(body), exported_at, problem)
        self._bodies[version] = body
        return version

    def listing(self, dataset: Dataset, model: Model, now: datetime) -> list[FileVersion]:  # noqa: ARG002  # a Source
        """The files of the dataset, ascending."""
        found = [version for version in self._bodies if version.key.startswith(dataset.changes)]
        return sorted(found, key=lambda version: version.order)

    def fetch(self, version: FileVersion) -> IO[bytes]:
        """The bytes."""
        if version not in self._bodies:
            raise FileGoneError("gone")
        return io.BytesIO(self._bodies[version])

    def archive(self, version: FileVersion, folder: str) -> str | None:  # noqa: ARG002  # a Source
        """Nothing."""
        return None
