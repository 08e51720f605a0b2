"""VROOM on the whole problem: JSON on stdin, orders on stdout. Priorities are the worth of the tickets."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import timedelta

import numpy as np
import vroom

told = json.load(sys.stdin)
n_jobs = len(told["jobs"])
problem = vroom.Input()
problem.set_durations_matrix("car", np.array(told["seconds_between"], dtype=np.uint32))
problem.set_costs_matrix("car", np.array(told["metres_between"], dtype=np.uint32))
problem.add_vehicle(
    [
        vroom.Vehicle(number, start=n_jobs + number, profile="car", time_window=vroom.TimeWindow(*map(int, shift)))
        for number, shift in enumerate(told["shifts_s"])
    ]
)
problem.add_job(
    [
        vroom.Job(
            number,
            location=number,
            default_service=one["service_s"],
            priority=min(max(one["worth"] // 1_000, 1), 100),
            time_windows=[] if one["begin_by_s"] is None else [vroom.TimeWindow(0, one["begin_by_s"])],
        )
        for number, one in enumerate(told["jobs"])
        if one["begin_by_s"] is None or one["begin_by_s"] >= 0
    ]
)
began = time.perf_counter()
solution = problem.solve(
    exploration_level=5, nb_threads=os.cpu_count() or 1, timeout=timedelta(seconds=told["seconds"])
)
took_s = time.perf_counter() - began
orders: list[list[int]] = [[] for _ in told["shifts_s"]]
for step in solution.routes.to_dict("records"):
    if step["type"] == "job":
        orders[int(step["vehicle_id"])].append(int(step["id"]))
print("\n" + json.dumps({"orders": orders, "took_s": took_s}), end="")
