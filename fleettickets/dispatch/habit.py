"""The habit that plans are compared with: the oldest ticket first, to the nearest vehicle whose shift holds it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fleettickets.dispatch.model import Plan
from fleettickets.dispatch.problem import problem_of, triage
from fleettickets.dispatch.tour import Tour

if TYPE_CHECKING:
    from fleettickets.dispatch.model import Instance
    from fleettickets.dispatch.problem import Problem
    from fleettickets.dispatch.travel import Travel


def nearest_first(instance: Instance, travel: Travel | None = None) -> Plan:
    """The routes of the habit for the same tickets and vehicles; nobody locks anything there."""
    free = replace(
        instance,
        jobs=tuple(replace(job, pinned_to=None) for job in instance.jobs),
        vehicles=tuple(replace(vehicle, committed=()) for vehicle in instance.vehicles),
    )
    jobs, vehicles, left = triage(free)
    problem = problem_of(jobs, vehicles, free.policy, travel)
    tours = [Tour(problem, number, order) for number, order in enumerate(orders(problem))]
    return Plan(tuple(tour.route() for tour in tours), tuple(left), "nearest first", problem.travel.source)


def orders(problem: Problem) -> list[list[int]]:
    """For each vehicle its jobs in order."""
    found: list[list[int]] = [[] for _ in problem.vehicles]
    free_s = [max(vehicle.shift_start_s, 0) for vehicle in problem.vehicles]
    places = [problem.start(number) for number in range(len(problem.vehicles))]
    metres = problem.travel.metres
    for job in sorted(range(len(problem.jobs)), key=lambda job: (problem.jobs[job].due_s or 0, job)):
        for number in sorted(problem.able[job], key=lambda number: (metres(places[number], job), number)):
            done_s = _done_s(problem, number, places[number], free_s[number], job)
            capacity = problem.vehicles[number].capacity
            if done_s is not None and (capacity is None or len(found[number]) < capacity):
                found[number].append(job)
                free_s[number], places[number] = done_s, job
                break
    return found


def _done_s(problem: Problem, number: int, place: int, free_s: int, job: int) -> int | None:
    """When the vehicle has done the job after all others; None when its shift ends before that."""
    seconds = problem.travel.seconds
    done_s = max(free_s + seconds(place, job), problem.jobs[job].earliest_s) + problem.jobs[job].service_s
    end = problem.end(number)
    home_s = 0 if end is None else seconds(job, end)
    return None if done_s + home_s > problem.vehicles[number].shift_end_s else done_s
