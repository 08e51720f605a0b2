"""Coordinates people type into a name: decimals, degrees and minutes, either order; only points we work at count."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Point:
    """A place on earth, in degrees."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Box:
    """An upright box of degrees."""

    south: float
    west: float
    north: float
    east: float

    def holds(self, point: Point) -> bool:
        """Whether the point lies inside."""
        return self.south <= point.lat <= self.north and self.west <= point.lon <= self.east


OPERATING_AREA: Final = Box(south=-1.75, west=36.40, north=-0.85, east=37.45)
"""Greater Nairobi with Thika, Limuru, Ngong, Kajiado road and Kangundo: outside of it there is no work."""

_DECIMAL: Final = r"\d{1,3}[.,]\d{3,30}"
_SIDE: Final = r"(?:[NSEW]\b)?"
_GAP: Final = r"[\s,;/|_]{0,4}(?:LONGITUDE|LONG|LNG|LON|LATITUDE|LAT)?[\s:=]{0,3}"
_DECIMALS: Final = re.compile(
    rf"(?<![\d.])([NSEW]?)\s?([-+]?)({_DECIMAL})\s?(?:°|DEG)?\s?({_SIDE}){_GAP}"
    rf"([NSEW]?)\s?([-+]?)({_DECIMAL})\s?(?:°|DEG)?\s?({_SIDE})(?!\.?\d)",
    re.IGNORECASE,
)
_MINUTES: Final = r"\d{1,2}(?:\.\d{1,20})?"
_ANGLE: Final = rf"(\d{{1,3}})\s?(?:°|DEG)\s?({_MINUTES})\s?'\s?(?:({_MINUTES})\s?(?:\"|'')\s?)?([NSEW])"
_ANGLES: Final = re.compile(rf"{_ANGLE}[\s,;/]{{0,4}}{_ANGLE}", re.IGNORECASE)


def find(text: str) -> tuple[Point | None, str]:
    """The first usable point in a text, and the text without what looked like coordinates."""
    found: list[Point] = []

    def take(match: re.Match[str]) -> str:
        point = _of_angles(match) if match.re is _ANGLES else _of_decimals(match)
        if point:
            found.append(point)
        return " ; "

    text = _DECIMALS.sub(take, _ANGLES.sub(take, text))
    return (found[0] if found else None), text


def _of_decimals(match: re.Match[str]) -> Point | None:
    before, sign, number, after, before_2, sign_2, number_2, after_2 = match.groups()
    first = _signed(number, sign, before or after)
    second = _signed(number_2, sign_2, before_2 or after_2)
    return _ordered(first, second)


def _of_angles(match: re.Match[str]) -> Point | None:
    values = []
    for degrees, minutes, seconds, side in (match.groups()[:4], match.groups()[4:]):
        value = float(degrees) + float(minutes) / 60 + float(seconds or 0) / 3600
        values.append(-value if side.upper() in "SW" else value)
    return _ordered(values[0], values[1])


def _signed(number: str, sign: str, side: str) -> float:
    value = float(number.replace(",", "."))
    return -value if sign == "-" or side.upper() in {"S", "W"} else value


def _ordered(first: float, second: float) -> Point | None:
    """Latitude and longitude of this region cannot be mistaken for each other: the range tells a swapped pair."""
    return next((point for point in (Point(first, second), Point(second, first)) if OPERATING_AREA.holds(point)), None)
