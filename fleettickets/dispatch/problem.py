"""An instance in the shape the planner works on: indexes instead of names, and who may do what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fleettickets.dispatch.model import FOREVER_S, Reason, Tier, Unassigned
from fleettickets.dispatch.travel import StraightLine, Travel
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleettickets.dispatch.model import Instance, Job, Policy, Vehicle


@dataclass(frozen=True, slots=True)
class Problem:
    """Jobs that have a place and vehicles that have one, by index."""

    jobs: tuple[Job, ...]
    vehicles: tuple[Vehicle, ...]
    policy: Policy
    travel: Travel
    able: tuple[frozenset[int], ...]
    """For each job the vehicles that may do it: skills, pin."""
    worth: tuple[int, ...]
    """For each job what serving it is worth, in time if it can still be in time."""
    tier: tuple[Tier, ...]
    index: dict[str, int]

    def start(self, vehicle: int) -> int:
        """The place index where a vehicle starts."""
        return len(self.jobs) + vehicle

    def end(self, vehicle: int) -> int | None:
        """The place index where a vehicle must end; None where its last stop is."""
        if self.vehicles[vehicle].end_lat is None:
            return None
        return len(self.jobs) + len(self.vehicles) + vehicle

    def worth_late(self, job: int) -> int:
        """What a save is worth when it is served after its deadline: late beats never."""
        return round(1_000 * self.policy.worth[Tier.LATE] * self.jobs[job].p_still_open)

    def finish_by(self, job: int) -> int:
        """The instant by which a save must be finished to be one; none for the others."""
        due_s = self.jobs[job].due_s
        return due_s if due_s is not None and self.tier[job] is Tier.SAVE else FOREVER_S


def points(jobs: Sequence[Job], vehicles: Sequence[Vehicle]) -> list[tuple[float, float]]:
    """(lat, lon) of every place in index order; a vehicle without an end has its start there."""
    starts = [(_known(vehicle.lat), _known(vehicle.lon)) for vehicle in vehicles]
    ends = [
        start if vehicle.end_lat is None else (vehicle.end_lat, _known(vehicle.end_lon))
        for vehicle, start in zip(vehicles, starts, strict=True)
    ]
    return [(_known(job.lat), _known(job.lon)) for job in jobs] + starts + ends


def triage(instance: Instance) -> tuple[list[Job], list[Vehicle], list[Unassigned]]:
    """The jobs that can be planned, the vehicles that can, and what cannot with its reason."""
    _check(instance)
    located = [vehicle for vehicle in instance.vehicles if vehicle.lat is not None and not vehicle.is_stale]
    usable = {vehicle.vehicle_id for vehicle in located}
    owners = {ticket: vehicle.vehicle_id for vehicle in instance.vehicles for ticket in vehicle.committed}
    jobs, left = [], []
    for job in instance.jobs:
        owner = owners.get(job.ticket_id)
        reason = _obstacle(job, instance, located) if owner is None else _owned_obstacle(job, owner in usable)
        if reason is None:
            jobs.append(job)
        else:
            left.append(Unassigned(job.ticket_id, reason))
    planned = {job.ticket_id for job in jobs}
    return jobs, [_with_known_commitments(vehicle, planned) for vehicle in located], left


def _with_known_commitments(vehicle: Vehicle, planned: set[str]) -> Vehicle:
    """A crew cannot be followed to a ticket without a place."""
    known = tuple(ticket for ticket in vehicle.committed if ticket in planned)
    return vehicle if known == vehicle.committed else replace(vehicle, committed=known)


def _owned_obstacle(job: Job, owner_is_usable: bool) -> Reason | None:  # noqa: FBT001  # private, one caller
    """What a crew is committed to needs a place and a crew whose place is known; nothing else is asked again."""
    if job.lat is None or job.lon is None:
        return Reason.NO_LOCATION
    return None if owner_is_usable else Reason.STALE_VEHICLE


def problem_of(jobs: Sequence[Job], vehicles: Sequence[Vehicle], policy: Policy, travel: Travel | None) -> Problem:
    """Number jobs and vehicles; straight lines when no travel is given."""
    everyone = range(len(vehicles))
    tiers = tuple(job.tier(policy.horizon_s) for job in jobs)
    return Problem(
        tuple(jobs),
        tuple(vehicles),
        policy,
        travel or StraightLine.between(points(jobs, vehicles), policy.detour, policy.speed_km_per_h),
        tuple(frozenset(v for v in everyone if may_do(vehicles[v], job)) for job in jobs),
        tuple(round(1_000 * policy.worth[tier] * job.p_still_open) for job, tier in zip(jobs, tiers, strict=True)),
        tiers,
        {job.ticket_id: number for number, job in enumerate(jobs)},
    )


def may_do(vehicle: Vehicle, job: Job) -> bool:
    """Whether the crew has the skills and no other crew has the job pinned to it."""
    return job.skills <= vehicle.skills and job.pinned_to in (None, vehicle.vehicle_id)


def _obstacle(job: Job, instance: Instance, located: Sequence[Vehicle]) -> Reason | None:
    if job.lat is None or job.lon is None:
        return Reason.NO_LOCATION
    if job.is_coarse and not instance.policy.allows_coarse:
        return Reason.COARSE_LOCATION
    if not any(may_do(vehicle, job) for vehicle in instance.vehicles):
        return Reason.SKILL
    if not any(may_do(vehicle, job) for vehicle in located):
        return Reason.STALE_VEHICLE
    return None


def _check(instance: Instance) -> None:
    for what, names in (
        ("ticket", [job.ticket_id for job in instance.jobs]),
        ("vehicle", [vehicle.vehicle_id for vehicle in instance.vehicles]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        if twice:
            raise UsageError(f"{what} {', '.join(twice[:3])} is given twice: each may be in a plan once")
    claimed = [ticket for vehicle in instance.vehicles for ticket in vehicle.committed]
    if len(set(claimed)) < len(claimed):
        raise UsageError("a ticket is committed to two vehicles: release one of them")
    strange = set(claimed) - {job.ticket_id for job in instance.jobs}
    if strange:
        raise UsageError(f"committed ticket {min(strange)} is not among the jobs: leave it out of the vehicle's list")
    for vehicle in instance.vehicles:
        if vehicle.shift_end_s < vehicle.shift_start_s:
            raise UsageError(f"vehicle {vehicle.vehicle_id}: its shift ends before it begins")


def _known(value: float | None) -> float:
    if value is None:
        raise ValueError("a place without coordinates reached the planner")
    return value
