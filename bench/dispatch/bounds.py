"""What nobody can beat on a day: most worth, most saves, and where all is served, the least way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from fleettickets.dispatch.model import Tier
from fleettickets.dispatch.problem import problem_of, triage
from fleettickets.dispatch.tour import Tour

if TYPE_CHECKING:
    from typing import Any

    from fleettickets.dispatch.model import Instance
    from fleettickets.dispatch.problem import Problem

_STEPS: Final = 300
_MOST_JOBS: Final = 400


@dataclass(frozen=True, slots=True)
class Bounds:
    """`way_m` is for serving every ticket; None where there are too many to ask."""

    worth: float
    saved: int
    way_m: float | None


def bounds(instance: Instance) -> Bounds:
    """Relaxed: a ticket costs its service and the shortest way that leads to it, and all shifts are one big shift."""
    jobs, vehicles, _ = triage(instance)
    problem = problem_of(jobs, vehicles, instance.policy, None)
    room_s = sum(vehicle.shift_end_s - max(vehicle.shift_start_s, 0) for vehicle in vehicles)
    costs_s = _least_seconds(problem)
    bare = [Tour(problem, vehicle) for vehicle in range(len(vehicles))]
    reachable = {
        job
        for job in range(len(jobs))
        if problem.tier[job] is Tier.SAVE and any(one.cheapest(job, problem.finish_by(job)) for one in bare)
    }
    saves = sorted(costs_s[job] for job in reachable)
    saved = int(np.searchsorted(np.cumsum(saves), room_s, side="right")) if saves else 0
    worths = [
        problem.worth[job] if job in reachable or problem.tier[job] is not Tier.SAVE else problem.worth_late(job)
        for job in range(len(jobs))
    ]
    way_m = _least_way_m(problem) if len(jobs) <= _MOST_JOBS else None
    return Bounds(_most_worth(worths, costs_s, room_s) / 1_000, saved, way_m)


def _least_seconds(problem: Problem) -> list[int]:
    places = [*range(len(problem.jobs)), *(problem.start(vehicle) for vehicle in range(len(problem.vehicles)))]
    return [
        problem.jobs[job].service_s + min(problem.travel.seconds(place, job) for place in places if place != job)
        for job in range(len(problem.jobs))
    ]


def _most_worth(worths: list[int], costs_s: list[int], room_s: int) -> float:
    """The best by worth a second until the room is full; the last one in part."""
    total = 0.0
    for worth, cost_s in sorted(zip(worths, costs_s, strict=True), key=lambda one: -one[0] / one[1]):
        share = min(room_s / cost_s, 1)
        total += worth * share
        room_s -= round(cost_s * share)
        if room_s <= 0:
            break
    return total


def _least_way_m(problem: Problem) -> float:
    """A lower bound on the way that serves every ticket, after Held and Karp.

    Routes are a forest on the starts in which a ticket has at most two neighbours and a start at most one. Who has more
    pays for it, a little more in each step; a forest that is cheapest under such prices is never dearer than routes.
    """
    n, m = len(problem.jobs), len(problem.vehicles)
    metres = problem.travel.metres
    between = np.array([[metres(a, b) for b in range(n)] for a in range(n)], dtype=float)
    starts = np.array([[metres(problem.start(one), job) for job in range(n)] for one in range(m)], dtype=float)
    paid, start_paid = np.zeros(n), np.zeros(m)
    best, step_m = 0.0, float(starts.min(axis=0).mean())
    for step in range(_STEPS):
        way, degrees, start_degrees = _forest(
            between + paid[:, None] + paid[None, :], starts + start_paid[:, None] + paid[None, :]
        )
        best = max(best, float(way - 2 * paid.sum() - start_paid.sum()))
        size = step_m * 0.985**step
        paid = np.maximum(paid + size * (degrees - 2), 0)
        start_paid = np.maximum(start_paid + size * (start_degrees - 1), 0)
    return best


def _forest(between: Any, starts: Any) -> tuple[float, Any, Any]:  # noqa: ANN401  # numpy arrays
    """The cheapest forest that joins each ticket to a start: its cost, and the neighbours of tickets and starts."""
    n = len(between)
    nearest_start = starts.argmin(axis=0)
    cost = starts[nearest_start, np.arange(n)]
    parent = np.full(n, -1)
    open_, total = np.ones(n, dtype=bool), 0.0
    degrees, start_degrees = np.zeros(n), np.zeros(len(starts))
    for _ in range(n):
        job = int(np.where(open_, cost, np.inf).argmin())
        total += float(cost[job])
        open_[job] = False
        degrees[job] += 1
        if parent[job] < 0:
            start_degrees[nearest_start[job]] += 1
        else:
            degrees[parent[job]] += 1
        nearer = open_ & (between[job] < cost)
        cost[nearer] = between[job][nearer]
        parent[nearer] = job
    return total, degrees, start_degrees
