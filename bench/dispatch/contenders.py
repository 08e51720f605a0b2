"""Who plans: the habit of today, our insertion, our search, and raw solvers in environments of their own.

Each gives an order of stops for every vehicle, and nothing else; times and worth are worked out by the audit.
"""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.rivals import Absent, environment
from fleettickets.dispatch import habit
from fleettickets.dispatch.model import Tier
from fleettickets.dispatch.planner import plan
from fleettickets.dispatch.problem import problem_of, triage
from fleettickets.dispatch.search import Search

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleettickets.dispatch.model import Instance, Plan
    from fleettickets.dispatch.problem import Problem

    Orders = list[list[int]]

HABIT: Final = "nearest first"
INSERTION: Final = "our insertion"
SEARCH: Final = "our search"
RIVALS: Final = {
    "VROOM": ("solve_vroom.py", ("pyvroom==1.15.2",)),
    "OR-Tools": ("solve_ortools.py", ("ortools>=9.14,<10",)),
    "PyVRP": ("solve_pyvrp.py", ("pyvrp>=0.14,<0.15",)),
}
_FOLDER: Final = Path(__file__).parent
_START_S: Final = 90.0
_METRES_PER_WORTH: Final = 3
"""The same price of worth as our search has."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A name and a function from an instance to (orders of ticket numbers by vehicle, seconds it took)."""

    name: str
    plan: Callable[[Instance], tuple[Orders, float]]


def contenders(folder: Path, seconds: float, *, rivals: bool) -> tuple[list[Contender], list[Absent]]:
    """Those that can be measured here, and the others with why."""
    found = [
        Contender(HABIT, lambda instance: _timed(lambda: habit.orders(_problem(instance)))),
        Contender(INSERTION, lambda instance: _timed(lambda: _orders(instance, plan(instance)))),
        Contender(SEARCH, lambda instance: _searched(instance, seconds)),
    ]
    absent: list[Absent] = []
    for name, (script, packages) in RIVALS.items() if rivals else ():
        try:
            python = environment(folder / name, packages)
        except (OSError, subprocess.SubprocessError) as error:
            words = getattr(error, "stderr", None) or str(error)
            absent.append(Absent(name, " ".join(words.split())[-200:]))
            continue
        found.append(Contender(name, _rival(python, _FOLDER / script, seconds)))
    return found, absent


def _searched(instance: Instance, seconds: float) -> tuple[Orders, float]:
    """The search gets what the insertion before it and the explanations after it leave of the time."""
    began = time.perf_counter()
    plan(instance)
    around_s = time.perf_counter() - began
    search = Search(iterations=10**9, runtime_s=max(seconds - 2.2 * around_s, 1.0))
    return _timed(lambda: _orders(instance, plan(instance, improve=search)))


def _rival(python: Path, script: Path, seconds: float) -> Callable[[Instance], tuple[Orders, float]]:
    def run(instance: Instance) -> tuple[Orders, float]:
        done = subprocess.run(
            [str(python), str(script)],
            input=json.dumps(_told(_problem(instance), seconds)),
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds * 6 + _START_S,
        )
        if done.returncode:
            raise RuntimeError(f"{script.name} failed: {done.stderr[-500:]}")
        answer: dict[str, Any] = json.loads(done.stdout.rpartition("\n")[2])
        return answer["orders"], answer["took_s"]

    return run


def _told(problem: Problem, seconds: float) -> dict[str, Any]:
    """The whole problem as numbers: nothing is chosen for the rival."""
    everyone = range(len(problem.jobs) + len(problem.vehicles))
    return {
        "seconds": seconds,
        "seconds_between": [[problem.travel.seconds(a, b) for b in everyone] for a in everyone],
        "metres_between": [[problem.travel.metres(a, b) for b in everyone] for a in everyone],
        "jobs": [
            {
                "service_s": job.service_s,
                "begin_by_s": problem.finish_by(number) - job.service_s if problem.tier[number] is Tier.SAVE else None,
                "worth": problem.worth[number],
                "prize_m": problem.worth[number] * _METRES_PER_WORTH,
            }
            for number, job in enumerate(problem.jobs)
        ],
        "shifts_s": [[vehicle.shift_start_s, vehicle.shift_end_s] for vehicle in problem.vehicles],
    }


def _orders(instance: Instance, made: Plan) -> Orders:
    problem = _problem(instance)
    return [[problem.index[stop.ticket_id] for stop in route.stops] for route in made.routes]


def _problem(instance: Instance) -> Problem:
    jobs, vehicles, _ = triage(instance)
    return problem_of(jobs, vehicles, instance.policy, None)


def _timed(work: Callable[[], Orders]) -> tuple[Orders, float]:
    began = time.perf_counter()
    orders = work()
    return orders, time.perf_counter() - began
