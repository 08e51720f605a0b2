"""A plan looked at by someone who did not make it: is every stop possible, is every reason true, what is it worth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleettickets.dispatch.model import Reason, Tier
from fleettickets.dispatch.problem import may_do, points, triage
from fleettickets.dispatch.travel import StraightLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleettickets.dispatch.model import Instance, Job, Plan, Policy, Route, Vehicle
    from fleettickets.dispatch.travel import Travel


@dataclass(frozen=True, slots=True)
class Score:
    """What a plan is worth."""

    served: int
    saved: int
    """Saves finished before their deadline."""
    savable: int
    worth: float
    distance_m: int

    @property
    def metres_per_ticket(self) -> float | None:
        """Driving a served ticket; None when none is served."""
        return self.distance_m / self.served if self.served else None


def faults(instance: Instance, plan: Plan, travel: Travel | None = None) -> list[str]:
    """Each thing that is wrong with the plan as a sentence; none when it can be driven as it says."""
    jobs, vehicles, _ = triage(instance)
    places = _Places(jobs, vehicles, travel or _straight(jobs, vehicles, instance.policy))
    found = _counted_once(instance, plan)
    by_id = {vehicle.vehicle_id: vehicle for vehicle in vehicles}
    for route in plan.routes:
        if route.vehicle_id in by_id:
            found += places.route_faults(by_id[route.vehicle_id], route)
        elif route.stops:
            found.append(f"{route.vehicle_id} is no vehicle of the plan, or nobody knows where it is")
    return found


def score(instance: Instance, plan: Plan) -> Score:
    """What the plan is worth under the instance's policy."""
    policy = instance.policy
    jobs = {job.ticket_id: job for job in instance.jobs}
    served = saved = 0
    worth = 0.0
    for route in plan.routes:
        for stop in route.stops:
            job = jobs[stop.ticket_id]
            tier = job.tier(policy.horizon_s)
            if tier is Tier.SAVE:
                in_time = job.due_s is not None and stop.finish_s <= job.due_s
                saved += in_time
                tier = Tier.SAVE if in_time else Tier.LATE
            served += 1
            worth += policy.worth[tier] * job.p_still_open
    savable = sum(job.tier(policy.horizon_s) is Tier.SAVE for job in instance.jobs)
    return Score(served, saved, savable, worth, sum(route.distance_m for route in plan.routes))


def _counted_once(instance: Instance, plan: Plan) -> list[str]:
    seen = Counter(stop.ticket_id for route in plan.routes for stop in route.stops)
    seen += Counter(left.ticket_id for left in plan.unassigned)
    known = {job.ticket_id for job in instance.jobs}
    found = [f"{ticket} is in the plan {n} times" for ticket, n in seen.items() if n > 1]
    found += [f"{ticket} is in the plan and not among the jobs" for ticket in seen.keys() - known]
    found += [f"{ticket} is neither on a route nor among the unassigned" for ticket in known - seen.keys()]
    found += [
        f"{left.ticket_id} was outranked, and nobody says by what"
        for left in plan.unassigned
        if left.reason is Reason.OUTRANKED and not left.by
    ]
    return found


def _straight(jobs: Sequence[Job], vehicles: Sequence[Vehicle], policy: Policy) -> Travel:
    return StraightLine.between(points(jobs, vehicles), policy.detour, policy.speed_km_per_h)


class _Places:
    """The numbers of the places and what driving between them costs."""

    def __init__(self, jobs: Sequence[Job], vehicles: Sequence[Vehicle], travel: Travel) -> None:
        self.jobs = {job.ticket_id: (number, job) for number, job in enumerate(jobs)}
        self.starts = {vehicle.vehicle_id: len(jobs) + number for number, vehicle in enumerate(vehicles)}
        self.n_vehicles = len(vehicles)
        self.travel = travel

    def route_faults(self, vehicle: Vehicle, route: Route) -> list[str]:
        """Drive the route."""
        name = vehicle.vehicle_id
        order = tuple(stop.ticket_id for stop in route.stops)
        found = []
        if order[: len(vehicle.committed)] != vehicle.committed:
            found.append(f"{name} does not begin with what it is committed to")
        if vehicle.capacity is not None and len(order) > max(vehicle.capacity, len(vehicle.committed)):
            found.append(f"{name} has more stops than it takes")
        place, clock = self.starts[name], max(vehicle.shift_start_s, 0)
        for stop in route.stops:
            if stop.ticket_id not in self.jobs:
                found.append(f"{stop.ticket_id} cannot be planned and is on the route of {name}")
                return found
            number, job = self.jobs[stop.ticket_id]
            if not may_do(vehicle, job) and stop.ticket_id not in vehicle.committed:
                found.append(f"{name} may not do {stop.ticket_id}")
            arrival = clock + self.travel.seconds(place, number)
            begin = max(arrival, job.earliest_s)
            place, clock = number, begin + job.service_s
            if (stop.arrival_s, stop.start_s, stop.finish_s) != (arrival, begin, clock):
                found.append(f"{name} cannot be at {stop.ticket_id} when the plan says")
            if stop.is_on_time is not (None if job.due_s is None else clock <= job.due_s):
                found.append(f"{stop.ticket_id} is not as much in time as the plan says")
        if vehicle.end_lat is not None and order:
            clock += self.travel.seconds(place, self.starts[name] + self.n_vehicles)
        if clock > vehicle.shift_end_s and len(order) > len(vehicle.committed):
            found.append(f"{name} ends after its shift")
        return found
