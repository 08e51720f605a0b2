"""How far an arrival may be off: assumed, not measured, and told beside every arrival.

About two of three arrivals should lie within. Driving errs the same way all day, so its share adds up along a route;
the lengths of services and what an unknown place costs are independent, so their squares do.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleettickets.dispatch.model import Job, Policy, Route, Vehicle

STRAIGHT_LINE: Final = 0.30
"""Share of the driving time where no road was looked at."""
ROAD: Final = 0.15
"""The same where a router gave it: traffic is left."""
SERVICE: Final = 0.40
"""Share of each service that came before."""
_CLUSTER_RADIUS_M: Final = 2_500
_MEAN_OF_A_DISC: Final = 2 / 3


def margins_s(route: Route, vehicle: Vehicle, jobs: Mapping[str, Job], policy: Policy, travel_source: str) -> list[int]:
    """For each stop of the route by how many seconds its arrival may be off, either way."""
    share = STRAIGHT_LINE if travel_source.startswith("straight line") else ROAD
    coarse_s = _CLUSTER_RADIUS_M * _MEAN_OF_A_DISC * policy.detour / (policy.speed_km_per_h / 3.6)
    found: list[int] = []
    driven_s, served, clock_s = 0, 0.0, max(vehicle.shift_start_s, 0)
    for stop in route.stops:
        job = jobs[stop.ticket_id]
        driven_s += stop.arrival_s - clock_s
        place = coarse_s**2 if job.is_coarse else 0.0
        found.append(round(math.sqrt((share * driven_s) ** 2 + served + place)))
        served += (SERVICE * job.service_s) ** 2 + place
        clock_s = stop.finish_s
    return found
