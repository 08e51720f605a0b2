"""The HTTP API beside tipg on the same tickets, in one run: make bench ARGS='--serving --help'."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, Final

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import serving_aims
from bench.rivals import environment
from fleettickets import db
from fleettickets.api.encodings import compress
from fleettickets.api.feed import changes
from fleettickets.api.held import Held, features_of
from fleettickets.api.parameters import MapQuery
from fleettickets.datasets import DATASETS
from fleettickets.demo import export, stack
from fleettickets.demo.plan import Plan
from fleettickets.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fleettickets.db import Connection

_FLEET: Final = (sys.executable, "-c", "from fleettickets.cli import main; main()")
_SQL: Final = Path(__file__).parent / "serving.sql"
_TIPG: Final = ("tipg==1.6.1", "uvicorn", "uvloop", "httptools")
_TIPG_S: Final = 15
_MAP: Final = "/webhook/tickets"
_FEATURES: Final = "SELECT dataset, ticket_id, convert_to(feature, 'UTF8') FROM tickets.map_features"
_LISTENERS: Final = 200
_COMMITS: Final = 20
_DELTA_ROWS: Final = 131
_TILES: Final = ("0/0/0", "8/154/128", "9/308/257", "10/616/515", "11/1232/1031")


def main(given: Sequence[str] | None = None) -> None:
    """Measure on a private database that is removed afterwards."""
    arguments = _arguments(given)
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; on Debian and Ubuntu type: sudo apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="fleettickets-bench-") as name, ExitStack() as ends:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL may have to run as another user
        home = folder / "home"
        ends.callback(stack.remove, home)
        url = stack.up(home, s3=False).database_url or ""
        with db.connect(url) as connection:
            _fill(connection, url, folder, arguments.open)
            ours = ends.enter_context(_ours(folder, url))
            tipg = ends.enter_context(_tipg(folder, url))
            found = _measured(connection, url, ours, tipg, arguments)
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        serving_aims.show(found)


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--open", type=int, default=3514, help="open tickets")
    parser.add_argument("--rounds", type=int, default=5, help="rounds to take the medians of")
    parser.add_argument("--seconds", type=int, default=3, help="seconds of load a measurement")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args(given)


def _fill(connection: Connection, database_url: str, folder: Path, wanted: int) -> None:
    """Both baselines of the simulator, with as many tickets open as wanted, each at a place."""
    migrate(connection)
    rows = max(35_000, wanted * 2)
    for dataset in DATASETS.values():
        plan = Plan(dataset, rows=rows // 2, days=0, seed=1, end=datetime.now(UTC))
        export.write_folder(export.files(plan), folder / dataset.name)
        command = [*_FLEET, "-q", "ingest", dataset.name, "--apply", "--dir", str(folder / dataset.name)]
        environ = {**os.environ, "DATABASE_URL": database_url}
        subprocess.run(command, env=environ, check=True)
    for statement in _SQL.read_text().split(";\n"):
        connection.execute(statement.encode(), {"half": wanted // 2})
    connection.execute("SELECT tickets.advance_revision(dataset) FROM tickets.revisions")


def _measured(
    connection: Connection, url: str, server: _Serving, tipg: str, arguments: argparse.Namespace
) -> dict[str, Any]:
    ours = server.url
    etag = httpx.get(ours + _MAP, headers={"accept-encoding": "zstd"}).headers["etag"]
    tipg_path = f"{tipg}/collections/bench.open_tickets/items?limit=10000&f=geojson"
    served = httpx.get(tipg_path, timeout=60).json()
    rates: dict[str, list[float]] = defaultdict(list)
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(arguments.rounds):
        rates["full"].append(_wrk(ours + _MAP, arguments.seconds, "accept-encoding: zstd"))
        rates["304"].append(_wrk(ours + _MAP, arguments.seconds, f"if-none-match: {etag}", "accept-encoding: zstd"))
        rates["tipg"].append(_wrk(tipg_path, max(_TIPG_S, arguments.seconds), "accept-encoding: gzip"))
        times["cold"].append(median(_cold(url) for _ in range(7)))
        times["json_agg"].append(median(_json_agg(url) for _ in range(7)))
    held = httpx.get(ours + _MAP, headers={"accept-encoding": "identity"})
    open_tickets = held.json()["summary"]["total"]
    return {
        "machine": {"cores": os.cpu_count(), "load": os.getloadavg()},
        "open_tickets": open_tickets,
        "tipg_features": len(served["features"]),
        "full_maps_per_s": _spread(rates["full"]),
        "not_modified_per_s": _spread(rates["304"]),
        "tipg_full_maps_per_s": _spread(rates["tipg"]),
        "full_to_tipg": _ratio(rates["full"], rates["tipg"]),
        "not_modified_to_tipg": _ratio(rates["304"], rates["tipg"]),
        "cold_build_ms": _spread([one * 1000 for one in times["cold"]]),
        "json_agg_ms": _spread([one * 1000 for one in times["json_agg"]]),
        "json_agg_to_cold_build": _ratio(times["json_agg"], times["cold"]),
        "bytes_a_ticket": {name: round(_wire(ours + _MAP, name) / open_tickets, 1) for name in ("zstd", "br", "gzip")},
        "change": _change_costs(connection, url, ours, server.process),
        "tile_bytes": {tile: _wire(f"{ours}/tiles/tickets/{tile}.mvt", "gzip") for tile in _TILES},
        "live": asyncio.run(_live(connection, ours)),
        "server_memory_mb": _memory_mb(server.process),
    }


def _wrk(url: str, seconds: int, *headers: str) -> float:
    """Requests a second; an answer that is no success spoils the measurement."""
    given = [part for header in headers for part in ("-H", header)]
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "--timeout", "20s", *given, url]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx or 3xx" in out:
        sys.exit(f"{url} answers with errors:\n{out}")
    # None at all in this time is told as one.
    return max(float(re.findall(r"Requests/sec:\s+([\d.]+)", out)[0]), 1 / seconds)


def _cold(url: str) -> float:
    """From the database to the whole answer, as a server that begins does it."""
    held = Held()
    with db.connect(url) as connection, connection.cursor(binary=True) as cursor:
        began_s = time.perf_counter()
        cursor.execute(_FEATURES)
        held.replace(features_of(cursor.fetchall()), {}, {})
        held.view.collection()
        return time.perf_counter() - began_s


def _json_agg(url: str) -> float:
    """The same fields through json_agg, its bytes passed through."""
    query = (_SQL.parent / "json_agg.sql").read_text()
    with db.connect(url) as connection:
        began_s = time.perf_counter()
        row = connection.execute(query.encode()).fetchone()
        str(row[0] if row else "").encode()
        return time.perf_counter() - began_s


def _change_costs(connection: Connection, url: str, ours: str, process: int) -> dict[str, Any]:
    """A change of 131 open tickets: its size for the client that held the map before, and what it costs the server."""
    sizes: dict[str, list[int]] = defaultdict(list)
    waits_s, cpu_s = [], []
    with httpx.Client(base_url=ours) as client:
        for _ in range(9):
            before = int(client.get(f"{_MAP}?limit=1").headers["fleettickets-revision"])
            began_s = _cpu_s(process)
            _change(connection, _DELTA_ROWS)
            time.sleep(0.2)  # asking whether it has heard would cost it more than to hear
            path = f"{ours}{_MAP}?since={before}"
            asked_s = time.perf_counter()
            sizes["zstd"].append(_wire(path, "zstd", client))
            waits_s.append(time.perf_counter() - asked_s)
            cpu_s.append(_cpu_s(process) - began_s)
            for name in ("br", "gzip"):
                sizes[name].append(_wire(path, name, client))
    return {
        "bytes": {name: median(found) for name, found in sizes.items()},
        "work_ms": round(_work_s(url) * 1000, 2),
        "server_cpu_ms": round(median(cpu_s) * 1000, 2),
        "waited_ms": round(median(waits_s) * 1000, 2),
    }


def _work_s(url: str) -> float:
    """CPU time to take over a change of 131 and to write and compress its answer; driver and HTTP are not in it."""
    held, took_s = Held(), []
    with db.connect(url) as connection:
        rows = connection.execute(_FEATURES).fetchall()
    held.replace(features_of(rows), {}, {})
    for n in range(25):
        some = random.sample(rows, _DELTA_ROWS)
        keys = {feature.key for feature in features_of(some)}
        began_s = time.process_time()
        held.update(keys, features_of(some), {"inc": n}, {})
        compress(changes(held.view, keys, MapQuery(since=1), 0.0, pii=True), "zstd")
        took_s.append(time.process_time() - began_s)
    return median(took_s)


def _change(connection: Connection, rows: int) -> None:
    """As the engine does it: the tickets, then the revision with their ids, in one transaction."""
    with connection.transaction():
        changed = connection.execute(
            "UPDATE tickets.inc SET raw = raw || jsonb_build_object('owner', 'Wanjiru ' || (random() * 9)::int) "
            "WHERE ticket_id IN (SELECT ticket_id FROM tickets.inc WHERE is_actionable ORDER BY random() LIMIT %s) "
            "RETURNING ticket_id",
            [rows],
        ).fetchall()
        connection.execute("SELECT tickets.advance_revision('inc', %s)", [[ticket_id for (ticket_id,) in changed]])


class _Listener(asyncio.Protocol):
    """A reader of the live stream that costs little, so that the server is measured and not its readers."""

    def __init__(self, ready: asyncio.Semaphore, heard: list[float]) -> None:
        self.ready = ready
        self.heard = heard

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # TCP alone
        transport.write(b"GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        if b"retry:" in data:
            self.ready.release()
        elif b"event: revision" in data:
            self.heard.append(time.perf_counter())


async def _live(connection: Connection, ours: str) -> dict[str, float]:
    """From the commit to each of 200 listeners."""
    ready, heard, waits_ms = asyncio.Semaphore(0), list[float](), list[float]()
    loop, port = asyncio.get_running_loop(), int(ours.rpartition(":")[2])
    opened = [
        (await loop.create_connection(lambda: _Listener(ready, heard), "127.0.0.1", port))[0] for _ in range(_LISTENERS)
    ]
    for _ in opened:
        await ready.acquire()
    for _ in range(_COMMITS):
        await asyncio.sleep(0.3)
        heard.clear()
        await asyncio.to_thread(connection.execute, "SELECT tickets.advance_revision('inc', '{}')")
        committed_s = time.perf_counter()
        await asyncio.sleep(0.5)
        waits_ms += [(at_s - committed_s) * 1000 for at_s in heard]
    for transport in opened:
        transport.close()
    return {
        "listeners": _LISTENERS,
        "heard": len(waits_ms) / _COMMITS,
        "p50_ms": round(median(waits_ms), 1),
        "p99_ms": round(quantiles(waits_ms, n=100)[98], 1),
    }


def _wire(url: str, encoding: str, client: httpx.Client | None = None) -> int:
    """Bytes of the body as they travel."""
    with (client or httpx).stream("GET", url, headers={"accept-encoding": encoding}) as found:
        return sum(len(chunk) for chunk in found.iter_raw())


def _spread(found: list[float]) -> dict[str, float]:
    return {"median": round(median(found), 2), "least": round(min(found), 2), "most": round(max(found), 2)}


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of each round's own ratio."""
    return round(median(one / other for one, other in zip(ours, theirs, strict=True)), 1)


