"""How much one caller may ask: a bucket of tokens each, refilled with time."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

_BURST_S: Final = 4.0
_MOST_CALLERS: Final = 10_000


@dataclass(slots=True)
class Limits:
    """Requests a second for each caller, and some seconds' worth at once; 0 allows everything."""

    rate_per_s: float
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def wait_s(self, caller: str) -> int:
        """0 when the caller may go on, else the whole seconds to wait."""
        if self.rate_per_s <= 0:
            return 0
        now_s, most = time.monotonic(), self.rate_per_s * _BURST_S
        left, seen_s = self._left.pop(caller, (most, now_s))
        left = min(most, left + (now_s - seen_s) * self.rate_per_s)
        allowed = left >= 1
        self._left[caller] = (left - 1 if allowed else left, now_s)
        if len(self._left) > _MOST_CALLERS:
            self._left.popitem(last=False)
        return 0 if allowed else max(1, math.ceil((1 - left) / self.rate_per_s))
