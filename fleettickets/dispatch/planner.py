"""The plan of a shift: choose, insert in SLA order, improve, fill up, exchange, and say why the rest is left.

triage -> select -> insert -> improve (optional) -> fill -> exchange -> explain
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleettickets.dispatch.exchange import worth_on
from fleettickets.dispatch.explain import settle
from fleettickets.dispatch.insertion import committed_tours, insert_all
from fleettickets.dispatch.model import Plan
from fleettickets.dispatch.problem import problem_of, triage
from fleettickets.dispatch.selection import select

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fleettickets.dispatch.model import Instance
    from fleettickets.dispatch.problem import Problem
    from fleettickets.dispatch.tour import Tour
    from fleettickets.dispatch.travel import Travel

    Improve = Callable[[Problem, Sequence[int], Sequence[Tour]], list[Tour]]


def plan(instance: Instance, travel: Travel | None = None, improve: Improve | None = None) -> Plan:
    """Plan the shift; deterministic. `travel` is over the located jobs and vehicles (see `problem.points`).

    Raises UsageError for a ticket or vehicle given twice, a commitment to an unknown ticket, a shift that ends
    before it begins.
    """
    jobs, vehicles, left = triage(instance)
    problem = problem_of(jobs, vehicles, instance.policy, travel)
    chosen, reserve = select(problem)
    tours = committed_tours(problem)
    insert_all(problem, tours, _others(chosen, tours))
    waiting = insert_all(problem, tours, _others([*chosen, *reserve], tours))
    if improve is not None:
        searched = improve(problem, chosen, tours)
        missed = insert_all(problem, searched, _others([*chosen, *reserve], searched))
        if _value(searched) > _value(tours):
            tours, waiting = searched, missed
    unassigned = (*left, *settle(problem, tours, waiting))
    method = "insertion" if improve is None else "insertion + search"
    return Plan(tuple(tour.route() for tour in tours), unassigned, method, problem.travel.source)


def _others(jobs: Sequence[int], tours: Sequence[Tour]) -> list[int]:
    done = {job for tour in tours for job in tour.order}
    return [job for job in jobs if job not in done]


def _value(tours: Sequence[Tour]) -> tuple[int, int]:
    """What is served is worth more than what is not driven."""
    return sum(worth_on(tour, stop) for tour in tours for stop in tour.order), -sum(tour.driving_m() for tour in tours)
