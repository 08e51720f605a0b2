"""Keeps what the server holds in step with the database, and tells the live streams.

LISTEN wakes it within milliseconds of a commit; a poll every few seconds finds what a lost notification, or a
pooler in between, would have hidden. While the database is away, what is held stands and is marked stale.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
import psycopg
from psycopg import IsolationLevel

from fleettickets.api.held import DATASETS, Change, Held, Key, feature_of, features_of
from fleettickets.api.tokens import Token, Tokens
from fleettickets.db import statement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from fleettickets.api.answers import Answers
    from fleettickets.api.streams import Streams

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Row = tuple[Any, ...]

_FOLDER: Final = Path(__file__).parent
_LOG: Final = logging.getLogger("fleettickets.api")
_FIRST_WAIT_S: Final = 0.2
_LONGEST_WAIT_S: Final = 5.0
_REFRESH_S: Final = 60.0
_BUILD: Final = "SELECT tickets.advance_revision(dataset) FROM tickets.revisions WHERE revision = 0 ORDER BY dataset"
_CHANGES: Final = statement(_FOLDER, "changes")
_ALL: Final = "SELECT dataset, ticket_id, convert_to(feature, 'UTF8') FROM tickets.map_features"
_TOKENS: Final = (
    "SELECT token_id, name, secret_sha256, scopes, expires_at FROM tickets.api_tokens WHERE revoked_at IS NULL"
)
_EVER: Final = "SELECT EXISTS (SELECT FROM tickets.api_tokens)"


@dataclass(slots=True)
class Follower:
    """One task that follows the database; `held` and `tokens` are what every request reads."""

    database_url: str
    poll_s: float
    held: Held
    tokens: Tokens
    answers: Answers
    streams: Streams
    clock: Callable[[], datetime]
    loaded: asyncio.Event = field(default_factory=asyncio.Event)
    stale_since: datetime | None = None
    rules: dict[str, bytes] = field(default_factory=dict)

    async def run(self) -> None:
        """Follow for ever; a lost connection is opened again, ever more patiently."""
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                async with self._connection() as connection:
                    await self._read_tokens(connection)
                    while True:
                        await self.refresh(connection)
                        wait_s = _FIRST_WAIT_S
                        # A burst of notifications is one piece of news.
                        heard = [one.payload async for one in connection.notifies(timeout=self.poll_s, stop_after=1)]
                        if "tokens" in heard or self.tokens.age_s > self.poll_s:
                            await self._read_tokens(connection)
            except (psycopg.Error, OSError, TimeoutError) as error:
                self._lost(error)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    async def refresh(self, connection: Connection) -> None:
        """Take over what changed, from one snapshot of the database."""
        async with asyncio.timeout(_REFRESH_S):
            if not self.loaded.is_set():
                await connection.execute(_BUILD)
                await self._load(connection)
                return
            since = self._revisions()
            moved = await _rows(connection, _CHANGES, {**since, "now": self.clock(), "features": True})
            changes = _changes(moved, since)
            if any(change.keys is None for change in changes):
                await self._load(connection)
            else:
                self._follow(moved, changes)

    async def _load(self, connection: Connection) -> None:
        """Hold every feature anew."""
        since = self._revisions()
        async with connection.transaction():
            moved = await _rows(connection, _CHANGES, {**since, "now": self.clock(), "features": False})
            rows = await _rows(connection, _ALL)
        changes = _changes(moved, since) if self.loaded.is_set() else _unseen(moved)
        clocks_moved = self._move(moved, lambda *to: self.held.replace(features_of(rows), *to))
        self.held.changes.extend(changes)
        self.loaded.set()
        self._announce(changes, clocks_moved=clocks_moved)

    def _follow(self, moved: Sequence[Row], changes: Sequence[Change]) -> None:
        """Hold what changed; where nothing did, perhaps the clocks."""
        touched = {key for change in changes for key in change.keys or ()}
        come = [
            feature_of(dataset, ticket_id, text)
            for dataset, _, _, _, ids, texts, _ in moved
            for ticket_id, text in zip(ids, texts, strict=True)
        ]
        clocks_moved = self._move(moved, lambda *to: self.held.update(touched, come, *to))
        self.held.changes.extend(changes)
        self._announce(changes, clocks_moved=clocks_moved)

    def _move(self, moved: Sequence[Row], hold: Callable[[dict[str, int], dict[str, bytes]], None]) -> bool:
        """Hold the features, the revisions and the clocks at once; whether the clocks moved, or what judges them."""
        revisions = {dataset: revision for dataset, revision, *_ in moved}
        clocks = {dataset: text.encode() for dataset, _, text, *_ in moved}
        clocks_moved = clocks != self.held.view.clocks
        if clocks_moved or revisions != self.held.revisions:
            hold(revisions, clocks)
        rules_before, self.rules = self.rules, {dataset: rules.encode() for dataset, *_, rules in moved}
        return clocks_moved or self.rules != rules_before

    async def _read_tokens(self, connection: Connection) -> None:
        asked_s = time.monotonic()
        tokens = [Token(*row) for row in await _rows(connection, _TOKENS)]
        self.tokens.replace(tokens, ever_made=bool((await _rows(connection, _EVER))[0][0]), read_s=asked_s)

    def _revisions(self) -> dict[str, int]:
        return {dataset: self.held.revisions.get(dataset, 0) for dataset in DATASETS}

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        connection = await psycopg.AsyncConnection.connect(
            self.database_url,
            autocommit=True,
            connect_timeout=5,
            application_name="fleettickets serve: follow",
            options="-c timezone=UTC -c datestyle=ISO -c statement_timeout=60s",
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
        )
        async with connection:
            await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
            await connection.execute("LISTEN fleettickets")
            yield connection

    def _announce(self, changes: Sequence[Change], *, clocks_moved: bool) -> None:
        was_stale, self.stale_since = self.stale_since is not None, None
        if changes or clocks_moved:
            self.answers.forget()
        if was_stale:
            self.streams.publish("fresh", orjson.dumps({"rev": self.held.rev}), self.held.rev)
        if changes:
            self.streams.publish("revision", self.news(_number_of(changes)), self.held.rev)
        if clocks_moved:
            self.streams.publish("clocks", self.clocks(), self.held.rev)

    def news(self, changed: int | None) -> bytes:
        """The data of a revision event."""
        return orjson.dumps({"rev": self.held.rev, **self._revisions(), "changed": changed})

    def clocks(self) -> bytes:
        """The data of a clocks event."""
        return _object({**self.held.view.clocks, "rules": _object(self.rules)})

    def _lost(self, error: Exception) -> None:
        _LOG.warning("the database cannot be followed (%s); what is held stands", type(error).__name__)
        if self.stale_since is None:
            self.stale_since = datetime.now(UTC).replace(microsecond=0)
            since = {"since": self.stale_since.isoformat()}
            self.streams.publish("stale", orjson.dumps(since), self.held.rev)


def _object(parts: dict[str, bytes]) -> bytes:
    return b"{" + b", ".join(b'"%s": %s' % (name.encode(), text) for name, text in parts.items()) + b"}"


async def _rows(connection: Connection, query: Any, parameters: Any = None) -> list[Row]:  # noqa: ANN401  # psycopg's
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


def _changes(moved: Sequence[Row], since: dict[str, int]) -> list[Change]:
    """One change a revision, numbered as their sum grows; a gap in the log is a change of anything."""
    rev = sum(since.values())
    changes = []
    for dataset, revision, _, log, *_ in moved:
        known = dict(orjson.loads(log))
        if revision < since[dataset]:  # another database answers under this address
            return [Change(rev, None)]
        for number in range(since[dataset] + 1, revision + 1):
            rev += 1
            changes.append(Change(rev, _keys(dataset, known.get(number))))
    return changes


def _unseen(moved: Sequence[Row]) -> list[Change]:
    """What a server that begins remembers of the past.

    How the revisions of the two datasets took turns is not known, so each step back takes one of either: more
    tickets than changed, never fewer.
    """
    logs = [(dataset, revision, dict(orjson.loads(log))) for dataset, revision, _, log, *_ in moved]
    rev = sum(revision for _, revision, _ in logs)
    steps: list[Change] = []
    for back in range(max(revision for _, revision, _ in logs)):
        keys: set[Key] | None = set()
        for dataset, revision, known in logs:
            found = _keys(dataset, known.get(revision - back)) if revision > back else frozenset()
            keys = None if found is None or keys is None else keys | found
        steps.append(Change(rev - back, None if keys is None else frozenset(keys)))
        if keys is None:
            break
    return steps[::-1]


def _keys(dataset: str, ids: list[str] | None) -> frozenset[Key] | None:
    at = DATASETS.index(dataset)
    return None if ids is None else frozenset((at, ticket_id) for ticket_id in ids)


def _number_of(changes: Sequence[Change]) -> int | None:
    """How many tickets these changes touch; None when it may be all."""
    touched: set[Key] = set()
    for change in changes:
        if change.keys is None:
            return None
        touched |= change.keys
    return len(touched)
