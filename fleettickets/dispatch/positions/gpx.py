"""GPX files: the track points of one vehicle."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from fleettickets.dispatch.positions.fix import Fix
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MPS_TO_KM_PER_H = 3.6


def fixes_of(path: Path, vehicle_id: str) -> Iterator[Fix]:
    """Every track point, streamed; a file that is no GPX is a UsageError."""
    try:
        for _, element in iterparse(path, events=("end",)):
            if _tag(element.tag) != "trkpt":
                continue
            told = {_tag(child.tag): child.text for child in element}
            speed = _number(told.get("speed"))
            yield Fix(
                vehicle_id,
                element.get("lat"),
                element.get("lon"),
                told.get("time"),
                speed_km_per_h=None if speed is None else speed * _MPS_TO_KM_PER_H,
                heading_deg=told.get("course"),
            )
            element.clear()
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist: give the path of a GPX file") from None
    except (ParseError, DefusedXmlException, UnicodeDecodeError, IsADirectoryError) as error:
        raise UsageError(f"{path} is no GPX file ({type(error).__name__})") from None


def _tag(name: str) -> str:
    return name.rpartition("}")[2]


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
