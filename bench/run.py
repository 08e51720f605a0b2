"""Measures the engine beside the floor and beside others: python bench/run.py --help."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import feed, report, rivals
from bench.contenders import ENGINE, PLAIN
from bench.scenarios import Bench
from fleettickets.demo import stack


def main() -> None:
    """Measure in a private stack that is removed afterwards."""
    if "--serving" in sys.argv[1:]:
        from bench import serving  # noqa: PLC0415  # it brings the server's libraries

        serving.main([one for one in sys.argv[1:] if one != "--serving"])
        return
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="fleettickets-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL may have to run as another user
        found, absent = rivals.installed(folder) if arguments.rivals else ([], [])
        _say("writing the files")
        files = feed.make(folder / "feed", arguments.rounds, arguments.big_rows, arguments.many)
        home = folder / "home"
        try:
            running = stack.up(home, say=_say)
            bench = Bench(running, folder, files, [ENGINE, PLAIN, *found], _say)
            document = report.document(bench.measure(), absent, arguments.big_rows)
        finally:
            stack.remove(home)
    if arguments.json:
        print(json.dumps(document, indent=2))
    else:
        report.show(document)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds to take the medians of")
    parser.add_argument("--big-rows", type=int, default=350_000, help="rows of the big table")
    parser.add_argument("--many", type=int, default=200, help="files of the backlog that is drained at the end")
    parser.add_argument("--rivals", action="store_true", help="install dlt and Sling from PyPI and measure them too")
    parser.add_argument(
        "--serving", action="store_true", help="measure the HTTP API beside tipg instead; see --serving --help"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.big_rows <= feed.ROWS:
        parser.error(f"give --rounds 1 or more and --big-rows above {feed.ROWS}")
    return arguments


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