def _cpu_s(process: int) -> float:
    """CPU time of all its threads."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _memory_mb(process: int) -> float:
    """The most memory that was resident."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return round(int(found[1]) / 1024, 1) if found else 0.0


@dataclass(frozen=True, slots=True)
class _Serving:
    """Our server: where it answers, and its process."""

    url: str
    process: int


@contextmanager
def _ours(folder: Path, database_url: str) -> Iterator[_Serving]:
    """`fleettickets serve` as it comes, without a line a request."""
    command = [*_FLEET, "--json", "serve", "--port", "0", "--no-access-log"]
    environ = {**os.environ, "DATABASE_URL": database_url, "FLEETTICKETS_API_RATE_PER_S": "0"}  # the load is one caller
    with (folder / "ours.log").open("w") as log:
        process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        url = json.loads(process.stdout.readline() if process.stdout else "")["url"]
        _await(lambda: httpx.get(url + "/readyz"))
        yield _Serving(url, process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _await(ask: Callable[[], httpx.Response]) -> None:
    """Wait until the server answers well."""
    for _ in range(150):
        try:
            if ask().status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    sys.exit("a server does not answer")


@contextmanager
def _tipg(folder: Path, database_url: str) -> Iterator[str]:
    """Tipg as its documents set it up, its catalogue read once."""
    python = environment(folder / "tipg", _TIPG)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url,
        "TIPG_DB_SCHEMAS": '["bench"]',
        "TIPG_MAX_FEATURES_PER_QUERY": "10000",
        "TIPG_CATALOG_TTL": "3600",
    }
    command = [str(python), "-m", "uvicorn", "tipg.main:app", "--port", str(port), "--log-level", "warning"]
    with (folder / "tipg.log").open("w") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _await(lambda: httpx.get(url + "/collections"))
        yield url
    finally:
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    main()
