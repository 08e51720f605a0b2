"""What to simulate, when each export runs, and how far behind the clock its content ends."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from fleettickets.datasets import EAT, Dataset
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EAT_OFFSET_S: Final = 3 * 3600
DAY_S: Final = 24 * 3600
LAG_S: Final = 2 * DAY_S
"""The service desk's data reaches the export two days late."""
MOST_JITTER_S: Final = 3600
"""No export is later than this beyond the lag, nor by more than a quarter of its rhythm."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One simulated stream: a baseline file, then a delta every so many minutes until `end`."""

    dataset: Dataset
    rows: int = 34_849
    days: int = 40
    seed: int = 1
    end: datetime = field(kw_only=True)
    every_minutes: int = 60
    quirks: bool = True

    def __post_init__(self) -> None:
        """Refuse a plan that nothing can be written for."""
        if self.rows < 1 or self.days < 0 or self.every_minutes < 1:
            raise UsageError("A plan needs rows >= 1, days >= 0 and every_minutes >= 1.")
        if self.end.tzinfo is None:
            raise UsageError("The end of a plan needs a time zone; exports are dated in EAT (+03:00).")

    @property
    def every_s(self) -> int:
        """Seconds between two deltas."""
        return self.every_minutes * 60

    @property
    def deltas(self) -> int:
        """How many deltas follow the baseline."""
        return self.days * DAY_S // self.every_s

    @property
    def newest_s(self) -> int:
        """Epoch second of the newest delta: `end`, rounded down to the rhythm in EAT."""
        end_s = epoch_s(self.end)
        return end_s - (end_s + EAT_OFFSET_S) % self.every_s

    @property
    def baseline_s(self) -> int:
        """Epoch second of the baseline."""
        return self.newest_s - self.deltas * self.every_s


@dataclass(frozen=True, slots=True)
class ExportFile:
    """One file of the feed: its key, its execution time and its bytes, the same at each call."""

    key: str
    exported_at: datetime
    chunks: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Export times `first_s + n * every_s`, for every whole n: exports also ran before the baseline."""

    first_s: int
    every_s: int
    seed: int

    def content_until(self, export_s: int) -> int:
        """Return the instant up to which the export knows the service desk's data."""
        more_s = min(self.every_s // 4, MOST_JITTER_S)
        return export_s - LAG_S - zlib.crc32(f"{self.seed}:{export_s}".encode()) % (more_s + 1)

    def first_export_of(self, instant_s: int) -> int:
        """Find the export that tells of an instant first."""
        late_s = instant_s + LAG_S - self.first_s
        export_s = self.first_s + -(-late_s // self.every_s) * self.every_s
        return export_s if self.content_until(export_s) >= instant_s else export_s + self.every_s


def epoch_s(moment: datetime) -> int:
    """Return whole seconds since 1970 of an aware moment."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution * 1_000_000)


def eat(instant_s: int) -> datetime:
    """Return the instant on the feed's clock."""
    return datetime.fromtimestamp(instant_s, EAT)
