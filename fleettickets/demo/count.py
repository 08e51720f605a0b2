"""Counts what export files say, by reading their bytes again: the state a correct loader must reach.

It knows the feed's columns and nothing of the simulator, so it can check both the simulator and a loader.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from dataclasses import dataclass, field, replace
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
    tally = Tally()
    for file in files:
        tally.add(file)
    return tally.total()


class Tally:
    """Counts file by file, in their order."""

    def __init__(self) -> None:
        self._total = Count()
        self._newest: dict[str, tuple[str, str]] = {}

    def add(self, file: ExportFile) -> None:
        """Count one more file in."""
        total = self._total
        total.files += 1
        total.newest_key = max(total.newest_key, file.key)
        for row in csv.DictReader(_lines(file.chunks())):
            ticket_id = row["ticket_id"]
            if ticket_id.startswith(SENTINEL):
                total.sentinels += 1
                continue
            total.rows += 1
            state = _state(row)
            total.alarms += state == "alarm"
            if state != "alarm" or ticket_id in self._newest:
                self._newest[ticket_id] = state, row["cluster"] or NO_CLUSTER

    def total(self) -> Count:
        """Where everything stands after the files so far."""
        states = Counter(state for state, _ in self._newest.values())
        clusters = Counter(cluster for state, cluster in self._newest.values() if state == "open")
        return replace(
            self._total,
            tickets=len(self._newest),
            open=states["open"],
            closed=states["closed"],
            inactive=states["inactive"],
            alarm_turned=states["alarm"],
            open_by_cluster=dict(clusters),
        )


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
