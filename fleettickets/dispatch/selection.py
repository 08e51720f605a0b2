"""Which jobs are worth planning when there are more than the shift can take: by tier, then by how close they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleettickets.dispatch.model import Tier
from fleettickets.dispatch.neighbours import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fleettickets.dispatch.problem import Problem

_RANK: Final = {Tier.SAVE: 0, Tier.LATE: 1, Tier.ROUTINE: 2}
_CLOSE: Final = 4
_HOP_S: Final = 420
_MOST_SAVES: Final = 800
"""So many saves a search can look at in seconds: where they lie close together it finds more than their rank tells."""


def select(problem: Problem) -> tuple[list[int], list[int]]:
    """The jobs to plan, best first, and the rest: what the shifts could hold, and a reserve to choose from.

    Solvers that are given every open ticket collapse: most of their time goes to jobs no shift can hold.
    """
    ranked = _ranked(problem)
    saves = sum(tier is Tier.SAVE for tier in problem.tier)
    wanted = max(round(_places(problem) * problem.policy.preselected_per_place), min(saves, _MOST_SAVES))
    return ranked[:wanted], ranked[wanted:]


def _ranked(problem: Problem) -> list[int]:
    everyone = range(len(problem.jobs))
    spread = _spread(nearest(problem, everyone, _CLOSE))
    committed = {problem.index[ticket] for vehicle in problem.vehicles for ticket in vehicle.committed}
    return sorted(
        everyone,
        key=lambda job: (
            job not in committed,
            _RANK[problem.tier[job]],
            spread[job] / max(problem.worth[job], 1),
            job,
        ),
    )


def _spread(close: Mapping[int, Sequence[tuple[float, int]]]) -> dict[int, float]:
    """How lonely each job is: the mean distance to the ones closest to it."""
    return {job: sum(distance for distance, _ in found) / max(len(found), 1) for job, found in close.items()}


def _places(problem: Problem) -> float:
    """How many jobs the shifts hold, about."""
    if not problem.jobs:
        return 0
    service_s = sum(job.service_s for job in problem.jobs) / len(problem.jobs)
    return sum(
        min(
            (vehicle.shift_end_s - max(vehicle.shift_start_s, 0)) / (service_s + _HOP_S),
            vehicle.capacity if vehicle.capacity is not None else float("inf"),
        )
        for vehicle in problem.vehicles
    )
