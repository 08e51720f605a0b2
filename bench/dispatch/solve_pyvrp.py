"""PyVRP on the whole problem, without pre-selection or warm start: JSON on stdin, orders on stdout."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import pyvrp
from pyvrp.stop import MaxRuntime

_LONGEST_S = 7 * 24 * 3600

told = json.load(sys.stdin)
jobs, shifts = told["jobs"], told["shifts_s"]
n_jobs = len(jobs)
n_places = n_jobs + len(shifts) + 1
metres = np.zeros((n_places, n_places), dtype=np.int64)
seconds = np.zeros((n_places, n_places), dtype=np.int64)
metres[:-1, :-1] = told["metres_between"]
seconds[:-1, :-1] = told["seconds_between"]
data = pyvrp.ProblemData(
    [pyvrp.Location(x=0, y=0) for _ in range(n_places)],
    [
        pyvrp.Client(
            location=number,
            service_duration=one["service_s"],
            tw_late=_LONGEST_S if one["begin_by_s"] is None else max(one["begin_by_s"], 0),
            prize=one["prize_m"],
            required=False,
        )
        for number, one in enumerate(jobs)
    ],
    [pyvrp.Depot(location=place) for place in range(n_jobs, n_places)],
    [
        pyvrp.VehicleType(1, start_depot=number, end_depot=len(shifts), tw_early=max(begins, 0), tw_late=ends)
        for number, (begins, ends) in enumerate(shifts)
    ],
    [metres],  # type: ignore[list-item]  # its stubs know no shapes
    [seconds],  # type: ignore[list-item]  # the same
)
began = time.perf_counter()
result = pyvrp.solve(data, MaxRuntime(told["seconds"]), seed=1, collect_stats=False, display=False)
took_s = time.perf_counter() - began
orders: list[list[int]] = [[] for _ in shifts]
for route in result.best.routes() if result.is_feasible() else []:
    orders[route.vehicle_type()] = [stop.idx for stop in route.schedule() if stop.is_client()]
print("\n" + json.dumps({"orders": orders, "took_s": took_s}), end="")
