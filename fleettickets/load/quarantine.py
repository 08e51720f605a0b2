"""What could not be used and is kept: quarantined files and rejected rows, to be seen, read again or discarded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.rows import class_row

from fleettickets.db import statement
from fleettickets.errors import UsageError
from fleettickets.source import names
from fleettickets.source.files import FileVersion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from fleettickets.db import Connection

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Held:
    """A quarantined file, or (with a line) a rejected row of an applied one."""

    file_id: int
    line: int | None
    dataset: str
    key: str
    reason: str | None
    record: str | None
    since: datetime
    exported_at: datetime | None
    attempts: int
    size_bytes: int
    archive_key: str | None
    discarded_at: datetime | None
    discarded_by: str | None
    total: int

    @property
    def reference(self) -> str:
        """What a person types to mean it."""
        return f"{self.file_id}" if self.line is None else f"{self.file_id}:{self.line}"


def held(
    connection: Connection,
    *,
    dataset: str | None = None,
    reference: str | None = None,
    line: int | None = None,
    file_ids: Sequence[int] | None = None,
    discarded: bool = False,
    most: int | None = None,
) -> list[Held]:
    """Files first, then rows, newest file first; of `most` of each kind, `total` says how many there are."""
    with connection.cursor(row_factory=class_row(Held)) as cursor:
        try:
            cursor.execute(
                statement(_FOLDER, "held"),
                {
                    "dataset": dataset,
                    "reference": reference,
                    "line": line,
                    "file_ids": None if file_ids is None else list(file_ids),
                    "discarded": discarded,
                    "most": most,
                },
            )
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedColumn):
            raise UsageError("the database has no fleettickets schema yet: run python run_migrations.py") from None
        return cursor.fetchall()


def versions(
    connection: Connection, file_ids: Sequence[int], now: datetime, *, accept_future: bool = False
) -> dict[str, list[FileVersion]]:
    """The stored versions of these files by dataset, each at the place where it lies now, judged by `now` again.

    A file that was read from a local disk is in no store: UsageError.
    """
    rows = connection.execute(
        "SELECT dataset, key, etag, last_modified, size_bytes, exported_at, state, archive_key, archived_at "
        "FROM tickets.import_files WHERE file_id = ANY(%s)",
        [list(file_ids)],
    ).fetchall()
    found: dict[str, list[FileVersion]] = {}
    for dataset, key, etag, modified, size_bytes, exported_at, state, archive_key, archived_at in rows:
        if archived_at is not None and archive_key is None:
            raise UsageError(
                f"{key} was read from a local folder and is in no store: repair that file and ingest it again"
            )
        problem = None
        if state == "quarantined":
            exported_at, problem = names.exported_at(key.rpartition("/")[2], now)  # noqa: PLW2901  # judged anew
        if accept_future and problem == names.FUTURE:
            problem = None
        version = FileVersion(key, etag, modified, size_bytes, exported_at, problem, archive_key)
        found.setdefault(dataset, []).append(version)
    return found


def discard(connection: Connection, chosen: Sequence[Held], who: str | None) -> None:
    """Note who decided, and when, that these are of no use; file, record and object are kept."""
    connection.execute(
        "UPDATE tickets.import_files SET discarded_at = now(), discarded_by = coalesce(%s, session_user) "
        "WHERE file_id = ANY(%s) AND discarded_at IS NULL",
        [who, [one.file_id for one in chosen if one.line is None]],
    )
    rows = [one for one in chosen if one.line is not None]
    connection.execute(
        "UPDATE tickets.rejected_rows AS row SET discarded_at = now(), discarded_by = coalesce(%s, session_user) "
        "FROM unnest(%s::bigint[], %s::bigint[]) AS chosen (file_id, line) "
        "WHERE row.file_id = chosen.file_id AND row.line = chosen.line AND row.discarded_at IS NULL",
        [who, [one.file_id for one in rows], [one.line for one in rows]],
    )
