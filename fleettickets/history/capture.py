"""One file into history, and the backlogs of days, inside the transaction of its rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from fleettickets.db import statement

if TYPE_CHECKING:
    from datetime import datetime

    from fleettickets.datasets import Dataset
    from fleettickets.db import Connection
    from fleettickets.source.files import FileVersion

_FOLDER: Final = Path(__file__).parent


def capture_file(connection: Connection, dataset: Dataset, version: FileVersion) -> None:
    """Keep what the staged file says of each ticket and bring the life stories it touches up to date."""
    facts = {
        "dataset": dataset.name,
        "exported_at": version.exported_at,
        "modified": version.last_modified,
        "etag": version.etag,
        "key": version.key,
    }
    row = connection.execute(statement(_FOLDER, "sight"), facts).fetchone()
    touched, content_as_of = row or ([], None)
    connection.execute(
        "SELECT tickets.tell_history(%(dataset)s, %(key)s, %(exported_at)s, %(modified)s, %(etag)s, "
        "to_timestamp(%(content_as_of)s), %(touched)s)",
        {**facts, "content_as_of": content_as_of, "touched": touched},
    )


def capture_days(connection: Connection, dataset: Dataset, now: datetime) -> None:
    """Take the backlog of today, of the days of files kept since the last time, and of every later day."""
    connection.execute("SELECT tickets.capture_history(%s, %s)", [dataset.name, now])
