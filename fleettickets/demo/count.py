"""Counts what export files say, by reading their bytes again: the state a correct loader must reach.

It knows the feed's columns and nothing of the simulator, so it can check both the simulator and a loader.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fleettickets.demo.plan import ExportFile

SENTINEL: Final = "EXPORT STOPPED"
NO_CLUSTER: Final = "(none)"


@dataclass(slots=True)
class Count:
    """What was written, and where each ticket stands after the newest row about it."""

    files: int = 0
    rows: int = 0
    alarms: int = 0
    sentinels: int = 0
    tickets: int = 0
    open: int = 0
    closed: int = 0
    inactive: int = 0
    alarm_turned: int = 0
    newest_key: str = ""
    open_by_cluster: dict[str, int] = field(default_factory=dict)


def count(files: Iterable[ExportFile]) -> Count:
    """Count rows and sentinels, and sort the tickets by their newest row in the order of the files."""
    total = Count()
    newest: dict[str, tuple[str, str]] = {}
    for file in files:
        total.files += 1
        total.newest_key = max(total.newest_key, file.key)
        _read(file, total, newest)
    states = Counter(state for state, _ in newest.values())
    total.tickets = len(newest)
    total.open, total.closed, total.inactive = states["open"], states["closed"], states["inactive"]
    total.alarm_turned = states["alarm"]
    total.open_by_cluster = dict(Counter(cluster for state, cluster in newest.values() if state == "open"))
    return total


def _read(file: ExportFile, total: Count, newest: dict[str, tuple[str, str]]) -> None:
    for row in csv.DictReader(_lines(file.chunks())):
        ticket_id = row["ticket_id"]
        if ticket_id.startswith(SENTINEL):
            total.sentinels += 1
            continue
        total.rows += 1
        state = _state(row)
        total.alarms += state == "alarm"
        if state != "alarm" or ticket_id in newest:
            newest[ticket_id] = state, row["cluster"] or NO_CLUSTER


def _state(row: dict[str, str]) -> str:
    if row["is_alarm"] == "true":
        return "alarm"
    if row["is_actionable"] == "true":
        return "open"
    return "closed" if row["closed_at"] or row["bucket"] == "closed" else "inactive"


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    rest = ""
    for text in codecs.iterdecode(chunks, "utf-8"):
        *lines, rest = (rest + text).split("\n")
        yield from (line + "\n" for line in lines)
    if rest:
        yield rest
