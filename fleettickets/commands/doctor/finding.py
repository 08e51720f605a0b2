"""One line of the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_SKEW_WARN_S = 5.0
_SKEW_FAIL_S = 60.0
"""An export is named by the clock of its machine; a minute ahead of ours is what a run still bears."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do; a failing one has the exit code of its kind."""

    subject: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    exit_code: int = 0


def clock(subject: str, skew_s: float) -> Finding:
    """How far a clock is from this machine's, which is what `now` means everywhere else."""
    if abs(skew_s) < _SKEW_WARN_S:
        return Finding(subject, "ok", f"within {_SKEW_WARN_S:g} s of this machine's")
    detail = f"{abs(skew_s):,.0f} s {'ahead of' if skew_s > 0 else 'behind'} this machine's: let NTP set both clocks"
    return Finding(subject, "fail", detail, 1) if abs(skew_s) >= _SKEW_FAIL_S else Finding(subject, "warn", detail)
