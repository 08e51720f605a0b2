"""Insertion in SLA order: what can still be saved first, each job where it costs the least driving."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

from fleettickets.dispatch.model import FOREVER_S, Tier
from fleettickets.dispatch.neighbours import nearest
from fleettickets.dispatch.tour import Tour

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fleettickets.dispatch.problem import Problem

_CLOSE: Final = 12


def committed_tours(problem: Problem) -> list[Tour]:
    """Every vehicle with only what it is committed to."""
    tours = []
    for number, vehicle in enumerate(problem.vehicles):
        first = [problem.index[ticket] for ticket in vehicle.committed]
        tours.append(Tour(problem, number, first, len(first)))
    return tours


def insert_all(problem: Problem, tours: Sequence[Tour], jobs: Iterable[int]) -> list[int]:
    """Insert the jobs into the tours; the jobs that found no place, best first.

    A save is first tried in time. What cannot be in time any more competes with the late ones.
    """
    waiting = list(jobs)
    saves = sorted(
        (job for job in waiting if problem.tier[job] is Tier.SAVE),
        key=lambda job: (-problem.worth[job] // 1_000, problem.finish_by(job), job),
    )
    missed = _cheapest_first(problem, tours, saves, in_time=True)
    late = missed + [job for job in waiting if problem.tier[job] is Tier.LATE]
    left = _cheapest_first(problem, tours, late, in_time=False)
    routine = [job for job in waiting if problem.tier[job] is Tier.ROUTINE]
    return left + _cheapest_first(problem, tours, routine, in_time=False)


def insert_one(problem: Problem, tours: Sequence[Tour], job: int) -> Tour | None:
    """Insert one job where it costs least, in time if that can be; nothing else moves. Its tour, or None."""
    for finish_by in dict.fromkeys((problem.finish_by(job), FOREVER_S)):
        found = _best(tours, range(len(tours)), job, finish_by)
        if found is not None:
            _, number, position = found
            tours[number].insert(job, position)
            return tours[number]
    return None


def _cheapest_first(problem: Problem, tours: Sequence[Tour], jobs: Sequence[int], *, in_time: bool) -> list[int]:
    """Insert the job whose insertion costs least for its worth, then the next; the jobs left over.

    A job just inserted makes its neighbours cheaper for the same tour; they are looked at again at once.
    """
    close = nearest(problem, jobs, _CLOSE)
    heap: list[tuple[float, int, int, int, int]] = []
    changes = [0] * len(tours)
    waiting = set(jobs)

    def offer(job: int, numbers: Sequence[int]) -> bool:
        finish_by = problem.finish_by(job) if in_time else FOREVER_S
        found = _best(tours, numbers, job, finish_by)
        if found is None:
            return False
        extra, number, position = found
        price = (extra + problem.jobs[job].service_s) / max(problem.worth[job], 1)
        heapq.heappush(heap, (price, job, number, position, changes[number]))
        return True

    everyone = range(len(tours))
    left = [job for job in jobs if not offer(job, everyone)]
    while heap:
        _, job, number, position, seen = heapq.heappop(heap)
        if job not in waiting:
            continue
        if changes[number] != seen:
            if not offer(job, everyone):
                waiting.discard(job)
                left.append(job)
            continue
        tours[number].insert(job, position)
        changes[number] += 1
        waiting.discard(job)
        for _, neighbour in close[job]:
            if neighbour in waiting:
                offer(neighbour, [number])
    return sorted(left, key=lambda job: (-problem.worth[job], job))


def _best(tours: Sequence[Tour], numbers: Sequence[int], job: int, finish_by: int) -> tuple[int, int, int] | None:
    """(extra driving in seconds, tour, position) of the cheapest insertion."""
    best: tuple[int, int, int] | None = None
    for number in numbers:
        found = tours[number].cheapest(job, finish_by)
        if found is not None and (best is None or found[0] < best[0]):
            best = found[0], number, found[1]
    return best
