"""Local search by PyVRP from a warm start: shorter routes, and better choices where not everything fits.

Needs the extra: pip install 'fleettickets[dispatch]'. Deterministic: it stops after a number of iterations, not a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyvrp
from pyvrp.search import NeighbourhoodParams
from pyvrp.stop import MaxIterations, MaxRuntime, MultipleCriteria

from fleettickets.dispatch.model import FOREVER_S, Tier
from fleettickets.dispatch.tour import Tour
from fleettickets.dispatch.travel import StraightLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleettickets.dispatch.problem import Problem

_METRES_PER_WORTH: Final = 3
"""What driving a thousandth of worth pays for: a routine job is worth 15 km, a save 300 km."""
_NEVER: Final = 100_000_000
_HOW: Final = pyvrp.SolveParams(
    ils=pyvrp.IteratedLocalSearchParams(history_length=50), neighbourhood=NeighbourhoodParams(num_neighbours=25)
)
"""Half its usual neighbours make twice the iterations; a short memory suits a short search from a good start."""


@dataclass(frozen=True, slots=True)
class Search:
    """Improve tours. `iterations` bounds the work, `runtime_s` (optional) the time at the price of determinism."""

    iterations: int = 4_000
    runtime_s: float | None = None
    seed: int = 1

    def __call__(self, problem: Problem, chosen: Sequence[int], tours: Sequence[Tour]) -> list[Tour]:
        """Better tours over the chosen jobs; what is committed stays where it is."""
        fixed = {job for tour in tours for job in tour.order[: tour.fixed]}
        late = {
            job for tour in tours for job in tour.order if problem.tier[job] is Tier.SAVE and job not in tour.promised
        }
        everyone = dict.fromkeys([*chosen, *(job for tour in tours for job in tour.order)])
        movable = [job for job in everyone if job not in fixed]
        if not movable or not tours:
            return list(tours)
        again = [job for job in movable if job in late and _latest_s(problem, job) >= problem.jobs[job].earliest_s]
        data = _data(problem, movable, late, again, tours)
        number = {job: client for client, job in enumerate(movable)}
        begin = pyvrp.Solution(
            data,
            [
                pyvrp.Route(data, [number[job] for job in tour.order[tour.fixed :]], vehicle)
                for vehicle, tour in enumerate(tours)
                if len(tour.order) > tour.fixed
            ],
        )
        result = pyvrp.solve(
            data, self._stop(), seed=self.seed, collect_stats=False, params=_HOW, initial_solution=begin
        )
        return _tours(tours, [*movable, *again], result.best) if result.is_feasible() else list(tours)

    def _stop(self) -> Any:  # noqa: ANN401  # pyvrp's protocol has no public type
        limits = [MaxIterations(self.iterations)]
        return MultipleCriteria([*limits, MaxRuntime(self.runtime_s)]) if self.runtime_s else limits[0]


def _data(problem: Problem, movable: Sequence[int], late: set[int], again: Sequence[int], tours: Sequence[Tour]) -> Any:  # noqa: ANN401  # pyvrp's type
    """Places: the jobs, then where each vehicle is free, then where each must end (anywhere, if nowhere).

    A save that comes late on its tour stands there twice, late for little or in time for its worth: one of the two.
    """
    place = {job: number for number, job in enumerate(movable)}
    groups = {job: group for group, job in enumerate(again)}
    starts = [tour.order[tour.fixed - 1] if tour.fixed else problem.start(tour.vehicle) for tour in tours]
    ends = [problem.end(tour.vehicle) for tour in tours]
    places = [*movable, *starts, *(start if end is None else end for start, end in zip(starts, ends, strict=True))]
    metres, seconds = _matrices(problem, places)
    first_end = len(movable) + len(starts)
    for position, end in enumerate(ends):
        if end is None:
            metres[:, first_end + position] = seconds[:, first_end + position] = 0
    kinds = sorted(
        {frozenset(job for job in movable if tour.vehicle not in problem.able[job]) for tour in tours}, key=sorted
    )
    profile = {barred: number for number, barred in enumerate(kinds)}
    locations = [pyvrp.Location(x=0, y=0) for _ in places]
    return pyvrp.ProblemData(
        locations,
        [
            *(_client(problem, place[job], job, groups.get(job), is_late=job in late) for job in movable),
            *(_client(problem, place[job], job, groups[job], is_late=False) for job in again),
        ],
        [pyvrp.Depot(location=len(movable) + position) for position in range(2 * len(tours))],
        [
            _vehicle(
                problem,
                tour,
                position,
                len(tours),
                profile[frozenset(job for job in movable if tour.vehicle not in problem.able[job])],
            )
            for position, tour in enumerate(tours)
        ],
        [_barred(metres, movable, kind) for kind in kinds],
        [_barred(seconds, movable, kind) for kind in kinds],
        [pyvrp.ClientGroup([place[job], len(movable) + group], required=False) for group, job in enumerate(again)],
    )


def _matrices(problem: Problem, places: Sequence[int]) -> tuple[Any, Any]:
    """(metres, seconds) between the places: the very numbers of `travel`, without a call a pair where it can be."""
    travel = problem.travel
    if isinstance(travel, StraightLine):
        xs, ys = np.array(travel.xs)[list(places)], np.array(travel.ys)[list(places)]
        across, along = xs[:, None] - xs[None, :], ys[:, None] - ys[None, :]
        stretched = np.sqrt(across * across + along * along) * travel.detour
        return np.rint(stretched).astype(np.int64), np.ceil(stretched / travel.speed_m_per_s).astype(np.int64)
    metres = np.array([[travel.metres(a, b) for b in places] for a in places], dtype=np.int64)
    seconds = np.array([[travel.seconds(a, b) for b in places] for a in places], dtype=np.int64)
    return metres, seconds


def _barred(matrix: Any, movable: Sequence[int], barred: frozenset[int]) -> Any:  # noqa: ANN401  # numpy array
    """The matrix for vehicles that may not do these jobs: no way leads there."""
    if not barred:
        return matrix
    columns = [position for position, job in enumerate(movable) if job in barred]
    closed = matrix.copy()
    closed[:, columns] = _NEVER
    for column in columns:
        closed[column, column] = 0
    return closed


def _latest_s(problem: Problem, job: int) -> int:
    return problem.finish_by(job) - problem.jobs[job].service_s


def _client(problem: Problem, position: int, job: int, group: int | None, *, is_late: bool) -> Any:  # noqa: ANN401
    one = problem.jobs[job]
    latest_s = _latest_s(problem, job)
    in_time = problem.tier[job] is Tier.SAVE and not is_late and latest_s >= one.earliest_s
    worth = problem.worth[job] if in_time or problem.tier[job] is not Tier.SAVE else problem.worth_late(job)
    return pyvrp.Client(
        location=position,
        delivery=[1],
        service_duration=one.service_s,
        tw_early=one.earliest_s,
        tw_late=latest_s if in_time else FOREVER_S,
        prize=worth * _METRES_PER_WORTH,
        required=False,
        group=group,
    )


def _vehicle(problem: Problem, tour: Tour, position: int, n: int, profile: int) -> Any:  # noqa: ANN401
    vehicle = problem.vehicles[tour.vehicle]
    free_s = tour.free_s()
    room = len(problem.jobs) if vehicle.capacity is None else max(vehicle.capacity - tour.fixed, 0)
    return pyvrp.VehicleType(
        1,
        capacity=[room],
        start_depot=position,
        end_depot=n + position,
        tw_early=free_s,
        tw_late=max(vehicle.shift_end_s, free_s),
        start_late=free_s,
        profile=profile,
    )


def _tours(tours: Sequence[Tour], movable: Sequence[int], solution: Any) -> list[Tour]:  # noqa: ANN401
    better = [Tour(tour.problem, tour.vehicle, tour.order[: tour.fixed], tour.fixed) for tour in tours]
    for route in solution.routes():
        visits = [movable[stop.idx] for stop in route.schedule() if stop.is_client()]
        tour = better[route.vehicle_type()]
        better[route.vehicle_type()] = Tour(tour.problem, tour.vehicle, [*tour.order, *visits], tour.fixed)
    return better
