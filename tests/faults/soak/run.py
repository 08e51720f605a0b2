"""Soak: exporter, two runners, readers and every fault at once for as long as you like, then the books are compared."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).parents[3]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from faults.conftest import world_of
from faults.proxy import TcpProxy
from faults.soak import report
from faults.soak.chaos import Chaos, store_faults
from faults.soak.producer import Producer
from faults.soak.readers import Reader
from faults.soak.runners import INGEST, Runner
from faults.soak.verdict import books_of, verdict
from faults.store import StoreProxy

from fleettickets import db
from fleettickets.demo import stack
from fleettickets.migrate import migrate
from fleettickets.source.bucket import open_bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faults.world import World

RUNNERS = READERS = 2
SAY_EVERY_S: Final = 30.0
LAST_RUNS_S: Final = 180.0


def main() -> int:
    """Soak in private servers that are removed afterwards; 1 when anything was lost."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="fleettickets-soak-") as name:
        home = Path(name)
        home.chmod(0o755)  # PostgreSQL may have to run as another user
        try:
            world = _prepared(home)
            found = report.document(_soaked(world, home / "servers", arguments.minutes, arguments.seed))
        finally:
            stack.remove(home / "servers")
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        report.show(found)
    return 0 if found["kept"] else 1


def _prepared(home: Path) -> World:
    """Empty servers with the schema."""
    running = stack.up(home / "servers", say=_say)
    assert running.database_url
    assert running.s3
    s3 = running.s3
    with db.connect(running.database_url) as connection:
        migrate(connection)
    bucket = open_bucket(s3.endpoint_url, s3.access_key, s3.secret_key, s3.bucket, s3.region)
    return world_of(home, running, bucket, running.database_url)


def _soaked(world: World, servers: Path, minutes: float, seed: int) -> report.Soak:
    """Everything at once for so many minutes, then quiet runs, then the verdict."""
    producer = Producer(world.bucket, minutes, random.Random(seed))
    with ExitStack() as opened:
        store = opened.enter_context(StoreProxy(world.store_port, *store_faults(random.Random(seed + 1))))
        link = opened.enter_context(TcpProxy(world.database_port))
        runners = [Runner(world, random.Random(seed + 10 + n), store.port, link.port) for n in range(RUNNERS)]
        chaos = Chaos(random.Random(seed + 2), servers, world.database_url, link, runners, 60 * minutes)
        readers = [Reader(world.database_url, chaos.database_may_be_away) for _ in range(READERS)]
        soak = report.Soak(minutes, seed, producer, store, chaos, runners, readers)
        works = [producer.write, chaos.work, *(one.work for one in runners), *(one.work for one in readers)]
        soak.crashed = _all_at_once(minutes, works, lambda: f"{len(producer.uploads):,} files written")
    soak.quiet_runs = _quiet_runs(world)
    soak.wrong = verdict(producer.fold.expected(), producer.uploads, books_of(world))
    return soak


def _all_at_once(
    minutes: float, works: Sequence[Callable[[threading.Event], None]], progress: Callable[[], str]
) -> list[str]:
    """Let them all work, a thread each, until the time is over; what crashed."""
    over = threading.Event()
    crashed: list[str] = []

    def follow(work: Callable[[threading.Event], None]) -> None:
        try:
            work(over)
        except Exception as error:  # noqa: BLE001  # the soak itself is broken: its report says so
            crashed.append(f"{getattr(work, '__qualname__', work)} crashed: {type(error).__name__}: {error}")
            over.set()

    threads = [threading.Thread(target=follow, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    ends_s = time.monotonic() + 60 * minutes
    while (left_s := ends_s - time.monotonic()) > 0 and not over.wait(min(left_s, SAY_EVERY_S)):
        _say(f"{max(0.0, ends_s - time.monotonic()) / 60:.1f} minutes left: {progress()}")
    over.set()
    for thread in threads:
        thread.join(LAST_RUNS_S)
    return crashed + [f"{thread.name} never ended" for thread in threads if thread.is_alive()]


def _quiet_runs(world: World) -> int:
    """How many runs without faults it took until one found nothing to do (that one not counted)."""
    for n in range(report.MOST_QUIET_RUNS + 1):
        done = world.run(*INGEST)
        (run,) = json.loads(done.out)["runs"]
        if done.exit_code == 0 and not run["files"] and not run["to_archive"]:
            return n
    return report.MOST_QUIET_RUNS + 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long")
    parser.add_argument("--seed", type=int, default=1, help="the same seed writes the same files")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    if arguments.minutes <= 0:
        parser.error("give --minutes above 0")
    return arguments


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
