"""What is uploaded in a sandbox, and what must follow from it: the last writer of each row, every sighting."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from feed import closed, sheet, ticket

from fleettickets.datasets import EAT, FEED_COLUMNS, INC

if TYPE_CHECKING:
    from collections.abc import Iterable


NOW: Final = datetime(2026, 6, 25, 9, tzinfo=UTC)
START: Final = datetime(2026, 6, 22, 6)  # noqa: DTZ001  # a name in the bucket is naive
KINDS: Final = ("open", "closed", "alarm", "ragged", "sentinel", "no id")
UNUSABLE: Final = {
    "empty": b"",
    "binary": bytes(range(256)) * 4,
    "error page": b"<html><head><title>502 Bad Gateway</title></head></html>\n",
    "column missing": sheet([ticket("A", raw_status="LOST")], [name for name in FEED_COLUMNS if name != "raw_status"]),
}
BAD_TIMES: Final = ("2026-13-45T99-99-99.csv", "2026-02-30T10-00-00.csv", "2031-01-01T00-00-00.csv")
NO_EXPORTS: Final = ("notes.txt", "2026-06-22T06-00-00.CSV", "old/2026-06-22T06-00-00.csv", 'it\'s "x"; --\né.csv')
Identity = tuple[str, str, datetime]
"""Key, ETag, last-modified."""


@dataclass(frozen=True)
class Line:
    """One line of a file: what kind, which ticket, what it says."""

    kind: str
    ticket_id: str
    team: str = "x"

    @property
    def text(self) -> bytes:
        if self.kind == "sentinel":
            return b"EXPORT STOPPED: limit reached\n"
        if self.kind == "ragged":
            return f'"{self.ticket_id}","incident","{self.team}"\n'.encode()
        row = closed(self.ticket_id) if self.kind == "closed" else ticket(self.ticket_id)
        row |= {"assigned_team": self.team, "is_alarm": "true" if self.kind == "alarm" else "false"}
        row |= {"ticket_id": " "} if self.kind == "no id" else {}
        return sheet([row]).split(b"\n", 1)[1]


@dataclass(frozen=True)
class Content:
    """The bytes of a file: its lines, or a kind of file that cannot be used; and whether they came in parts."""

    lines: tuple[Line, ...] = ()
    unusable: str | None = None
    multipart: bool = False

    @cached_property
    def body(self) -> bytes:
        return UNUSABLE[self.unusable] if self.unusable else sheet([]) + b"".join(line.text for line in self.lines)

    @cached_property
    def md5(self) -> str:
        return hashlib.md5(self.body, usedforsecurity=False).hexdigest()

    def count(self, *kinds: str) -> int:
        return sum(line.kind in kinds for line in self.lines)


@dataclass(eq=False)
class Version:
    """One upload; `replaced` when the producer overwrote it where it lay."""

    key: str
    etag: str
    modified: datetime
    content: Content
    replaced: bool = False
    read_again: bool = True

    def __post_init__(self) -> None:
        self.identity: Identity = (self.key, self.etag, self.modified)
        self.name = self.key.removeprefix(INC.changes)

    @property
    def order(self) -> tuple[datetime, datetime, str]:
        exported_at = datetime.strptime(self.name, "%Y-%m-%dT%H-%M-%S.csv").replace(tzinfo=EAT)
        return (exported_at.astimezone(UTC), self.modified, self.etag)

    @property
    def expected_state(self) -> str:
        if self.name in NO_EXPORTS:
            return "unexpected"
        return "quarantined" if self.name in BAD_TIMES or self.content.unusable else "applied"


def key_of(slot: int) -> str:
    """The key of the export of an hour."""
    return f"{INC.changes}{START + timedelta(hours=slot):%Y-%m-%dT%H-%M-%S}.csv"


def fold(applied: Iterable[Version]) -> dict[str, tuple[Any, ...]]:
    """Ticket -> what its greatest row says and which version wrote it; an id that was only ever an alarm is none."""
    newest: dict[str, tuple[Line, Version]] = {}
    tickets = set()
    for version in sorted(applied, key=lambda version: version.order):
        for line in version.content.lines:
            if line.kind in {"open", "closed", "alarm"}:
                newest[line.ticket_id] = (line, version)
            if line.kind in {"open", "closed"}:
                tickets.add(line.ticket_id)
    return {
        ticket_id: (line.team, str(line.kind == "alarm").lower(), line.kind == "open", *version.order)
        for ticket_id, (line, version) in newest.items()
        if ticket_id in tickets
    }


def sightings(applied: Iterable[Version]) -> set[tuple[Any, ...]]:
    """What each applied version says of each ticket, by its last line about it: history, whenever it was read."""
    found = {}
    for version in applied:
        for line in version.content.lines:
            if line.kind in {"open", "closed", "alarm"}:
                found[line.ticket_id, version.order] = (line.team, line.kind == "alarm")
    return {(ticket_id, *order, *facts) for (ticket_id, order), facts in found.items()}


def check_counts(version: Version, row: dict[str, Any]) -> None:
    """Every row of the file is counted, once."""
    content = version.content
    names = ("new", "changed", "unchanged", "stale", "duplicate", "alarm", "sentinel", "rejected")
    assert row["rows_read"] == sum(row[f"rows_{name}"] for name in names), f"rows do not add up: {row}"
    counted = (row["rows_read"], row["rows_sentinel"], row["rows_rejected"], row["kept"])
    rejected = content.count("ragged", "no id")
    assert counted == (len(content.lines), content.count("sentinel"), rejected, rejected), f"miscounted: {row}"


def plain_name(key: str) -> str:
    """The name a file had in changes/: without the archive's suffix for other content of the same name."""
    name = key.removeprefix(INC.root).partition("/")[2]
    stem, dot, tail = name.removesuffix(".csv").rpartition(".")
    return f"{stem}.csv" if dot and len(tail) == 12 else name
