"""Solomon's RC208 through our planner: how far from the best known, by the rules of the DIMACS challenge.

Those rules: distances and durations are truncated to one decimal, and the way is all that counts. Best known: 776.1 by
four routes. Our jobs have no loads; the evaluator adds them up afterwards, and a route above 1,000 counts as a fault.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fleettickets.dispatch import audit
from fleettickets.dispatch.model import Instance, Job, Policy, Vehicle
from fleettickets.dispatch.planner import plan
from fleettickets.dispatch.search import Search
from fleettickets.dispatch.travel import Table

if TYPE_CHECKING:
    from collections.abc import Callable

BEST_KNOWN: Final = 776.1
_TENTHS: Final = 10
_SERVICE: Final = 10 * _TENTHS
_VEHICLES: Final = 4
_LOAD: Final = 1_000
_SEEDS: Final = 3


def measure(seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """The way found with the planner's own seed, and with others."""
    rows = _rows()
    depot, customers = rows[0], rows[1:]
    places = [(row["x"], row["y"]) for row in customers] + [(depot["x"], depot["y"])] * (2 * _VEHICLES)
    ways = [[int(math.dist(a, b) * _TENTHS) for b in places] for a in places]
    travel = Table(ways, ways, "RC208")
    instance = _instance(depot, customers)
    found = []
    for seed in range(1, _SEEDS + 1):
        made = plan(instance, travel, Search(iterations=10**9, runtime_s=seconds, seed=seed))
        faults = audit.faults(instance, made, travel)
        demands = {f"C{number}": row["demand"] for number, row in enumerate(customers)}
        loads = [sum(demands[stop.ticket_id] for stop in route.stops) for route in made.routes]
        faults += [f"a route carries {load}" for load in loads if load > _LOAD]
        faults += [f"{left.ticket_id} is left" for left in made.unassigned]
        faults += [f"{stop.ticket_id} is late" for route in made.routes for stop in route.stops if not stop.is_on_time]
        way = audit.score(instance, made).distance_m / _TENTHS
        found.append({"seed": seed, "way": way, "gap": round(way / BEST_KNOWN - 1, 4), "faults": faults[:3]})
        say(f"RC208, seed {seed}: {way:.1f}, {way / BEST_KNOWN - 1:+.2%}" + (f"  FAULT: {faults[0]}" if faults else ""))
    return {"best_known": BEST_KNOWN, "seconds": seconds, "found": found}


def _rows() -> list[dict[str, int]]:
    text = (Path(__file__).parent / "rc208.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [{name: int(value) for name, value in row.items()} for row in csv.DictReader(lines)]


def _instance(depot: dict[str, int], customers: list[dict[str, int]]) -> Instance:
    """Every customer is a save: in its window or not at all. Degrees only tell the planner who is near whom."""
    lat, lon = depot["y"] / 1_000, depot["x"] / 1_000
    jobs = tuple(
        Job(
            f"C{number}",
            row["y"] / 1_000,
            row["x"] / 1_000,
            _SERVICE,
            due_s=row["due"] * _TENTHS + _SERVICE,
            earliest_s=row["ready"] * _TENTHS,
        )
        for number, row in enumerate(customers)
    )
    vehicles = tuple(
        Vehicle(f"V{number}", lat, lon, 0, depot["due"] * _TENTHS, end_lat=lat, end_lon=lon)
        for number in range(_VEHICLES)
    )
    return Instance(jobs, vehicles, Policy(horizon_s=depot["due"] * _TENTHS * 2))
