"""What a plan is about: jobs, vehicles, routes, and why a job is on none.

All times are whole seconds after the plan's `now`, all distances whole metres, coordinates WGS 84 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FOREVER_S: Final = 1 << 40


class Tier(StrEnum):
    """What serving a ticket now is good for."""

    SAVE = "save"
    """Its deadline passes before the next shift could come: in time now, or never in time."""
    LATE = "late"
    """Its deadline has passed: late beats never."""
    ROUTINE = "routine"
    """Its deadline can wait for the next shift, or it has none."""


class Reason(StrEnum):
    """Why a job is on no route; each is a statement that can be checked."""

    NO_LOCATION = "no_location"
    """Nothing says where it is."""
    COARSE_LOCATION = "coarse_location"
    """Only its cluster is known, and the policy sends nobody to a cluster's middle."""
    SKILL = "skill"
    """No vehicle of the plan has the skills it needs."""
    STALE_VEHICLE = "stale_vehicle"
    """Vehicles have the skills (or one is committed to it), but nobody knows where any of them is now."""
    DEADLINE_UNREACHABLE = "deadline_unreachable"
    """Even a vehicle with nothing else to do would finish it after its deadline."""
    SHIFT_FULL = "shift_full"
    """No vehicle has the time left for it, even when every stop that may be dropped were dropped."""
    OUTRANKED = "outranked"
    """It would fit in the place of stops that rank at least as high; they are named."""


@dataclass(frozen=True, slots=True)
class Job:
    """One ticket to be served. `service_s` includes the time an uncertain location costs."""

    ticket_id: str
    lat: float | None
    lon: float | None
    service_s: int
    due_s: int | None = None
    earliest_s: int = 0
    p_still_open: float = 1.0
    skills: frozenset[str] = frozenset()
    is_coarse: bool = False
    pinned_to: str | None = None

    def tier(self, horizon_s: int) -> Tier:
        """Its tier when the next shift comes after `horizon_s`."""
        if self.due_s is None or self.due_s > horizon_s:
            return Tier.ROUTINE
        return Tier.SAVE if self.due_s > 0 else Tier.LATE


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A crew with its shift. `committed` are the tickets it does first, in this order (the first may be under way)."""

    vehicle_id: str
    lat: float | None
    lon: float | None
    shift_start_s: int
    shift_end_s: int
    end_lat: float | None = None
    end_lon: float | None = None
    skills: frozenset[str] = frozenset()
    capacity: int | None = None
    committed: tuple[str, ...] = ()
    is_stale: bool = False
    label: str | None = None
    """What people call it; None: its id."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a plan prefers. Worths are compared within a plan only; a save done late is worth what a late job is."""

    horizon_s: int = 24 * 3600
    worth: Mapping[Tier, int] = field(default_factory=lambda: {Tier.SAVE: 100, Tier.LATE: 12, Tier.ROUTINE: 5})
    allows_coarse: bool = True
    speed_km_per_h: float = 25.0
    detour: float = 1.35
    preselected_per_place: float = 1.6


@dataclass(frozen=True, slots=True)
class Stop:
    """A job on a route."""

    ticket_id: str
    arrival_s: int
    start_s: int
    finish_s: int
    travel_m: int
    is_on_time: bool | None
    """Whether it is finished before its deadline; None when it has none."""
    slack_s: int | None
    """How much later it may be finished and still be in time; negative when late."""


@dataclass(frozen=True, slots=True)
class Route:
    """One vehicle's stops in order."""

    vehicle_id: str
    stops: tuple[Stop, ...]
    distance_m: int
    end_s: int


@dataclass(frozen=True, slots=True)
class Unassigned:
    """A job on no route: the reason, what stood in its way, and what the best vehicle would have driven for it."""

    ticket_id: str
    reason: Reason
    by: tuple[str, ...] = ()
    best_vehicle: str | None = None
    price_m: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Routes and what is on none of them; the same instance and seed give the same plan."""

    routes: tuple[Route, ...]
    unassigned: tuple[Unassigned, ...]
    method: str
    travel_source: str

    @property
    def assigned(self) -> dict[str, str]:
        """Ticket to vehicle."""
        return {stop.ticket_id: route.vehicle_id for route in self.routes for stop in route.stops}

    @property
    def orders(self) -> dict[str, tuple[str, ...]]:
        """Vehicle to its tickets in order."""
        return {route.vehicle_id: tuple(stop.ticket_id for stop in route.stops) for route in self.routes}


@dataclass(frozen=True, slots=True)
class Instance:
    """All that a plan is made from."""

    jobs: tuple[Job, ...]
    vehicles: tuple[Vehicle, ...]
    policy: Policy = field(default_factory=Policy)
