"""Positions that lie in a database already: any view with a column a fact, or Traccar's own tables."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

from fleettickets.dispatch.positions.fix import Fix
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleettickets.db import Connection

_NAMES: Final = tuple(field.name for field in fields(Fix))
_NEEDED: Final = ("vehicle_id", "lat", "lon", "fixed_at")
_LIKELY: Final = {
    "vehicle_id": ("vehicle_id", "imei", "device_id", "uniqueid", "id"),
    "label": ("label", "plate", "registration", "vehicle_name", "device_name", "name", "vehicle_number"),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "lng", "longitude"),
    "fixed_at": ("fixed_at", "gps_time", "gpstime", "fix_time", "fixtime", "recorded_at", "position_time"),
    "heartbeat_at": ("heartbeat_at", "hb_time", "hbtime", "last_heartbeat"),
    "speed_km_per_h": ("speed_km_per_h", "speed_kmh", "speed"),
    "heading_deg": ("heading_deg", "direction", "course", "heading"),
    "ignition": ("ignition", "acc_status", "accstatus", "acc"),
}
TRACCAR: Final = """
    SELECT device.uniqueid, fix.latitude, fix.longitude, fix.fixtime AT TIME ZONE 'UTC', device.name,
        device.lastupdate AT TIME ZONE 'UTC', fix.speed * 1.852, fix.course, NULL
    FROM tc_devices AS device
    JOIN tc_positions AS fix ON fix.id = device.positionid
    WHERE fix.valid
"""


def from_view(connection: Connection, view: str, columns: Mapping[str, str]) -> list[Fix]:
    """Every row of a view as a fix; columns that are not mapped are looked for under their usual names.

    Times must be timestamptz, or naive in UTC. Raises UsageError when the view or a needed column is missing.
    """
    unknown = sorted(set(columns) - set(_NAMES))
    if unknown:
        raise UsageError(f"a position has no {', '.join(unknown)}: map {', '.join(_NAMES)}")
    relation = sql.Identifier(*view.split("."))
    try:
        there = [
            column.name
            for column in connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(relation)).description or ()
        ]
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.FeatureNotSupported):
        raise UsageError(f"there is no view {view} in this database: set FLEETTICKETS_POSITIONS_VIEW") from None
    chosen = {name: columns.get(name) or next((one for one in _LIKELY[name] if one in there), None) for name in _NAMES}
    missing = [name for name in _NEEDED if chosen[name] not in there]
    if missing:
        raise UsageError(
            f"view {view} has no column for {', '.join(missing)} (it has {', '.join(there)}): "
            "map it with FLEETTICKETS_POSITIONS_COLUMNS, for example lat=y,lon=x"
        )
    query = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join(sql.Identifier(column) if column else sql.NULL for column in chosen.values()), relation
    )
    return [_fix(dict(zip(chosen, row, strict=True))) for row in connection.execute(query)]


def from_traccar(connection: Connection) -> list[Fix]:
    """The newest valid position of every device of a Traccar database (times in UTC, speeds in knots)."""
    try:
        rows = connection.execute(TRACCAR).fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        raise UsageError("this database has no tables of Traccar (tc_devices, tc_positions)") from None
    return [_fix(dict(zip(_NAMES, row, strict=True))) for row in rows]


def mapping_of(text: str | None) -> dict[str, str]:
    """'lat=y,lon=x' as a mapping; UsageError when it is written otherwise."""
    pairs = [part.strip().partition("=") for part in (text or "").split(",") if part.strip()]
    if any(not name.strip() or not column.strip() for name, _, column in pairs):
        raise UsageError(f"FLEETTICKETS_POSITIONS_COLUMNS is {text!r}: write it like lat=y,lon=x")
    return {name.strip(): column.strip() for name, _, column in pairs}


def _fix(told: Mapping[str, object]) -> Fix:
    texts = {name: None if told[name] is None else str(told[name]) for name in ("vehicle_id", "label")}
    return Fix(**{**told, **texts})  # type: ignore[arg-type]  # the names are the record's own
