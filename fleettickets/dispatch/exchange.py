"""Stops given up for a job that is worth more: what makes the reason 'outranked' true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleettickets.dispatch.model import FOREVER_S, Tier
from fleettickets.dispatch.tour import Tour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleettickets.dispatch.problem import Problem


def exchange(problem: Problem, tours: list[Tour], waiting: Sequence[int]) -> list[int]:
    """Give up stops wherever a waiting job is worth more than they are together; the jobs waiting after that.

    Ends, because what is on the tours is worth more after each exchange.
    """
    queue = list(waiting)
    left: list[int] = []
    while queue:
        job = queue.pop(0)
        dropped = _take(problem, tours, job)
        if dropped is None:
            left.append(job)
        else:
            queue += dropped
    return left


def room_for(tour: Tour, job: int, finish_by: int, less_than: int) -> tuple[list[int], Tour] | None:
    """The stops to give up so that the job fits, and the tour with the job in it; None when it takes too much.

    The stops taken off on trial are worth less than `less_than` together, the least worth first; whatever still
    fits beside the job is kept after all.
    """
    problem = tour.problem
    if tour.vehicle not in problem.able[job]:
        return None
    stops = sorted(tour.order[tour.fixed :], key=lambda stop: (worth_on(tour, stop), stop))
    if not stops or worth_on(tour, stops[0]) >= less_than:
        return None
    trial = Tour(problem, tour.vehicle, tour.order, tour.fixed)
    dropped: list[int] = []
    total = 0
    for stop in stops:
        total += worth_on(tour, stop)
        if total >= less_than:
            return None
        trial.remove(stop)
        dropped.append(stop)
        found = trial.cheapest(job, finish_by)
        if found is not None:
            trial.insert(job, found[1])
            return [stop for stop in reversed(dropped) if not _kept(tour, trial, stop)], trial
    return None


def worth_on(tour: Tour, stop: int) -> int:
    """What serving the stop is worth on this tour: a save that comes too late there counts as a late one."""
    problem = tour.problem
    in_time = problem.tier[stop] is not Tier.SAVE or stop in tour.promised
    return problem.worth[stop] if in_time else problem.worth_late(stop)


def _kept(tour: Tour, trial: Tour, stop: int) -> bool:
    finish_by = tour.problem.finish_by(stop) if stop in tour.promised else FOREVER_S
    found = trial.cheapest(stop, finish_by)
    if found is None:
        return False
    trial.insert(stop, found[1])
    return True


def _take(problem: Problem, tours: list[Tour], job: int) -> list[int] | None:
    """Take the job by giving up stops of one tour; the stops given up, or None."""
    ways = [(problem.finish_by(job), problem.worth[job])]
    if problem.tier[job] is Tier.SAVE:
        ways.append((FOREVER_S, problem.worth_late(job)))
    for finish_by, worth in ways:
        best: tuple[int, int, list[int], Tour] | None = None
        for number, tour in enumerate(tours):
            found = room_for(tour, job, finish_by, worth)
            if found is not None:
                price = sum(worth_on(tour, stop) for stop in found[0])
                if best is None or price < best[0]:
                    best = price, number, *found
        if best is not None:
            _, number, dropped, trial = best
            tours[number] = trial
            return dropped
    return None
