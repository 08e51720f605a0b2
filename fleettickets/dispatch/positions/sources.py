"""The configured source of positions as one function: read once, record, count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleettickets import db
from fleettickets.dispatch.positions import gpx, tables
from fleettickets.dispatch.positions.fix import Fix, Recorded, record
from fleettickets.dispatch.positions.tracksolid import Tracksolid
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

    from fleettickets.config import Settings
    from fleettickets.db import Connection


def reader(
    settings: Settings, connect: Callable[[], Connection], source: str, file: Path | None, vehicle: str | None
) -> Callable[[datetime, bool], Recorded]:
    """A function of (now, apply) that reads the source once; settings that are missing are a UsageError at once."""
    tracksolid = _tracksolid(settings) if source == "tracksolid" else None

    def read(now: datetime, apply: bool) -> Recorded:  # noqa: FBT001  # two values, one caller
        with connect() as connection, connection.transaction(force_rollback=not apply):
            if tracksolid is not None:
                fixes: Iterable[Fix] = tracksolid.fixes(_accounts(settings), _known(connection))
            elif file is not None and vehicle is not None:
                fixes = gpx.fixes_of(file, vehicle)
            else:
                fixes = _from_tables(settings, connection, source)
            return record(connection, fixes, source, now)

    return read


def _from_tables(settings: Settings, connection: Connection, source: str) -> list[Fix]:
    if settings.positions_database_url is None:
        return _rows(settings, connection, source)
    with db.connect(settings.positions_database_url) as other:
        return _rows(settings, other, source)


def _rows(settings: Settings, connection: Connection, source: str) -> list[Fix]:
    if source == "traccar":
        return tables.from_traccar(connection)
    if not settings.positions_view:
        raise UsageError("FLEETTICKETS_POSITIONS_VIEW is not set: name the view that holds the newest positions")
    return tables.from_view(connection, settings.positions_view, tables.mapping_of(settings.positions_columns))


def _tracksolid(settings: Settings) -> Tracksolid:
    values = {
        "URL": settings.tracksolid_url,
        "APP_KEY": settings.tracksolid_app_key,
        "APP_SECRET": settings.tracksolid_app_secret,
        "USER": settings.tracksolid_user,
        "PASSWORD_MD5": settings.tracksolid_password_md5,
    }
    missing = [f"FLEETTICKETS_TRACKSOLID_{name}" for name, value in values.items() if not value]
    if missing:
        raise UsageError(f"{', '.join(missing)} not set: see .env.example")
    url, app_key, app_secret, user, password_md5 = (str(value) for value in values.values())
    return Tracksolid(url, app_key, app_secret, user, password_md5)


def _accounts(settings: Settings) -> list[str]:
    names = [name.strip() for name in (settings.tracksolid_accounts or "").split(",") if name.strip()]
    return names or [str(settings.tracksolid_user)]


def _known(connection: Connection) -> list[str]:
    rows = connection.execute("SELECT vehicle_id FROM dispatch.vehicle WHERE source = 'tracksolid' AND is_active")
    return [vehicle_id for (vehicle_id,) in rows.fetchall()]
