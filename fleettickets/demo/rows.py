"""Rows of the feed: a ticket at one step of its life, as 32 quoted values."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from fleettickets.datasets import FEED_COLUMNS
from fleettickets.demo.plan import DAY_S, EAT_OFFSET_S
from fleettickets.demo.tickets import DRAWS, HOUR_S, Step, Ticket, created_known, crew_of, owner_of

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_TICKET: Final = 10_001
BREACHED_S: Final = 48 * HOUR_S
SENTINEL: Final = "EXPORT STOPPED DUE TO EXCESSIVE SIZE"

MTTR_MISSING: Final = DRAWS // 40
SLA_DISPUTED: Final = DRAWS // 25
SLA_MISSING: Final = SLA_DISPUTED + DRAWS // 12
CLOSED_BY_ITSELF: Final = DRAWS // 5
CREATED_BY_ITSELF: Final = DRAWS // 7
UNDATED: Final = DRAWS // 1000
"""Of the closed tickets in a feed with quirks: one in a thousand has no closed_at."""


def header() -> str:
    """Return the first line of every file."""
    return _line(FEED_COLUMNS)


def sentinel(rows: int) -> str:
    """Return the line by which the export says that it cut the file short."""
    return _line((f"{SENTINEL} - {rows}", *[""] * (len(FEED_COLUMNS) - 1)))


class RowWriter:
    """Writes rows of one dataset; `export_of` says which export told of an instant first."""

    def __init__(self, dataset_name: str, export_of: Callable[[int], int], *, odd_ticket: int | None) -> None:
        self._dataset_name = dataset_name
        self._export_of = export_of
        self._odd_ticket = odd_ticket

    def row(self, ticket: Ticket, step: Step) -> str:
        """Return one line of the file, its line end included."""
        kind, draws, status, cluster = ticket.kind, ticket.draws, step.status, ticket.cluster
        first_export_s = self._export_of(ticket.opened_s)
        export_s = self._export_of(step.changed_s)
        exported = eat_text(export_s)
        week_start, week_end = _week(ticket.opened_s)
        source_key, snapshot = _source(self._dataset_name, export_s)
        is_odd = ticket.number == self._odd_ticket
        undated = self._odd_ticket is not None and draws.auto < UNDATED
        return _line(
            (
                f"{kind.prefix}{FIRST_TICKET + ticket.number:07d}",
                kind.source_type,
                kind.services[draws.service % len(kind.services)],
                status.bucket,
                status.raw,
                status.normalized,
                eat_text(ticket.opened_s) if created_known(ticket, step) else "",
                eat_text(step.scheduled_s),
                "" if undated else eat_text(step.closed_s),
                exported,
                eat_text(first_export_s),
                week_start,
                week_end,
                "" if is_odd else cluster.name,
                cluster.region,
                ticket.location_name.replace('"', '""'),
                "",
                "",
                kind.department,
                crew_of(ticket) if step.has_team else "",
                owner_of(ticket).replace('"', '""'),
                _sla(ticket, step),
                "" if undated else _mttr(ticket, step),
                "true" if step.is_alarm or draws.auto < CREATED_BY_ITSELF else "false",
                _is_auto_closed(ticket, step),
                "true" if step.is_alarm else "false",
                status.is_actionable,
                "isptickets-source",
                source_key,
                snapshot,
                eat_text(first_export_s - 5 - draws.visit % 50),
                eat_text(export_s - 5 - draws.visit % 50),
            )
        )


def eat_text(instant_s: int | None) -> str:
    """Write the instant as the feed does: naive, on the EAT clock; nothing for nothing."""
    if instant_s is None:
        return ""
    day, second = divmod(instant_s + EAT_OFFSET_S, DAY_S)
    minute, second = divmod(second, 60)
    return _day(day) + _MINUTES[minute] + _SECONDS[second]


def _line(values: tuple[str, ...]) -> str:
    return '"' + '","'.join(values) + '"\n'


def _mttr(ticket: Ticket, step: Step) -> str:
    if step.closed_s is None or ticket.draws.again < MTTR_MISSING:
        return ""
    return f"{(step.closed_s - ticket.opened_s) / HOUR_S:.4f}"


def _sla(ticket: Ticket, step: Step) -> str:
    """Give the source's own verdict; now and then it contradicts the times, now and then it is missing."""
    if step.closed_s is None or step.is_alarm or SLA_DISPUTED <= ticket.draws.sla < SLA_MISSING:
        return ""
    late = step.closed_s - ticket.opened_s >= BREACHED_S
    return "Breached" if late != (ticket.draws.sla < SLA_DISPUTED) else "Met"


def _is_auto_closed(ticket: Ticket, step: Step) -> str:
    if step.status.bucket != "closed":
        return "false"
    return "true" if step.is_alarm or ticket.draws.notes < CLOSED_BY_ITSELF else "false"


@lru_cache(maxsize=4096)
def _source(dataset_name: str, export_s: int) -> tuple[str, str]:
    name = eat_text(export_s).replace(" ", "T").replace(":", "-")
    return f"snapshots/{dataset_name}/{name}.json", f"snap-{export_s:x}"


@lru_cache(maxsize=4096)
def _day(day: int) -> str:
    return date.fromordinal(_EPOCH_ORDINAL + day).isoformat()


def _week(instant_s: int) -> tuple[str, str]:
    day = (instant_s + EAT_OFFSET_S) // DAY_S
    monday = day - (day + 3) % 7
    return _day(monday), _day(monday + 6)


_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_MINUTES: Final = tuple(f" {minute // 60:02d}:{minute % 60:02d}:" for minute in range(1440))
_SECONDS: Final = tuple(f"{second:02d}" for second in range(60))
