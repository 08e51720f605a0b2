"""The database as a run needs it: version, PostGIS, schema, rights, time zone, clock."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg

from fleettickets import migrate
from fleettickets.commands.doctor.finding import Finding, clock
from fleettickets.db import statement
from fleettickets.errors import PendingError, UpstreamError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets.commands.app import App
    from fleettickets.db import Connection

_FOLDER: Final = Path(__file__).parent
_OLDEST_POSTGRES: Final = 150000
_OLDEST_POSTGIS: Final = (3, 3)


def database(app: App) -> Iterator[Finding]:
    """Connects once; what needs the schema is left out while it is not there."""
    with app.connector()() as connection:
        yield from _versions(connection)
        yield _time_zone(connection)
        yield _clock(connection)
        yield _schema(connection)
        if _row(connection, "SELECT to_regnamespace('tickets') IS NOT NULL")[0]:
            yield _rights(connection)


def _versions(connection: Connection) -> Iterator[Finding]:
    info = connection.info
    known = f"{info.dbname} on PostgreSQL {info.server_version // 10000}"
    if info.server_version < _OLDEST_POSTGRES:
        yield Finding("database", "fail", f"{known}: version 15 or newer is needed", UsageError.exit_code)
    else:
        yield Finding("database", "ok", known)
    installed, available = _row(
        connection,
        "SELECT max(installed_version), max(default_version) FROM pg_catalog.pg_available_extensions "
        "WHERE name = 'postgis'",
    )
    version = installed or available
    if version is None:
        lacking = "not on the server: install PostGIS 3.3 or newer there (Debian: apt install postgresql-15-postgis-3)"
        yield Finding("postgis", "fail", lacking, UsageError.exit_code)
    elif tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_POSTGIS:
        old = f"{version}: 3.3 or newer is needed; upgrade it, then ALTER EXTENSION postgis UPDATE"
        yield Finding("postgis", "fail", old, UsageError.exit_code)
    else:
        there = version if installed else f"{version} is there; fleettickets migrate makes the extension"
        yield Finding("postgis", "ok", there)


def _time_zone(connection: Connection) -> Finding:
    """Answers carry East Africa Time, which the server takes from its own tables."""
    (is_eat,) = _row(
        connection,
        "SELECT coalesce(max(utc_offset), '0') = interval '03:00' "
        "FROM pg_catalog.pg_timezone_names WHERE name = 'Africa/Nairobi'",
    )
    if is_eat:
        return Finding("time zone", "ok", "the server knows Africa/Nairobi as UTC+3")
    lacking = "the server does not know Africa/Nairobi as UTC+3: install its time zone tables (tzdata)"
    return Finding("time zone", "fail", lacking, UpstreamError.exit_code)


def _clock(connection: Connection) -> Finding:
    before = time.time()
    (theirs,) = _row(connection, "SELECT extract(epoch FROM clock_timestamp())::float8")
    return clock("database clock", theirs - (before + time.time()) / 2)


def _schema(connection: Connection) -> Finding:
    try:
        pending = migrate.pending(connection)
    except psycopg.errors.InsufficientPrivilege:
        return Finding("schema", "warn", "this user may not read what was migrated: see rights")
    if pending.current:
        return Finding("schema", "ok", "up to date")
    what = f"{len(pending.migrations)} migrations" if pending.migrations else "functions and views"
    return Finding("schema", "fail", f"{what} pending: fleettickets migrate", PendingError.exit_code)


def _rights(connection: Connection) -> Finding:
    """Whether this user may do what the ingest's role may: tables, functions, the staging table."""
    (user, lacking) = _row(connection, statement(_FOLDER, "lacking_rights"))
    if not lacking:
        return Finding("rights", "ok", f"{user} may read and write what an ingest does")
    more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""  # noqa: PLR2004  # three say enough
    detail = f"{user} may not {', '.join(lacking[:3])}{more}: GRANT fleettickets_ingest TO {user}"
    return Finding("rights", "fail", detail, UsageError.exit_code)


def _row(connection: Connection, query: Any) -> tuple[Any, ...]:  # noqa: ANN401  # a literal or a statement
    row = connection.execute(query).fetchone()
    if row is None:
        raise UpstreamError("the database gave no answer: run again")
    return row
