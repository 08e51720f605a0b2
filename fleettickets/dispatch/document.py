"""A plan as JSON, and back: relative seconds for the planner, instants for people."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fleettickets.dispatch import audit
from fleettickets.dispatch.habit import nearest_first
from fleettickets.dispatch.margin import margins_s
from fleettickets.dispatch.model import Instance, Job, Plan, Policy, Reason, Route, Stop, Tier, Unassigned, Vehicle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from fleettickets.dispatch.travel import Travel


def document_of(instance: Instance, plan: Plan, now: datetime, travel: Travel | None = None) -> dict[str, Any]:
    """Routes with instants, unassigned tickets with reasons, the score, and the instance it was made from."""
    horizon_s = instance.policy.horizon_s
    jobs = {job.ticket_id: job for job in instance.jobs}
    vehicles = {vehicle.vehicle_id: vehicle for vehicle in instance.vehicles}
    return {
        "planned_for": now.isoformat(),
        **_shift(instance, now),
        "method": plan.method,
        "travel_source": plan.travel_source,
        "summary": {
            "tickets": len(instance.jobs),
            "vehicles": sum(bool(route.stops) for route in plan.routes),
            **worth_of(instance, plan),
            "by_reason": _by_reason(plan),
            "nearest_first": worth_of(instance, nearest_first(instance, travel)),
        },
        "routes": [
            {
                "vehicle_id": route.vehicle_id,
                "label": vehicles[route.vehicle_id].label or route.vehicle_id,
                "lat": vehicles[route.vehicle_id].lat,
                "lon": vehicles[route.vehicle_id].lon,
                "distance_m": route.distance_m,
                "ends_at": _at(now, route.end_s),
                "shift_ends_at": _at(now, vehicles[route.vehicle_id].shift_end_s),
                "stops": _stops(instance, route, vehicles[route.vehicle_id], jobs, plan.travel_source, now),
            }
            for route in plan.routes
        ],
        "unassigned": [
            {
                "ticket_id": left.ticket_id,
                "reason": left.reason.value,
                "by": list(left.by),
                "best_vehicle": left.best_vehicle,
                "price_m": left.price_m,
                "lat": jobs[left.ticket_id].lat,
                "lon": jobs[left.ticket_id].lon,
                "due_at": _due_at(jobs[left.ticket_id], now),
                "tier": jobs[left.ticket_id].tier(horizon_s).value,
                "p_still_open": jobs[left.ticket_id].p_still_open,
            }
            for left in plan.unassigned
        ],
        "instance": _instance_document(instance),
        "plan": asdict(plan),
    }


def worth_of(instance: Instance, plan: Plan) -> dict[str, int]:
    """What a plan is worth in numbers that people ask for; the late are those whose deadline had passed before."""
    score = audit.score(instance, plan)
    late = {job.ticket_id for job in instance.jobs if job.tier(instance.policy.horizon_s) is Tier.LATE}
    return {
        "assigned": score.served,
        "saved": score.saved,
        "savable": score.savable,
        "late": len(late),
        "late_served": len(late & plan.assigned.keys()),
        "distance_m": score.distance_m,
    }


def plan_of(document: Mapping[str, Any]) -> Plan:
    """The plan again, as the planner made it."""
    told = document["plan"]
    return Plan(
        tuple(
            Route(one["vehicle_id"], tuple(Stop(**stop) for stop in one["stops"]), one["distance_m"], one["end_s"])
            for one in told["routes"]
        ),
        tuple(
            Unassigned(one["ticket_id"], Reason(one["reason"]), tuple(one["by"]), one["best_vehicle"], one["price_m"])
            for one in told["unassigned"]
        ),
        told["method"],
        told["travel_source"],
    )


def instance_of(document: Mapping[str, Any]) -> Instance:
    """What the plan was made from."""
    told = document["instance"]
    policy = told["policy"]
    worth = {Tier(tier): value for tier, value in policy["worth"].items()}
    return Instance(
        tuple(Job(**{**job, "skills": frozenset(job["skills"])}) for job in told["jobs"]),
        tuple(
            Vehicle(**{**one, "skills": frozenset(one["skills"]), "committed": tuple(one["committed"])})
            for one in told["vehicles"]
        ),
        Policy(**{**policy, "worth": worth}),
    )


def _instance_document(instance: Instance) -> dict[str, Any]:
    told = asdict(instance)
    for one in (*told["jobs"], *told["vehicles"]):
        one["skills"] = sorted(one["skills"])
    told["policy"]["worth"] = {tier.value: value for tier, value in instance.policy.worth.items()}
    return told


def _stops(  # one caller, one step of document_of
    instance: Instance, route: Route, vehicle: Vehicle, jobs: Mapping[str, Job], source: str, now: datetime
) -> list[dict[str, Any]]:
    """The stops with their arrivals, how far those may be off, and what each stop is good for."""
    margins = margins_s(route, vehicle, jobs, instance.policy, source)
    told, left_s = [], max(vehicle.shift_start_s, 0)
    for number, (stop, margin_s) in enumerate(zip(route.stops, margins, strict=True), 1):
        job = jobs[stop.ticket_id]
        told.append(
            _stop(stop, job, number, now)
            | {
                "travel_s": stop.arrival_s - left_s,
                "arrival_margin_s": margin_s,
                "tier": job.tier(instance.policy.horizon_s).value,
            }
        )
        left_s = stop.finish_s
    return told


def _shift(instance: Instance, now: datetime) -> dict[str, Any]:
    """From when to when the plan is: the shift's beginning, or now where it has begun; null without vehicles."""
    if not instance.vehicles:
        return {"starts_at": None, "ends_at": None}
    begins_s = min(max(vehicle.shift_start_s, 0) for vehicle in instance.vehicles)
    ends_s = max(vehicle.shift_end_s for vehicle in instance.vehicles)
    return {"starts_at": _at(now, begins_s), "ends_at": _at(now, max(ends_s, begins_s))}


def _stop(stop: Stop, job: Job, number: int, now: datetime) -> dict[str, Any]:
    return {
        "ticket_id": stop.ticket_id,
        "position": number,
        "lat": job.lat,
        "lon": job.lon,
        "is_coarse": job.is_coarse,
        "arrives_at": _at(now, stop.arrival_s),
        "begins_at": _at(now, stop.start_s),
        "finishes_at": _at(now, stop.finish_s),
        "due_at": _due_at(job, now),
        "is_on_time": stop.is_on_time,
        "slack_s": stop.slack_s,
        "travel_m": stop.travel_m,
        "service_s": job.service_s,
        "p_still_open": job.p_still_open,
    }


def _due_at(job: Job, now: datetime) -> str | None:
    return None if job.due_s is None else _at(now, job.due_s)


def _by_reason(plan: Plan) -> dict[str, int]:
    counted: dict[str, int] = {}
    for left in plan.unassigned:
        counted[left.reason.value] = counted.get(left.reason.value, 0) + 1
    return dict(sorted(counted.items()))


def _at(now: datetime, seconds: int) -> str:
    return (now + timedelta(seconds=seconds)).isoformat()
