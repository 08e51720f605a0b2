"""Instances for tests and benchmarks of the planner: Nairobi's estates, tickets of all ages, crews on the road."""

from __future__ import annotations

import random
from typing import Final

from fleettickets.dispatch.model import Instance, Job, Policy, Vehicle

HOUR_S: Final = 3600


def day(n_vehicles: int, n_jobs: int, seed: int, policy: Policy | None = None) -> Instance:
    """Tickets of age 0 to 60 h with a 48-hour deadline, 45 min of service, shifts of 8 h."""
    chance = random.Random(seed)
    estates = [
        (chance.uniform(-1.40, -1.15), chance.uniform(36.65, 37.05), chance.uniform(0.004, 0.02)) for _ in range(40)
    ]
    jobs = []
    for number in range(n_jobs):
        lat, lon, spread = chance.choice(estates)
        age_s = chance.uniform(0, 60) * HOUR_S
        jobs.append(
            Job(
                f"INC-{number:04}",
                chance.gauss(lat, spread),
                chance.gauss(lon, spread),
                service_s=45 * 60,
                due_s=int(48 * HOUR_S - age_s),
            )
        )
    vehicles = [
        Vehicle(f"KDA {number:03}", chance.gauss(-1.28, 0.05), chance.gauss(36.83, 0.06), 0, 8 * HOUR_S)
        for number in range(n_vehicles)
    ]
    return Instance(tuple(jobs), tuple(vehicles), policy or Policy())
