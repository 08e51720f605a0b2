"""What geocoding talks about: points, boxes, what a provider knows, what was decided."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

_EARTH_RADIUS_M: Final = 6_371_008.8


@dataclass(frozen=True, slots=True)
class Point:
    """Degrees of WGS 84."""

    lat: float
    lon: float

    def distance_m(self, other: Point) -> float:
        """Metres along the sphere."""
        lat, other_lat = math.radians(self.lat), math.radians(other.lat)
        half_lat, half_lon = (other_lat - lat) / 2, math.radians(other.lon - self.lon) / 2
        root = math.sin(half_lat) ** 2 + math.cos(lat) * math.cos(other_lat) * math.sin(half_lon) ** 2
        return 2 * _EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(root)))


@dataclass(frozen=True, slots=True)
class Box:
    """An area between two meridians and two parallels."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, point: Point) -> bool:
        """Whether the point lies in it."""
        return self.south <= point.lat <= self.north and self.west <= point.lon <= self.east

    def around(self, other: Box) -> Box:
        """The smallest box over both."""
        return Box(
            min(self.west, other.west),
            min(self.south, other.south),
            max(self.east, other.east),
            max(self.north, other.north),
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """One place a provider offers for a query."""

    name: str
    label: str
    point: Point
    precision: str
    is_place: bool = False
    importance: float | None = None
    ref: str | None = None


class Outcome(StrEnum):
    """What a request came to."""

    OK = "ok"
    EMPTY = "empty"
    LIMITED = "limited"
    """Too many requests: `window` says for how long."""
    REFUSED = "refused"
    """The key or the account is not accepted."""
    AWAY = "away"
    """No answer, an error of the server, or something that is no answer of this provider."""
    INVALID = "invalid"
    """The provider does not take this query."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's reply, understood."""

    outcome: Outcome
    candidates: tuple[Candidate, ...] = ()
    http: int | None = None
    message: str = ""
    window: str | None = None
    remaining: int | None = None
    reset_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster as geocoding sees it: its point, if any, and how far its names may lie from it."""

    name: str
    centre: Point | None
    soft_m: float
    area: Box
    suspect: bool = False
    names: frozenset[str] = frozenset()
    """What it is called, as keys: its code and its own name."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A candidate with its marks, as a reviewer sees it."""

    name: str
    label: str
    lat: float
    lon: float
    precision: str
    similarity: float
    dist_m: float | None
    provider: str
    ref: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a name lies, or why nobody can say, with the evidence."""

    status: str
    point: Point | None = None
    precision: str | None = None
    proposed: Point | None = None
    score: float | None = None
    similarity: float | None = None
    distance_m: float | None = None
    provider: str | None = None
    ref: str | None = None
    query: str | None = None
    note: str | None = None
    offers: tuple[Offer, ...] = ()
    """What could be meant, best first."""


def key_of(text: str | None) -> str:
    """Lower-case letters and digits only: what makes two spellings one."""
    plain = unicodedata.normalize("NFKD", text or "").lower()
    return re.sub(r"[^a-z0-9]", "", plain)
