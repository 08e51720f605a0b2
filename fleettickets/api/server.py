"""Everything one serving process shares: settings, what it holds, its database pool."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg
from psycopg_pool import AsyncConnectionPool

from fleettickets.api import problems
from fleettickets.api.answers import Answers
from fleettickets.api.held import Held
from fleettickets.api.limits import Limits
from fleettickets.api.live import Follower
from fleettickets.api.measures import Measures
from fleettickets.api.planning import Planner
from fleettickets.api.streams import Streams
from fleettickets.api.tokens import Tokens
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from fastapi import APIRouter
    from psycopg import sql
    from psycopg.abc import Params

    from fleettickets.source.files import Source

    Query = LiteralString | sql.SQL | sql.Composed

_POOL: Final = 4
_WAIT_FOR_CONNECTION_S: Final = 5.0
_WAIT_FOR_MAP_S: Final = 10.0


def wall_clock() -> datetime:
    """What time it is."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """What the server needs to know."""

    database_url: str = field(repr=False)
    loopback: bool = True
    origins: frozenset[str] = frozenset()
    rate_per_s: float = 50.0
    statement_timeout_s: float = 10.0
    poll_s: float = 5.0
    patience_s: float = 15.0
    """How long a request may take to arrive."""
    most_streams: int = 2000
    basemap_url: str | None = None
    web_folder: Path | None = None
    access_log: bool = True
    open_bucket: Callable[[], Source] | None = None
    deadline_s: float = 60.0
    router: str | None = None
    router_url: str | None = None
    geocode_limits: Mapping[str, int] = field(default_factory=dict)
    demo: APIRouter | None = None
    """What a demo adds; in earnest there is none."""
    clock: Callable[[], datetime] = wall_clock


@dataclass(slots=True)
class Server:
    """The shared state of one serving process."""

    settings: ServeSettings
    held: Held = field(default_factory=Held)
    tokens: Tokens = field(default_factory=Tokens)
    answers: Answers = field(default_factory=Answers)
    measures: Measures = field(default_factory=Measures)
    streams: Streams = field(init=False)
    follower: Follower = field(init=False)
    limits: Limits = field(init=False)
    planner: Planner = field(init=False)
    pool: AsyncConnectionPool[psycopg.AsyncConnection[tuple[Any, ...]]] = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.streams = Streams(settings.most_streams)
        self.limits = Limits(settings.rate_per_s)
        self.planner = Planner(settings.database_url)
        self.follower = Follower(
            settings.database_url, settings.poll_s, self.held, self.tokens, self.answers, self.streams, settings.clock
        )

    def bucket(self) -> Source:
        """The export's store, opened anew; a UsageError where this server was told of none."""
        if self.settings.open_bucket is None:
            raise UsageError("this server knows no store: set RUSTFS_ENDPOINT_URL for it and start it again")
        return self.settings.open_bucket()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The follower, the heartbeat and the pool, as long as the process serves."""
        timeout_ms = round(self.settings.statement_timeout_s * 1000)
        self.pool = AsyncConnectionPool(
            self.settings.database_url,
            min_size=1,
            max_size=_POOL,
            timeout=_WAIT_FOR_CONNECTION_S,
            max_waiting=64,
            open=False,
            check=None,
            kwargs={
                "autocommit": True,
                "application_name": "fleettickets serve",
                "options": f"-c timezone=UTC -c datestyle=ISO -c statement_timeout={timeout_ms}",
                "connect_timeout": 5,
            },
        )
        await self.pool.open()
        tasks = [asyncio.create_task(self.follower.run()), asyncio.create_task(self.streams.beat())]
        try:
            # The first caller finds the map; while the database is away, a 503 that says so.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.follower.loaded.wait(), _WAIT_FOR_MAP_S)
            yield
        finally:
            self.streams.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.pool.close(timeout=2.0)

    def now(self) -> datetime:
        """The instant that counts as now, in whole seconds: a demo's clock runs faster."""
        return self.settings.clock().replace(microsecond=0)

    async def value(self, query: Query, parameters: Params | None = None) -> Any:  # noqa: ANN401  # whatever the column holds
        """The one value that a query answers; its failure is a problem that the caller may see."""
        rows = await self.rows(query, parameters)
        return rows[0][0] if rows else None

    async def rows(self, query: Query, parameters: Params | None = None) -> list[tuple[Any, ...]]:
        """All rows of a query; its failure is a problem that the caller may see."""
        try:
            async with self.pool.connection() as connection, connection.cursor() as cursor:
                await cursor.execute(query, parameters)
                return await cursor.fetchall() if cursor.description else []
        except (psycopg.Error, OSError) as error:
            raise problems.of_database(error) from None
