"""Why a job is on no route: a reason that is true, what stands in its way, and its best vehicle with the price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleettickets.dispatch.exchange import exchange, room_for, worth_on
from fleettickets.dispatch.model import FOREVER_S, Reason, Unassigned
from fleettickets.dispatch.tour import Tour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleettickets.dispatch.problem import Problem


def settle(problem: Problem, tours: list[Tour], waiting: Sequence[int]) -> list[Unassigned]:
    """One record a job that stays off the tours, after every exchange that is worth it.

    To say what stands in a job's way, stops are given up on trial. Where those turn out to be worth less than the
    job (or are none: another order of the same stops makes room), the exchange is made, and all is looked at again.
    """
    queue = list(waiting)
    while True:
        queue = exchange(problem, tours, queue)
        bare = [Tour(problem, tour.vehicle, tour.order[: tour.fixed], tour.fixed) for tour in tours]
        records: list[Unassigned] = []
        for job in queue:
            record = _settled(problem, tours, bare, job)
            if isinstance(record, list):
                queue = [other for other in queue if other != job] + record
                break
            records.append(record)
        else:
            return records


def explain(problem: Problem, tours: Sequence[Tour], job: int) -> Unassigned:
    """Why this job fits nowhere as the tours stand, whatever it is worth."""
    bare = [Tour(problem, tour.vehicle, tour.order[: tour.fixed], tour.fixed) for tour in tours]
    number, price_m, reason = _obstacle(problem, tours, bare, job)
    found = room_for(tours[number], job, problem.finish_by(job), FOREVER_S) if reason is Reason.OUTRANKED else None
    return _record(problem, job, reason, found[0] if found else [], number, price_m)


def _settled(problem: Problem, tours: list[Tour], bare: Sequence[Tour], job: int) -> Unassigned | list[int]:
    """The job's record, or the stops given up for it."""
    number, price_m, reason = _obstacle(problem, tours, bare, job)
    if reason is not Reason.OUTRANKED:
        return _record(problem, job, reason, [], number, price_m)
    found = room_for(tours[number], job, problem.finish_by(job), FOREVER_S)
    if found is None:
        raise AssertionError("a job that fits beside what is committed does not fit when all else is given up")
    dropped, trial = found
    if sum(worth_on(tours[number], stop) for stop in dropped) < problem.worth[job] or not dropped:
        tours[number] = trial
        return dropped
    return _record(problem, job, reason, dropped, number, price_m)


def _record(problem: Problem, job: int, reason: Reason, by: Sequence[int], number: int, price_m: int) -> Unassigned:
    names = tuple(problem.jobs[stop].ticket_id for stop in by)
    return Unassigned(problem.jobs[job].ticket_id, reason, names, problem.vehicles[number].vehicle_id, price_m)


def _obstacle(problem: Problem, tours: Sequence[Tour], bare: Sequence[Tour], job: int) -> tuple[int, int, Reason]:
    """(best vehicle, its price in metres, reason)."""
    able = sorted(problem.able[job])
    finish_by = problem.finish_by(job)
    possible = [number for number in able if bare[number].cheapest(job, finish_by) is not None]
    if possible:
        return *_nearest_tour(problem, tours, possible, job), Reason.OUTRANKED
    in_time = any(_soonest_s(bare[number], job) <= finish_by for number in able)
    reason = Reason.SHIFT_FULL if in_time else Reason.DEADLINE_UNREACHABLE
    return *_nearest_tour(problem, tours, able, job), reason


def _soonest_s(bare: Tour, job: int) -> int:
    """When the vehicle could have finished the job if it did nothing else and its shift had no end."""
    problem = bare.problem
    place = bare.order[-1] if bare.order else problem.start(bare.vehicle)
    one = problem.jobs[job]
    return max(bare.free_s() + problem.travel.seconds(place, job), one.earliest_s) + one.service_s


def _nearest_tour(problem: Problem, tours: Sequence[Tour], numbers: Sequence[int], job: int) -> tuple[int, int]:
    """The vehicle that would drive least for the job if it had the time, and how far."""
    metres = problem.travel.metres
    best: tuple[int, int] | None = None
    for number in numbers:
        tour = tours[number]
        places = [problem.start(number), *tour.order]
        end = problem.end(number)
        for position in range(tour.fixed, len(places)):
            place = places[position]
            extra = metres(place, job)
            after = places[position + 1] if position + 1 < len(places) else end
            if after is not None:
                extra += metres(job, after) - metres(place, after)
            if best is None or extra < best[1]:
                best = number, extra
    if best is None:
        raise AssertionError("a job without an able vehicle reached the explanation")
    return best
