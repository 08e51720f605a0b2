"""The grid: every contender plans every instance, in turn, and one evaluator looks at all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet import day

from bench.dispatch.bounds import bounds
from fleettickets.dispatch import audit
from fleettickets.dispatch.model import Plan, Reason, Unassigned
from fleettickets.dispatch.problem import problem_of, triage
from fleettickets.dispatch.tour import Tour

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.dispatch.bounds import Bounds
    from bench.dispatch.contenders import Contender, Orders
    from fleettickets.dispatch.audit import Score
    from fleettickets.dispatch.model import Instance


@dataclass(frozen=True, slots=True)
class Result:
    """One contender on one instance; `faults` are the evaluator's sentences, none for a plan that can be driven."""

    instance: str
    contender: str
    is_oversubscribed: bool
    score: Score
    faults: list[str]
    took_s: float
    bounds: Bounds


def contest(
    contenders: Sequence[Contender],
    vehicles: Sequence[int],
    tickets: Sequence[int],
    seeds: int,
    say: Callable[[str], None],
) -> list[Result]:
    """Every result; instances are generated from their seeds."""
    results = []
    for seed in range(1, seeds + 1):
        for n_vehicles in vehicles:
            for n_tickets in tickets:
                instance = day(n_vehicles, n_tickets, seed)
                limits = bounds(instance)
                for contender in contenders:
                    orders, took_s = contender.plan(instance)
                    result = judged(
                        instance, f"{n_vehicles} x {n_tickets} / {seed}", contender.name, orders, took_s, limits
                    )
                    results.append(result)
                    score = result.score
                    say(
                        f"{result.instance:<16}{contender.name:<15}{took_s:6.1f} s  served {score.served}, saved "
                        f"{score.saved} of {score.savable}, worth {score.worth:.0f}, "
                        f"{(score.metres_per_ticket or 0) / 1000:.2f} km a ticket"
                        + (f"  FAULT: {result.faults[0]}" if result.faults else "")
                    )
    return results


def judged(instance: Instance, name: str, contender: str, orders: Orders, took_s: float, limits: Bounds) -> Result:
    """Drive the orders and let the audit look at them. More tickets than a quarter above the room: oversubscribed."""
    jobs, vehicles, _ = triage(instance)
    problem = problem_of(jobs, vehicles, instance.policy, None)
    routes = tuple(Tour(problem, vehicle, order).route() for vehicle, order in enumerate(orders))
    done = {job for order in orders for job in order}
    left = tuple(
        Unassigned(job.ticket_id, Reason.SHIFT_FULL) for number, job in enumerate(problem.jobs) if number not in done
    )
    plan = Plan(routes, left, contender, problem.travel.source)
    room = sum(vehicle.shift_end_s for vehicle in vehicles) / (sum(job.service_s for job in jobs) / len(jobs))
    score, faults = audit.score(instance, plan), audit.faults(instance, plan)
    if score.worth > limits.worth + 1 or score.saved > limits.saved:
        faults.append("it is worth more than any plan can be: the bound is wrong")
    return Result(name, contender, len(jobs) > room, score, faults, took_s, limits)
