"""The embedded gazetteer: our own reviewed list of places (see gazetteer.md); rough centres, never houses."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fleettickets.geocode.points import Point

CSV: Final = Path(__file__).with_name("gazetteer.csv")


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the list."""

    name: str
    aliases: tuple[str, ...]
    point: Point
    kind: str
    radius_km: float
    certain: bool
    source: str


@cache
def read() -> tuple[Place, ...]:
    """Every place, in the order of the file."""
    with CSV.open(encoding="utf-8", newline="") as lines:
        return tuple(_place(row) for row in csv.DictReader(lines))


@cache
def by_key() -> dict[str, Place]:
    """Every place by the key of its name and of each alias."""
    return {key(name): place for place in reversed(read()) for name in (*place.aliases, place.name)}


def key(name: str) -> str:
    """Lower-case letters and digits alone: what two spellings of one name share."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _place(row: dict[str, str]) -> Place:
    return Place(
        name=row["name"],
        aliases=tuple(alias for alias in row["aliases"].split(";") if alias),
        point=Point(float(row["lat"]), float(row["lon"])),
        kind=row["kind"],
        radius_km=float(row["radius_km"]),
        certain=row["certain"] == "yes",
        source=row["source"],
    )
