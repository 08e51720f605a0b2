"""The figures of the planners' contest as one document and as tables for a person, with the bars they are held to."""

from __future__ import annotations

import os
import platform
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from bench.dispatch.contenders import HABIT, RIVALS, SEARCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.dispatch.contest import Result
    from bench.rivals import Absent
    from fleettickets.dispatch.audit import Score

_RAW: Final = tuple(RIVALS)
_OF_ALL: Final = (("weight", 9), ("distance", 8), ("saves", 8))


def document(results: Sequence[Result], absent: Sequence[Absent], seconds: float) -> dict[str, Any]:
    """Medians over the instances, the ratios to the habit of today and to the solvers, and whether the bars are met."""
    by_name: dict[str, dict[str, Result]] = {}
    for one in results:
        by_name.setdefault(one.contender, {})[one.instance] = one
    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "seconds": seconds},
        "contenders": {name: _summary(list(found.values())) for name, found in by_name.items()},
        "to_habit": {
            name: _to(by_name[HABIT], found) for name, found in by_name.items() if name != HABIT and HABIT in by_name
        },
        "to_solvers": _to_solvers(by_name),
        "faults": {one.contender: one.faults[:3] for one in results if one.faults},
        "absent": {one.name: one.reason for one in absent},
        "instances": [
            {
                "instance": one.instance,
                "contender": one.contender,
                "oversubscribed": one.is_oversubscribed,
                "served": one.score.served,
                "saved": one.score.saved,
                "savable": one.score.savable,
                "worth": round(one.score.worth),
                "m_per_ticket": round(one.score.metres_per_ticket or 0),
                "took_s": round(one.took_s, 2),
                "most_worth": round(one.bounds.worth),
                "most_saved": one.bounds.saved,
                "least_m": None if one.bounds.way_m is None else round(one.bounds.way_m),
            }
            for one in results
        ],
    }


def show(found: dict[str, Any]) -> None:
    """Print the document."""
    machine = found["machine"]
    print(f"{machine['cores']} cores, Python {machine['python']}; {machine['seconds']:g} s a solver; medians\n")
    print(f"{'':<51}to nearest first, medians, then of all days")
    print(f"{'':<16}{'saved':>8}{'km/ticket':>11}{'s':>7}" + f"{'weight':>9}{'km':>8}{'saves':>8}" * 2)
    for contender, one in found["contenders"].items():
        ratio = found["to_habit"].get(contender, {})
        print(
            f"{contender:<16}{one['saved_share']:>8.0%}{one['km_per_ticket']:>11.2f}{one['took_s']:>7.1f}"
            f"{ratio.get('weight', 1):>9.2f}{ratio.get('distance', 1):>8.2f}{ratio.get('saves', 1):>8.2f}"
            + "".join(f"{ratio.get(f'{name}_of_all', 1):>{width}.2f}" for name, width in _OF_ALL)
        )
    for name, value in found["to_solvers"].items():
        print(f"{name}: {value}")
    for name, faults in found["faults"].items():
        print(f"{name} cannot be driven: {faults[0]}")
    print(f"urgent ticket: {found['urgent']}")
    print(f"RC208: {found['rc208']}")
    if "nearest" in found:
        print(f"nearest: {found['nearest']}")
    for aim in found["aims"]:
        print(f"{'pass' if aim['passed'] else 'MISS'}  {aim['what']}: {aim['found']} (aim {aim['aim']}){aim['note']}")
    for name, reason in found["absent"].items():
        print(f"{name}: not measured: {reason}")


def _summary(results: Sequence[Result]) -> dict[str, float]:
    return {
        "saved_share": round(median(one.score.saved / max(one.score.savable, 1) for one in results), 3),
        "km_per_ticket": round(median((one.score.metres_per_ticket or 0) / 1000 for one in results), 2),
        "took_s": round(median(one.took_s for one in results), 2),
    }


def _to(habit: dict[str, Result], found: dict[str, Result]) -> dict[str, float]:
    """Medians of each instance's own ratio, and the ratios of the sums over all instances."""
    pairs = [(habit[name].score, one.score) for name, one in found.items()]
    return {
        "weight": round(median(mine.worth / old.worth for old, mine in pairs), 2),
        "distance": round(
            median((mine.metres_per_ticket or 0) / (old.metres_per_ticket or 1) for old, mine in pairs), 2
        ),
        "saves": round(median(mine.saved / max(old.saved, 1) for old, mine in pairs), 2),
        "weight_of_all": round(sum(mine.worth for _, mine in pairs) / sum(old.worth for old, _ in pairs), 2),
        "distance_of_all": round(_per_ticket(mine for _, mine in pairs) / _per_ticket(old for old, _ in pairs), 2),
        "saves_of_all": round(sum(mine.saved for _, mine in pairs) / max(sum(old.saved for old, _ in pairs), 1), 2),
    }


def _per_ticket(scores: Iterable[Score]) -> float:
    found = list(scores)
    return sum(one.distance_m for one in found) / max(sum(one.served for one in found), 1)


def _to_solvers(by_name: dict[str, dict[str, Result]]) -> dict[str, Any]:
    """Weight against raw VROOM where not everything fits, and against the best solver on every instance."""
    raw = {name: by_name[name] for name in _RAW if name in by_name}
    if not raw:
        return {}
    mine = by_name[SEARCH]
    told: dict[str, Any] = {}
    if "VROOM" in raw:
        full = [one.score.worth / raw["VROOM"][name].score.worth for name, one in mine.items() if one.is_oversubscribed]
        told["weight to VROOM where oversubscribed"] = {"median": round(median(full), 3), "least": round(min(full), 3)}
    to_best = {
        name: one.score.worth / max(found[name].score.worth for found in raw.values()) for name, one in mine.items()
    }
    told["weight to the best solver"] = {
        "median": round(median(to_best.values()), 3),
        "least": round(min(to_best.values()), 3),
        "least on": min(to_best, key=lambda name: to_best[name]),
    }
    told["distance to the solver of most worth"] = round(median(_further(mine[name], raw, name) for name in mine), 3)
    return told


def _further(mine: Result, raw: dict[str, dict[str, Result]], name: str) -> float:
    best = max((found[name] for found in raw.values()), key=lambda one: one.score.worth)
    return (mine.score.metres_per_ticket or 0) / (best.score.metres_per_ticket or 1)
