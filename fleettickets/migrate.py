"""Migrations: what happens once (migrations/), then the code living in the database (sql/).

One transaction takes the lock, applies what is pending, applies the whole of sql/ when its joint hash
changed, and writes the ledger. It either all happens or nothing does, and two runs at once are safe.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

from fleettickets import failpoint
from fleettickets.errors import BusyError, FleetticketsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleettickets.db import Connection

_PACKAGE: Final = Path(__file__).parent
_ROOT: Final = _PACKAGE if (_PACKAGE / "migrations").is_dir() else _PACKAGE.parent
MIGRATIONS: Final = _ROOT / "migrations"
OBJECTS: Final = _ROOT / "sql"

_LOCK: Final = "fleettickets:migrate"
_LOCK_TIMEOUT: Final = "30s"
_FILENAME: Final = sql.Identifier("filename")
_CHECKSUM: Final = sql.Identifier("checksum")
_NOT_THERE_YET: Final = (
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedObject,
)
_OBJECTS_NAME: Final = "sql/"
_NAME_COLUMNS: Final = ("filename", "version", "name", "migration", "file")


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file; its number is its identity in every ledger."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a run applied (or would apply)."""

    migrations: tuple[str, ...]
    objects: bool
    warnings: tuple[str, ...] = ()
    """What the database could not do with the rights at hand, for the administrator."""

    @property
    def current(self) -> bool:
        """True when there was nothing to do."""
        return not self.migrations and not self.objects


def migrate(connection: Connection, *, migrations: Path = MIGRATIONS, objects: Path = OBJECTS) -> Migrated:
    """Bring the schema up to date in one transaction; an edited migration is refused."""
    warnings: list[str] = []

    def heard(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            warnings.append(str(diagnostic.message_primary))

    connection.add_notice_handler(heard)
    try:
        with connection.transaction():
            connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_TIMEOUT))
            connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_LOCK])
            _prepare_ledger(connection)
            plan = _plan(connection, _read(migrations))
            for migration in plan:
                _apply(connection, migration.name, migration.text)
                _record(connection, migration.name, migration.checksum)
            failpoint.reached("migrating")
            replaced = _replace_objects(connection, objects)
    except psycopg.errors.LockNotAvailable:
        raise BusyError(
            f"the schema is in use and was not free within {_LOCK_TIMEOUT}: run again when the long query ends"
        ) from None
    finally:
        connection.remove_notice_handler(heard)
    return Migrated(tuple(migration.name for migration in plan), replaced, tuple(dict.fromkeys(warnings)))


def pending(connection: Connection, *, migrations: Path = MIGRATIONS, objects: Path = OBJECTS) -> Migrated:
    """What `migrate` would do; reads only, so the role that ingests may ask."""
    found = _read(migrations)
    columns = _columns(connection)
    name = _name_column(columns)
    if name is None:
        return Migrated(tuple(migration.name for migration in found), objects=True)
    if "checksum" not in columns:
        plan = _plan(connection, found, sql.SQL("NULL"), sql.Identifier(name))
        return Migrated(tuple(migration.name for migration in plan), objects=True)
    plan = _plan(connection, found, sql.Identifier("checksum"), sql.Identifier(name))
    return Migrated(tuple(migration.name for migration in plan), _objects_hash(objects) != _applied_objects(connection))


def _read(folder: Path) -> list[Migration]:
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = re.match(r"(\d+)_", path.name)
        if match:
            found.append(Migration(int(match[1]), path.stem, path.read_text(encoding="utf-8")))
    return found


