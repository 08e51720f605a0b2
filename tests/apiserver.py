"""The HTTP server of a test: the real one, in a thread of the test's process, on a free loopback port."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx
from conftest import NOW
from feed import Shelf, closed, sheet, ticket

from fleettickets import db
from fleettickets.api.server import Server, ServeSettings
from fleettickets.api.serving import listen, prepared
from fleettickets.api.tokens import digest, new_secret
from fleettickets.datasets import DATASETS, FEED_COLUMNS
from fleettickets.pipeline import Order, ingest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fleettickets.report import RunReport

PATIENCE_S = 20.0
HOSTILE = 'a"b\\c\n</script>}}, {"type" : "Feature", "id" : "X ☂'
PLACED = {"latitude": "-1.2210004", "longitude": "36.8910006"}
ROWS = [
    ticket("A", **PLACED),
    ticket("B", cluster="RUAKA", normalized_status="ON HOLD", assigned_team="Team B", location_name=HOSTILE),
    ticket(
        "b", region="", owner="Wanjiru", assigned_team="", created_at_service="", latitude="-1.30", longitude="36.80"
    ),
    closed("C"),
    ticket("Ä'1", cluster="", created_at_service="9999-12-31 23:59:59", location_name="=1+1"),
]
"""A few tickets of INC that a reader stumbles over, if over any."""
CRQ_ROWS = [ticket("A", scheduled_at="2026-06-24 09:00:00"), ticket("Z", **PLACED)]


@dataclass(frozen=True, slots=True)
class Api:
    """A running server, a client of it, and the database behind it."""

    url: str
    client: httpx.Client
    server: Server
    database_url: str

    def get(self, path: str, **headers: str) -> httpx.Response:
        """One GET; header names with underscores."""
        return self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def map(self) -> bytes:
        """What the map function answers now."""
        with db.connect(self.database_url) as connection:
            row = connection.execute("SELECT reporting.fn_tickets_for_map()::text").fetchone()
        return str(row[0]).encode() if row else b""

    def until(self, holds: Callable[[], Any]) -> None:
        """Wait until the server has heard of it."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline_s, "the server did not hear of it"
            time.sleep(0.01)

    def caught_up(self) -> None:
        """Wait until the server holds the database's revisions and clocks."""
        self.until(lambda: self.server.held.view.collection() == self.map())

    def token(self, *scopes: str, name: str = "test", expires: str = "infinity", revoked: bool = False) -> str:
        """A new token; the server knows it when this returns."""
        secret = new_secret()
        with db.connect(self.database_url) as connection:
            connection.execute(
                "INSERT INTO tickets.api_tokens (name, secret_sha256, scopes, expires_at, revoked_at) "
                "VALUES (%s, %s, %s, nullif(%s::timestamptz, 'infinity'), CASE WHEN %s THEN now() END)",
                [name, digest(secret), list(scopes), expires, revoked],
            )
            connection.execute("SELECT pg_notify('fleettickets', 'tokens')")
        self.until(lambda: revoked or digest(secret) in self.server.tokens.held)
        self.until(lambda: self.server.tokens.ever_made)
        return secret


class _Nobody:
    def started(self, files: int) -> None: ...
    def rows(self, n: int) -> None: ...
    def settled(self) -> None: ...


def drained(
    database_url: str,
    when: str,
    rows: Sequence[Mapping[str, str]],
    dataset: str = "inc",
    columns: Sequence[str] = FEED_COLUMNS,
) -> RunReport:
    """These rows as one export, ingested."""
    shelf = Shelf()
    shelf.put(DATASETS[dataset], when, sheet(rows, columns))
    order = Order(DATASETS[dataset], "test", apply=True)
    return ingest(order, shelf, lambda: db.connect(database_url), NOW, _Nobody())


def fill(database_url: str) -> None:
    """Ingest the few tickets above."""
    drained(database_url, "2026-06-22 10:00:00", ROWS)
    drained(database_url, "2026-06-22 10:30:00", CRQ_ROWS, dataset="crq")


@contextlib.contextmanager
def database_away(api: Api, admin_url: str) -> Iterator[None]:
    """Nobody reaches the server's database until the block ends, and the server knows it."""
    with db.connect(api.database_url) as connection:
        name = connection.info.dbname
    with db.connect(admin_url) as admin:
        try:
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            api.until(lambda: api.server.follower.stale_since)
            yield
        finally:
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
    api.until(lambda: api.server.follower.stale_since is None)


@contextlib.contextmanager
def serving(database_url: str, **settings: Any) -> Iterator[Api]:
    """A server of this database until the block ends."""
    chosen = replace(ServeSettings(database_url, rate_per_s=0, access_log=False), **settings)
    server, started = Server(chosen), threading.Event()
    listening = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    http = prepared(server, started.set)
    thread = threading.Thread(target=http.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        assert started.wait(PATIENCE_S)
        with httpx.Client(base_url=url, timeout=PATIENCE_S) as client:
            api = Api(url, client, server, database_url)
            api.until(server.follower.loaded.is_set)
            yield api
    finally:
        http.should_exit = True
        thread.join(PATIENCE_S)
        listening.close()
    assert not thread.is_alive(), "the server did not stop"
