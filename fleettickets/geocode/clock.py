"""The clock geocoding waits by: the run's own now, moving on, so that tests need not wait."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def now(self) -> datetime:
        """This instant, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        ...

    def jitter(self) -> float:
        """Between 0 and 1: keeps many waiting clients from coming back together."""
        ...


class WallClock:
    """Real time, begun at the run's now."""

    def __init__(self, now: datetime) -> None:
        self._began = now.astimezone(UTC)
        self._began_s = time.monotonic()

    def now(self) -> datetime:
        """The run's now and what has passed since."""
        return self._began + timedelta(seconds=time.monotonic() - self._began_s)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def jitter(self) -> float:
        """Chance."""
        return random.random()  # noqa: S311  # a wait, not a secret
