"""Measures the planner beside the habit of today and beside solvers: python bench/dispatch/run.py --help."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.dispatch import aims, figures, near, rc208, urgent
from bench.dispatch.contenders import contenders
from bench.dispatch.contest import contest


def main() -> None:
    """The grid, urgent insertions, and the nearest tickets among many."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="fleettickets-bench-") as name:
        found, absent = contenders(Path(name), arguments.seconds, rivals=arguments.rivals)
        results = contest(found, arguments.vehicles, arguments.tickets, arguments.seeds, _say)
    document = figures.document(results, absent, arguments.seconds)
    document["urgent"] = urgent.measure(_say)
    document["rc208"] = rc208.measure(arguments.seconds, _say)
    if arguments.near_tickets:
        document["nearest"] = near.measure(arguments.near_tickets, _say)
    document["aims"] = aims.judged(results, document)
    if arguments.json:
        print(json.dumps(document, indent=2))
    else:
        figures.show(document)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--vehicles", type=int, nargs="+", default=[20, 50, 100], help="crews of an instance")
    parser.add_argument(
        "--tickets", type=int, nargs="+", default=[100, 300, 1_000, 2_000], help="tickets of an instance"
    )
    parser.add_argument("--seeds", type=int, default=1, help="instances of each size")
    parser.add_argument("--seconds", type=float, default=10.0, help="what each solver may take")
    parser.add_argument("--rivals", action="store_true", help="install VROOM, OR-Tools and PyVRP and measure them too")
    parser.add_argument("--near-tickets", type=int, default=350_000, help="tickets to look for the nearest in; 0: none")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
