"""A plan as JSON, and back: relative seconds for the planner, instants for people."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fleettickets.dispatch import audit
from fleettickets.dispatch.model import Instance, Job, Plan, Policy, Reason, Route, Stop, Tier, Unassigned, Vehicle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def document_of(instance: Instance, plan: Plan, now: datetime) -> dict[str, Any]:
    """Routes with instants, unassigned tickets with reasons, the score, and the instance it was made from."""
    score = audit.score(instance, plan)
    jobs = {job.ticket_id: job for job in instance.jobs}
    vehicles = {vehicle.vehicle_id: vehicle for vehicle in instance.vehicles}
    return {
        "planned_for": now.isoformat(),
        "method": plan.method,
        "travel_source": plan.travel_source,
        "summary": {
            "tickets": len(instance.jobs),
            "vehicles": sum(bool(route.stops) for route in plan.routes),
            "assigned": score.served,
            "saved": score.saved,
            "savable": score.savable,
            "distance_m": score.distance_m,
            "by_reason": _by_reason(plan),
        },
        "routes": [
            {
                "vehicle_id": route.vehicle_id,
                "label": vehicles[route.vehicle_id].label or route.vehicle_id,
                "lat": vehicles[route.vehicle_id].lat,
                "lon": vehicles[route.vehicle_id].lon,
                "distance_m": route.distance_m,
                "ends_at": _at(now, route.end_s),
                "stops": [_stop(stop, jobs[stop.ticket_id], number, now) for number, stop in enumerate(route.stops, 1)],
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
            }
            for left in plan.unassigned
        ],
        "instance": _instance_document(instance),
        "plan": asdict(plan),
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
