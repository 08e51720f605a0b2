"""A fix: one statement about where a vehicle was. It is not judged here; dispatch.record_positions does that."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from fleettickets.db import Connection

_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Fix:
    """As told by the source: texts and numbers, degrees, km/h; times in UTC unless they carry an offset."""

    vehicle_id: str | None
    lat: object
    lon: object
    fixed_at: object
    label: str | None = None
    heartbeat_at: object = None
    speed_km_per_h: object = None
    heading_deg: object = None
    ignition: object = None


_FACTS = tuple(one.name for one in fields(Fix))


@dataclass(slots=True)
class Recorded:
    """What became of the fixes."""

    read: int = 0
    new: int = 0
    newest: int = 0
    known: int = 0
    rejected: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def record(connection: Connection, fixes: Iterable[Fix], source: str, now: datetime) -> Recorded:
    """Hand the fixes to the database in batches; the caller owns the transaction."""
    total = Recorded()
    batch: list[Fix] = []
    for fix in fixes:
        batch.append(fix)
        if len(batch) == _BATCH:
            _add(total, _record(connection, batch, source, now))
            batch = []
    if batch:
        _add(total, _record(connection, batch, source, now))
    return total


def _record(connection: Connection, batch: list[Fix], source: str, now: datetime) -> dict[str, Any]:
    told = [{name: _text(value) for name in _FACTS if (value := getattr(fix, name)) is not None} for fix in batch]
    row = connection.execute("SELECT dispatch.record_positions(%s, %s, %s)", [Jsonb(told), source, now]).fetchone()
    return row[0] if row else {}


def _text(value: object) -> str:
    """JSON text without the two things a database cannot hold: NUL and half of a surrogate pair."""
    return str(value).replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _add(total: Recorded, answer: dict[str, Any]) -> None:
    total.read += answer["read"]
    total.new += answer["new"]
    total.newest += answer["newest"]
    total.known += answer["known"]
    for reason, n in answer["rejected"].items():
        total.rejected[reason] = total.rejected.get(reason, 0) + n
