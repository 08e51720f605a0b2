"""The jobs that lie closest to each job."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from fleettickets.dispatch.problem import points

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fleettickets.dispatch.problem import Problem

_RINGS: Final = 6


def nearest(problem: Problem, jobs: Sequence[int], k: int) -> dict[int, list[tuple[float, int]]]:
    """For each of the jobs its k nearest among them as (degrees, job), nearest first; straight lines."""
    if not jobs:
        return {}
    where = _plane(problem)
    width = _cell_width([where[job] for job in jobs], len(jobs))
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    for job in jobs:
        cells[_cell(where[job], width)].append(job)
    return {job: _nearest(where, cells, width, job, min(k, len(jobs) - 1)) for job in jobs}


def _nearest(
    where: Sequence[tuple[float, float]],
    cells: dict[tuple[int, int], list[int]],
    width: float,
    job: int,
    k: int,
) -> list[tuple[float, int]]:
    """Ring by ring: what lies in the rings so far is complete up to their inner radius. The lonely look everywhere."""
    x, y = where[job]
    found: list[tuple[float, int]] = []
    for ring in range(_RINGS):
        for cell in _ring(_cell((x, y), width), ring):
            found += [
                (math.hypot(where[other][0] - x, where[other][1] - y), other)
                for other in cells.get(cell, ())
                if other != job
            ]
        closest = heapq.nsmallest(k, found)
        if len(closest) == k and (not closest or closest[-1][0] <= ring * width):
            return closest
    everywhere = (other for cell in cells.values() for other in cell if other != job)
    return heapq.nsmallest(k, ((math.hypot(where[other][0] - x, where[other][1] - y), other) for other in everywhere))


def _ring(centre: tuple[int, int], ring: int) -> Iterator[tuple[int, int]]:
    a, b = centre
    for da in range(-ring, ring + 1):
        step = 1 if abs(da) == ring else 2 * ring
        for db in range(-ring, ring + 1, step or 1):
            yield a + da, b + db


def _cell(point: tuple[float, float], width: float) -> tuple[int, int]:
    return math.floor(point[0] / width), math.floor(point[1] / width)


def _cell_width(places: Sequence[tuple[float, float]], n: int) -> float:
    """So that a cell holds about three jobs when they lie evenly; at least ten metres."""
    xs, ys = [x for x, _ in places], [y for _, y in places]
    return max(math.sqrt((max(xs) - min(xs)) * (max(ys) - min(ys)) * 3 / n), (max(xs) - min(xs)) / 500, 1e-4)


def _plane(problem: Problem) -> list[tuple[float, float]]:
    """Degrees of latitude both ways, around the middle of the jobs."""
    places = points(problem.jobs, ())
    lat = sum(lat for lat, _ in places) / len(places)
    lon = sum(lon for _, lon in places) / len(places)
    across = math.cos(math.radians(lat))
    return [((place[1] - lon) * across, place[0] - lat) for place in places]
