"""The same numbers from both ends: what the simulator wrote, and what tables, read function and HTTP answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fleettickets.db import Connection
    from fleettickets.demo.count import Count


@dataclass(frozen=True, slots=True)
class Agreement:
    """One number as the simulator counted it and as the database answers it."""

    what: str
    written: int
    found: int


def compare(connection: Connection, counts: Mapping[str, Count], over_http: Mapping[str, int]) -> list[Agreement]:
    """The simulator's own count beside the tables, the map's read function, and what a browser gets."""
    summary = map_summary(connection)
    found = []
    for name, count in counts.items():
        total, is_open, alarms = _table_counts(connection, name)
        found.append(Agreement(f"{name} tickets", count.tickets, total))
        found.append(Agreement(f"{name} open, in the table", count.open, is_open))
        found.append(Agreement(f"{name} open, through fn_tickets_for_map", count.open, summary["by_dataset"][name]))
        found.append(Agreement(f"{name} turned alarm", count.alarm_turned, alarms))
    found += [Agreement(f"{name} open, over HTTP", one.open, over_http.get(name, 0)) for name, one in counts.items()]
    return found


def disagreements(agreements: Sequence[Agreement]) -> list[Agreement]:
    """Those whose two numbers differ."""
    return [one for one in agreements if one.written != one.found]


def map_summary(connection: Connection) -> dict[str, Any]:
    """What the map's read function says of all open tickets."""
    row = connection.execute("SELECT reporting.fn_tickets_for_map() -> 'summary'").fetchone()
    return dict(row[0]) if row else {}


def _table_counts(connection: Connection, name: str) -> tuple[Any, ...]:
    query = sql.SQL(
        "SELECT count(*), count(*) FILTER (WHERE is_actionable), "
        "count(*) FILTER (WHERE tickets.to_bool(raw ->> 'is_alarm')) FROM {}"
    ).format(sql.Identifier("tickets", name))
    return connection.execute(query).fetchone() or (0, 0, 0)
