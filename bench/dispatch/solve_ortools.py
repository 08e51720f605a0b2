"""OR-Tools' routing library on the whole problem: JSON on stdin, orders on stdout. A ticket left costs its prize."""

from __future__ import annotations

import json
import sys
import time

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

_LONGEST_S = 7 * 24 * 3600

told = json.load(sys.stdin)
jobs, shifts = told["jobs"], told["shifts_s"]
n_jobs, nowhere = len(jobs), len(jobs) + len(shifts)
services = [one["service_s"] for one in jobs] + [0] * len(shifts)
metres = [[*row, 0] for row in told["metres_between"]] + [[0] * (nowhere + 1)]
seconds = [[one + services[at] for one in row] + [services[at]] for at, row in enumerate(told["seconds_between"])]
seconds.append([0] * (nowhere + 1))
began = time.perf_counter()
manager = pywrapcp.RoutingIndexManager(
    nowhere + 1, len(shifts), [n_jobs + number for number in range(len(shifts))], [nowhere] * len(shifts)
)
model = pywrapcp.RoutingModel(manager)
model.SetArcCostEvaluatorOfAllVehicles(model.RegisterTransitMatrix(metres))
model.AddDimension(model.RegisterTransitMatrix(seconds), _LONGEST_S, _LONGEST_S, False, "time")
clock = model.GetDimensionOrDie("time")
for number, (begins, ends) in enumerate(shifts):
    clock.CumulVar(model.Start(number)).SetRange(max(begins, 0), ends)
    clock.CumulVar(model.End(number)).SetRange(max(begins, 0), ends)
for number, one in enumerate(jobs):
    index = manager.NodeToIndex(number)
    model.AddDisjunction([index], one["prize_m"])
    if one["begin_by_s"] is not None:
        clock.CumulVar(index).SetMax(max(one["begin_by_s"], 0))
parameters = pywrapcp.DefaultRoutingSearchParameters()
parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
parameters.time_limit.FromMilliseconds(round(told["seconds"] * 1000))
solution = model.SolveWithParameters(parameters)
took_s = time.perf_counter() - began
orders: list[list[int]] = [[] for _ in shifts]
for number in range(len(shifts) if solution else 0):
    index = solution.Value(model.NextVar(model.Start(number)))
    while not model.IsEnd(index):
        orders[number].append(manager.IndexToNode(index))
        index = solution.Value(model.NextVar(index))
print("\n" + json.dumps({"orders": orders, "took_s": took_s}), end="")
