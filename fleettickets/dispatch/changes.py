"""A plan in the middle of the day: one urgent ticket more, a bounded improvement, and what two plans differ in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleettickets.dispatch.explain import explain, settle
from fleettickets.dispatch.insertion import insert_all, insert_one
from fleettickets.dispatch.model import Plan, Unassigned
from fleettickets.dispatch.planner import plan
from fleettickets.dispatch.problem import problem_of, triage
from fleettickets.dispatch.tour import Tour
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from fleettickets.dispatch.model import Instance
    from fleettickets.dispatch.planner import Improve
    from fleettickets.dispatch.problem import Problem
    from fleettickets.dispatch.travel import Travel


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes for the crews when one plan replaces another; tickets by name, times in seconds."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    moved: tuple[tuple[str, str, str], ...]
    """(ticket, from vehicle, to vehicle)."""
    reordered: tuple[str, ...]
    """Vehicles that keep their tickets and do them in another order."""
    shifted_s: dict[str, int]
    """Ticket to how much later (negative: earlier) it begins with the same vehicle."""
    distance_m: int
    """How much further the fleet drives."""
    on_time: int
    """How many more are in time."""


def insert_urgent(instance: Instance, current: Plan, ticket_id: str, travel: Travel | None = None) -> Plan | Unassigned:
    """The plan with one ticket more and nothing moved: every crew keeps its stops in their order, in time as before.

    Else the reason why it fits nowhere. Raises UsageError when the ticket is unknown or already on a route.
    """
    if ticket_id in current.assigned:
        raise UsageError(f"ticket {ticket_id} is already on the route of {current.assigned[ticket_id]}")
    jobs, vehicles, left = triage(instance)
    for unplannable in left:
        if unplannable.ticket_id == ticket_id:
            return unplannable
    problem = problem_of(jobs, vehicles, instance.policy, travel)
    if ticket_id not in problem.index:
        raise UsageError(f"ticket {ticket_id} is not among the plan's tickets")
    tours = tours_of(problem, current)
    job = problem.index[ticket_id]
    if insert_one(problem, tours, job) is None:
        return explain(problem, tours, job)
    rest = tuple(waiting for waiting in current.unassigned if waiting.ticket_id != ticket_id)
    return Plan(tuple(tour.route() for tour in tours), rest, current.method, problem.travel.source)


def keep_up(instance: Instance, current: Plan, travel: Travel | None = None) -> Plan:
    """The plan over what is known now: what closed leaves its route, what is new fills the gaps.

    Nobody's ticket goes to another crew; one that is worth less may give way to a new one.
    """
    jobs, vehicles, left = triage(instance)
    problem = problem_of(jobs, vehicles, instance.policy, travel)
    tours = tours_of(problem, current)
    done = {job for tour in tours for job in tour.order}
    waiting = insert_all(problem, tours, [job for job in range(len(jobs)) if job not in done])
    unassigned = (*left, *settle(problem, tours, waiting))
    return Plan(tuple(tour.route() for tour in tours), unassigned, current.method, problem.travel.source)


def reoptimise(
    instance: Instance, current: Plan, most_moved: int, travel: Travel | None = None, improve: Improve | None = None
) -> tuple[Plan, int, Plan]:
    """A fresh plan if it moves at most this many tickets to other crews, else the one that moves none.

    Then how many the fresh plan moves or would have moved, and the fresh plan itself.
    """
    fresh = plan(instance, travel, improve)
    kept = keep_up(instance, current, travel)
    moved = len(difference(current, fresh).moved)
    return (fresh if moved <= most_moved else kept), moved, fresh


def difference(before: Plan, after: Plan) -> Difference:
    """What the crews would notice."""
    old, new = before.assigned, after.assigned
    began = {stop.ticket_id: stop.start_s for route in before.routes for stop in route.stops}
    begins = {stop.ticket_id: stop.start_s for route in after.routes for stop in route.stops}
    stays = {ticket for ticket in old.keys() & new.keys() if old[ticket] == new[ticket]}
    return Difference(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        moved=tuple(
            (ticket, old[ticket], new[ticket])
            for ticket in sorted(old.keys() & new.keys())
            if old[ticket] != new[ticket]
        ),
        reordered=tuple(
            vehicle
            for vehicle, order in sorted(before.orders.items())
            if _only(order, stays) != _only(after.orders.get(vehicle, ()), stays)
        ),
        shifted_s={
            ticket: begins[ticket] - began[ticket] for ticket in sorted(stays) if begins[ticket] != began[ticket]
        },
        distance_m=_distance_m(after) - _distance_m(before),
        on_time=_on_time(after) - _on_time(before),
    )


def tours_of(problem: Problem, current: Plan) -> list[Tour]:
    """The plan's routes over the problem's numbers: what is gone is left out, what is committed comes first."""
    committed = {ticket for vehicle in problem.vehicles for ticket in vehicle.committed}
    orders = current.orders
    tours = []
    for number, vehicle in enumerate(problem.vehicles):
        rest = [ticket for ticket in orders.get(vehicle.vehicle_id, ()) if ticket not in committed]
        able = [
            problem.index[ticket]
            for ticket in rest
            if ticket in problem.index and number in problem.able[problem.index[ticket]]
        ]
        first = [problem.index[ticket] for ticket in vehicle.committed]
        tours.append(_fitting(Tour(problem, number, first, len(first)), able))
    return tours


def _fitting(tour: Tour, rest: list[int]) -> Tour:
    """The stops in their order as long as the shift holds; what does not fit any more is left to be planned anew."""
    for job in rest:
        longer = Tour(tour.problem, tour.vehicle, [*tour.order, job], tour.fixed)
        if not longer.is_over:
            tour = longer
    return tour


def _only(order: tuple[str, ...], tickets: set[str]) -> tuple[str, ...]:
    return tuple(ticket for ticket in order if ticket in tickets)


def _distance_m(one: Plan) -> int:
    return sum(route.distance_m for route in one.routes)


def _on_time(one: Plan) -> int:
    return sum(bool(stop.is_on_time) for route in one.routes for stop in route.stops)
