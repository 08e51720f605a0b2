"""How long an urgent ticket takes to get into a plan of a full day, and whether anything else moves."""

from __future__ import annotations

import time
from dataclasses import replace
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from fleet import day

from fleettickets.dispatch.changes import difference, insert_urgent
from fleettickets.dispatch.model import Plan
from fleettickets.dispatch.planner import plan

if TYPE_CHECKING:
    from collections.abc import Callable

_KNOWN = 300
_TICKETS = 40


def measure(say: Callable[[str], None]) -> dict[str, Any]:
    """50 crews, 300 tickets, forty more that arrive one after the other."""
    whole = day(50, _KNOWN + _TICKETS, 1)
    known = replace(whole, jobs=whole.jobs[:-_TICKETS])
    current = plan(known)
    took_ms, moved, inserted, moved_by_fresh = [], 0, 0, []
    for number in range(_TICKETS):
        known = replace(whole, jobs=whole.jobs[: _KNOWN + number + 1])
        began = time.perf_counter()
        found = insert_urgent(known, current, whole.jobs[_KNOWN + number].ticket_id)
        took_ms.append((time.perf_counter() - began) * 1000)
        if isinstance(found, Plan):
            inserted += 1
            moved += len(difference(current, found).moved)
            current = found
    five = replace(whole, jobs=whole.jobs[: _KNOWN + 5])
    first, fresh = plan(replace(whole, jobs=whole.jobs[:_KNOWN])), plan(five)
    moved_by_fresh.append(len(difference(first, fresh).moved) / len(first.assigned))
    say(f"urgent: median {median(took_ms):.0f} ms, {inserted} of {_TICKETS} fit, {moved} others moved")
    return {
        "median_ms": round(median(took_ms), 1),
        "p95_ms": round(quantiles(took_ms, n=20)[-1], 1),
        "inserted": inserted,
        "of": _TICKETS,
        "moved": moved,
        "moved_by_a_fresh_plan_after_five": round(moved_by_fresh[0], 2),
    }
