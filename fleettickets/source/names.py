"""What a file's name says: the export's execution time, East Africa Time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from fleettickets.datasets import EAT

_SHAPE: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2})-(\d{2})-(\d{2})\.csv")
_CLOCK_TOLERANCE: Final = timedelta(hours=1)

UNEXPECTED: Final = "unexpected_name"
IMPOSSIBLE_TIME: Final = "impossible_time"
FUTURE: Final = "file_from_future"


def exported_at(name: str, now: datetime) -> tuple[datetime | None, str | None]:
    """The execution time in `name` (no folder) and what is wrong with it, if anything.

    A time more than an hour ahead of `now` is `file_from_future`: one wrong clock must not outrank
    every later export.
    """
    match = _SHAPE.fullmatch(name)
    if match is None or not match[0].isascii():
        return None, UNEXPECTED
    try:
        year, month, day, hour, minute, second = (int(part) for part in match.groups())
        instant = datetime(year, month, day, hour, minute, second, tzinfo=EAT)
    except ValueError:
        return None, IMPOSSIBLE_TIME
    return instant, FUTURE if instant > now + _CLOCK_TOLERANCE else None