def _prepare_ledger(connection: Connection) -> None:
    """Create the ledger, or complete one that an earlier deployment left with fewer columns."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS tickets")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS tickets.schema_migrations "
        "(filename text NOT NULL, CONSTRAINT schema_migrations_pkey PRIMARY KEY (filename))"
    )
    columns = _columns(connection)
    if "filename" not in columns:
        earlier = _name_column(columns)
        if earlier is None:
            raise FleetticketsError(
                "tickets.schema_migrations has no column with the migration's name: "
                "rename that column to filename and run again"
            )
        connection.execute(
            sql.SQL("ALTER TABLE tickets.schema_migrations RENAME COLUMN {} TO filename").format(
                sql.Identifier(earlier)
            )
        )
    if not {"checksum", "applied_at"} <= columns:
        connection.execute(
            "ALTER TABLE tickets.schema_migrations "
            "ADD COLUMN IF NOT EXISTS checksum text, "
            "ADD COLUMN IF NOT EXISTS applied_at timestamptz NOT NULL DEFAULT now()"
        )


def _columns(connection: Connection) -> set[str]:
    """The ledger's columns; none when there is no ledger."""
    rows = connection.execute(
        "SELECT attname FROM pg_attribute "
        "WHERE attrelid = to_regclass('tickets.schema_migrations') AND attnum > 0 AND NOT attisdropped"
    )
    return {name for (name,) in rows}


def _name_column(columns: set[str]) -> str | None:
    return next((name for name in _NAME_COLUMNS if name in columns), None)


def _plan(
    connection: Connection,
    migrations: list[Migration],
    checksum: sql.Composable = _CHECKSUM,
    name: sql.Composable = _FILENAME,
) -> list[Migration]:
    query = sql.SQL("SELECT {}::text, {} FROM tickets.schema_migrations").format(name, checksum)
    rows = connection.execute(query).fetchall()
    applied = {int(match[0]): known for filename, known in rows if (match := re.match(r"\d+", filename))}
    for migration in migrations:
        known = applied.get(migration.number)
        if known and known != migration.checksum:
            raise FleetticketsError(
                f"migrations/{migration.name}.sql was edited after it was applied: "
                "restore it (git checkout) and put the change into a new migration"
            )
    return [migration for migration in migrations if migration.number not in applied]


def _apply(connection: Connection, name: str, text: str) -> None:
    try:
        connection.execute(text)
    except psycopg.errors.LockNotAvailable:
        raise
    except psycopg.Error as error:
        raise FleetticketsError(f"{name}.sql failed and nothing was changed: {error}") from error


def _record(connection: Connection, name: str, checksum: str) -> None:
    connection.execute(
        "INSERT INTO tickets.schema_migrations (filename, checksum) VALUES (%s, %s) "
        "ON CONFLICT (filename) DO UPDATE SET checksum = excluded.checksum, applied_at = now()",
        [name, checksum],
    )


def _object_files(folder: Path) -> list[Path]:
    """Every object file; what stands beside the schemas' folders (grants, renewals) comes last."""
    return sorted(folder.rglob("*.sql"), key=lambda path: (path.parent == folder, path.as_posix()))


def _objects_hash(folder: Path) -> str:
    joint = hashlib.sha256()
    for path in _object_files(folder):
        joint.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return joint.hexdigest()


def _applied_objects(connection: Connection) -> str | None:
    row = connection.execute(
        "SELECT checksum FROM tickets.schema_migrations WHERE filename = %s", [_OBJECTS_NAME]
    ).fetchone()
    return row[0] if row else None


def _replace_objects(connection: Connection, folder: Path) -> bool:
    wanted = _objects_hash(folder)
    if wanted == _applied_objects(connection):
        return False
    connection.execute("SET LOCAL check_function_bodies = off")  # one object may call a later one
    files = _object_files(folder)
    _apply_in_any_order(connection, folder, [path for path in files if path.parent != folder])
    for path in files:
        if path.parent == folder:
            _apply(connection, path.relative_to(folder).with_suffix("").as_posix(), path.read_text(encoding="utf-8"))
    _record(connection, _OBJECTS_NAME, wanted)
    return True


def _apply_in_any_order(connection: Connection, folder: Path, files: Sequence[Path]) -> None:
    """A view needs what it names to be there: what fails for that alone is tried again after the rest."""
    while files:
        missed: list[Path] = []
        first: FleetticketsError | None = None
        for path in files:
            try:
                with connection.transaction():
                    name = path.relative_to(folder).with_suffix("").as_posix()
                    _apply(connection, name, path.read_text(encoding="utf-8"))
            except FleetticketsError as error:
                if not isinstance(error.__cause__, _NOT_THERE_YET):
                    raise
                first = first or error
                missed.append(path)
        if first is not None and len(missed) == len(files):
            raise first
        files = missed
