"""What the planner is held to: each figure with its aim, whether it is met, and where nobody could meet it."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, Final

from bench.dispatch.contenders import HABIT, RIVALS, SEARCH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.dispatch.contest import Result

_WEIGHT, _WAY, _SAVES, _TO_VROOM, _TO_BEST = 1.15, 0.35, 2.5, 1.2, 0.99
_RC208_GAP: Final = 0.005
_URGENT_MS, _NEAREST_MS = 100, 5


def judged(results: Sequence[Result], document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every aim with what was found."""
    by_name: dict[str, dict[str, Result]] = {}
    for one in results:
        by_name.setdefault(one.contender, {})[one.instance] = one
    habit, mine = by_name[HABIT], by_name[SEARCH]
    ratios = document["to_habit"][SEARCH]
    found = [
        _aim("weight to nearest first, all days", ratios["weight_of_all"], _WEIGHT, least=True),
        _aim("way a ticket to nearest first, all days", ratios["distance_of_all"], _WAY, note=_ways(habit, mine)),
        _aim("saves in time to nearest first, all days", ratios["saves_of_all"], _SAVES, least=True),
        _aim(
            "saves in time to nearest first, median day", ratios["saves"], _SAVES, least=True, note=_saves(habit, mine)
        ),
    ]
    if "VROOM" in by_name:
        found += _to_vroom(mine, by_name["VROOM"])
    solvers = [by_name[name] for name in RIVALS if name in by_name]
    if solvers:
        ratio, where = min(
            (one.score.worth / max(solver[name].score.worth for solver in solvers), name) for name, one in mine.items()
        )
        found.append(_aim(f"weight to the best solver, least ({where})", ratio, _TO_BEST, least=True))
    gaps = [one["gap"] if not one["faults"] else 1.0 for one in document["rc208"]["found"]]
    others = ", ".join(f"{gap:.2%}" for gap in gaps[1:])
    found.append(_aim("RC208 above the best known", gaps[0], _RC208_GAP, note=f"; other seeds {others}"))
    found.append(_aim("ms to take in an urgent ticket, p95", document["urgent"]["p95_ms"], _URGENT_MS))
    found.append(_aim("other tickets moved by urgent ones", document["urgent"]["moved"], 0))
    if "nearest" in document:
        found.append(_aim("ms for the nearest tickets, p95", document["nearest"]["p95_ms"], _NEAREST_MS))
    return found


def _aim(what: str, found: float, aim: float, *, least: bool = False, note: str = "") -> dict[str, Any]:
    passed = found >= aim if least else found <= aim
    return {"what": what, "found": round(found, 4), "aim": aim, "passed": passed, "note": note}


def _ways(habit: Mapping[str, Result], mine: Mapping[str, Result]) -> str:
    """Where all is served, the least way is known; nobody can serve these days by less."""
    told = []
    for name, one in mine.items():
        least_m, tickets = one.bounds.way_m, one.score.served
        if least_m is not None and tickets == habit[name].score.served and tickets == int(name.split()[2]):
            share = least_m / habit[name].score.distance_m
            told.append(f"{name} at least {share:.2f}, ours {one.score.distance_m / habit[name].score.distance_m:.2f}")
    return f"; where all is served: {'; '.join(told)}" if told else ""


def _saves(habit: Mapping[str, Result], mine: Mapping[str, Result]) -> str:
    """How much of what the habit leaves could be saved at all, and how much of that is."""
    most = median(one.bounds.saved / max(habit[name].score.saved, 1) for name, one in mine.items())
    left = sum(one.bounds.saved - habit[name].score.saved for name, one in mine.items())
    won = sum(one.score.saved - habit[name].score.saved for name, one in mine.items())
    return f"; nobody can be above {most:.2f}; {won / max(left, 1):.1%} of what can be saved beyond nearest first is"


def _to_vroom(mine: Mapping[str, Result], vroom: Mapping[str, Result]) -> list[dict[str, Any]]:
    full = {name: one for name, one in mine.items() if one.is_oversubscribed}
    ratios = {name: one.score.worth / vroom[name].score.worth for name, one in full.items()}
    where = min(ratios, key=lambda name: ratios[name])
    most = full[where].bounds.worth / vroom[where].score.worth
    return [
        _aim("weight to VROOM where oversubscribed, median", median(ratios.values()), _TO_VROOM, least=True),
        _aim(
            f"weight to VROOM where oversubscribed, least ({where})",
            ratios[where],
            _TO_VROOM,
            least=True,
            note=f"; nobody can be above {most:.3f} there",
        ),
    ]
