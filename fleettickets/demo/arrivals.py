"""When tickets are born: a daily curve of arrivals, and outages that flood one distribution point.

Ticket numbers follow time, and the number a moment belongs to is computed, not simulated. So the
baseline, any later window and an endless continuation need no state but the ticket's number.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

from fleettickets.demo.nairobi import Cluster, clusters_by_weight, distribution_points
from fleettickets.demo.plan import DAY_S, EAT_OFFSET_S

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR_S: Final = 3600
ARRIVALS_BY_HOUR: Final = (
    *(2, 1, 1, 1, 2, 4, 8, 14, 20, 23, 22, 20),
    *(18, 16, 16, 17, 18, 18, 16, 14, 12, 9, 7, 4),
)
ARRIVALS_BY_WEEKDAY: Final = (112, 106, 103, 103, 106, 85, 65)
DAYS_BETWEEN_OUTAGES: Final = 6
LAST_OUTAGE_BEFORE_END_S: Final = 3 * HOUR_S
ROWS_FOR_FULL_OUTAGES: Final = 8_000


@dataclass(frozen=True, slots=True)
class Outage:
    """One distribution point down: its customers call within the hour, all are restored together."""

    cluster: Cluster
    location_name: str
    tickets: int
    restored_s: int


class Birth(NamedTuple):
    """A ticket comes into being."""

    number: int
    at_s: int
    outage: Outage | None


@dataclass(frozen=True, slots=True)
class Period:
    """What the arrivals must fit: exactly `rows` tickets in the `history_days` before `start_s`."""

    rows: int
    history_days: int
    start_s: int
    end_s: int
    seed: str
    has_outages: bool


class Arrivals:
    """The births of one dataset, in order of time, from the first day of the history on for ever."""

    def __init__(self, period: Period) -> None:
        self._period = period
        self._first_hour = -24 * period.history_days
        self._last_outage_hour = (period.end_s - LAST_OUTAGE_BEFORE_END_S - period.start_s) // HOUR_S
        self._weights = [0]
        self._in_outages = [0]
        self._measure_until(0)
        self._history_weight = self._weights[-1]
        self._regular_rows = period.rows - self._in_outages[-1]

    def since(self, instant_s: int) -> Iterator[Birth]:
        """Yield births from the hour of the instant on; endless."""
        hour = (instant_s - self._period.start_s) // HOUR_S
        for each in count(max(hour, self._first_hour)):
            yield from self._births(each)

    def _births(self, hour: int) -> Iterator[Birth]:
        first = self._first_number(hour)
        births = self._first_number(hour + 1) - first
        outage = self._outage(hour)
        hour_s = self._period.start_s + hour * HOUR_S
        for nth in range(births):
            in_outage = outage and (nth + 1) * outage.tickets // births > nth * outage.tickets // births
            # 7919 is prime: it scatters births inside their share of the hour without a draw.
            at_s = hour_s + (nth * HOUR_S + (first + nth) * 7919 % HOUR_S) // births
            yield Birth(first + nth, at_s, outage if in_outage else None)

    def _first_number(self, hour: int) -> int:
        self._measure_until(hour)
        index = hour - self._first_hour
        regular = self._regular_rows * self._weights[index] // self._history_weight
        return regular + self._in_outages[index]

    def _measure_until(self, hour: int) -> None:
        while len(self._weights) <= hour - self._first_hour:
            measured = self._first_hour + len(self._weights) - 1
            outage = self._outage(measured)
            self._weights.append(self._weights[-1] + self._weight(measured))
            self._in_outages.append(self._in_outages[-1] + (outage.tickets if outage else 0))

    def _weight(self, hour: int) -> int:
        day, second = divmod(self._period.start_s + hour * HOUR_S + EAT_OFFSET_S, DAY_S)
        weekday = (day + 3) % 7  # 1 January 1970 was a Thursday
        swing = 85 + self._draw(f"day {day}") % 31
        return ARRIVALS_BY_HOUR[second // HOUR_S] * ARRIVALS_BY_WEEKDAY[weekday] * swing

    def _outage(self, hour: int) -> Outage | None:
        if not self._period.has_outages:
            return None
        if hour >= 0 and hour == self._last_outage_hour:
            return self._outage_at(hour, self._draw(f"outage {hour}"), hours_down=9)
        draw = self._draw(f"outages of day {hour // 24}")
        if draw % DAYS_BETWEEN_OUTAGES or hour % 24 != draw // 7 % 24:
            return None
        return self._outage_at(hour, draw, hours_down=4 + draw // 11 % 8)

    def _outage_at(self, hour: int, draw: int, *, hours_down: int) -> Outage | None:
        rows = self._period.rows
        tickets = (12 + draw // 13 % 16) * min(rows, ROWS_FOR_FULL_OUTAGES) // ROWS_FOR_FULL_OUTAGES
        if not tickets:
            return None
        cluster = clusters_by_weight()[draw // 17 % 1024]
        names = distribution_points(cluster)
        restored_s = self._period.start_s + (hour + hours_down) * HOUR_S
        return Outage(cluster, names[draw // 19 % len(names)], tickets, restored_s)

    def _draw(self, what: str) -> int:
        return zlib.crc32(f"{self._period.seed}:{what}".encode())
