"""How long and how far from place to place: straight lines with a detour, or a table of a road router."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

_METRES_PER_DEGREE: Final = 111_195.0


class Travel(Protocol):
    """Driving between places, by index; places are jobs first, then the vehicles' starts, then their ends."""

    @property
    def source(self) -> str:
        """Where the numbers come from: 'straight line x 1.35' or the router's name."""

    def seconds(self, origin: int, target: int) -> int:
        """Driving time."""

    def metres(self, origin: int, target: int) -> int:
        """Driving distance."""


@dataclass(frozen=True, slots=True)
class StraightLine:
    """Straight lines stretched by the detour of a street network, at one speed.

    Plane coordinates around the middle of the points: within 0.1 % of the great circle over 100 km.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    detour: float
    speed_m_per_s: float
    because: str | None = None
    """Why no router was asked, where one should have been."""

    @classmethod
    def between(cls, points: Sequence[tuple[float, float]], detour: float, speed_km_per_h: float) -> StraightLine:
        """From (lat, lon) in degrees."""
        middle = math.radians(sum(lat for lat, _ in points) / max(len(points), 1))
        across = _METRES_PER_DEGREE * math.cos(middle)
        return cls(
            tuple(lon * across for _, lon in points),
            tuple(lat * _METRES_PER_DEGREE for lat, _ in points),
            detour,
            speed_km_per_h / 3.6,
        )

    @property
    def source(self) -> str:
        """Says that no road was looked at."""
        how = f"straight line x {self.detour:g} at {self.speed_m_per_s * 3.6:g} km/h"
        return f"{how}; {self.because}" if self.because else how

    def metres(self, origin: int, target: int) -> int:
        """The stretched straight line."""
        return round(self._straight_m(origin, target) * self.detour)

    def seconds(self, origin: int, target: int) -> int:
        """The stretched straight line at the one speed, rounded up: an arrival is never promised too early."""
        return math.ceil(self._straight_m(origin, target) * self.detour / self.speed_m_per_s)

    def _straight_m(self, origin: int, target: int) -> float:
        """By square root, not by hypot: numpy's answer is the same to the last bit (see search)."""
        across, along = self.xs[origin] - self.xs[target], self.ys[origin] - self.ys[target]
        return math.sqrt(across * across + along * along)


@dataclass(frozen=True, slots=True)
class Table:
    """Durations and distances as a road router gave them."""

    durations_s: Sequence[Sequence[int]]
    distances_m: Sequence[Sequence[int]]
    source: str

    def seconds(self, origin: int, target: int) -> int:
        """As the router says."""
        return self.durations_s[origin][target]

    def metres(self, origin: int, target: int) -> int:
        """As the router says."""
        return self.distances_m[origin][target]
