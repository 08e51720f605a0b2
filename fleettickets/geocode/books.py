"""The books of a run: what was asked and spent, what was answered; in the database, or on a scratch pad."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from psycopg.types.json import Jsonb

from fleettickets.geocode.places import Answer, Candidate, Outcome, Point

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from fleettickets.db import Connection

_STATES = {Outcome.OK: "ok", Outcome.EMPTY: "empty", Outcome.LIMITED: "limited"}


class Books(Protocol):
    """What was asked, spent and answered."""

    def known(self, provider: str, query_key: str, params_hash: str, now: datetime) -> tuple[Candidate, ...] | None:
        """The answer that may still be used, or None."""
        ...

    def spent(self, provider: str, now: datetime) -> Counter[str]:
        """Requests of this UTC day by purpose."""
        ...

    def reserve(self, provider: str, purpose: str, query_key: str, now: datetime) -> int:
        """Note a request for good before it is sent; its number."""
        ...

    def settle(  # the facts of one request
        self,
        number: int,
        answer: Answer,
        *,
        took_ms: int,
        keep: tuple[str, str, str] | None,
        now: datetime,
        until: datetime | None,
    ) -> None:
        """Note what came of it and, in the same breath, the answer worth keeping."""
        ...


class Ledger:
    """The books in the database, each line committed by itself: a run that dies owes at most one."""

    def __init__(self, connection: Connection, run_id: UUID) -> None:
        self._connection = connection
        self._run_id = run_id

    def known(self, provider: str, query_key: str, params_hash: str, now: datetime) -> tuple[Candidate, ...] | None:
        """The answer that may still be used, or None."""
        row = self._connection.execute(
            "SELECT answer FROM tickets.geo_answers WHERE provider = %s AND query_key = %s AND params_hash = %s "
            "AND (expires_at IS NULL OR expires_at > %s)",
            [provider, query_key, params_hash, now],
        ).fetchone()
        return tuple(_candidate(one) for one in row[0]) if row else None

    def spent(self, provider: str, now: datetime) -> Counter[str]:
        """Requests of this UTC day by purpose; refusals for being too fast are not charged."""
        rows = self._connection.execute(
            "SELECT purpose, count(*) FROM tickets.geo_requests "
            "WHERE provider = %s AND utc_day = %s AND state <> 'limited' GROUP BY purpose",
            [provider, now.date()],
        )
        return Counter(dict(rows.fetchall()))

    def reserve(self, provider: str, purpose: str, query_key: str, now: datetime) -> int:
        """Note a request before it is sent; its number."""
        row = self._connection.execute(
            "INSERT INTO tickets.geo_requests (run_id, provider, utc_day, purpose, query_key, at) "
            "VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
            [self._run_id, provider, now.date(), purpose, query_key, now],
        ).fetchone()
        return int(row[0]) if row else 0

    def settle(  # the facts of one request
        self,
        number: int,
        answer: Answer,
        *,
        took_ms: int,
        keep: tuple[str, str, str] | None,
        now: datetime,
        until: datetime | None,
    ) -> None:
        """Note what came of it, and the answer worth keeping."""
        with self._connection.transaction():
            self._connection.execute(
                "UPDATE tickets.geo_requests SET state = %s, http = %s, message = %s, ms = %s WHERE id = %s",
                [_STATES.get(answer.outcome, "error"), answer.http, answer.message or None, took_ms, number],
            )
            if keep:
                found = [asdict(one) for one in answer.candidates]
                self._connection.execute(
                    "INSERT INTO tickets.geo_answers "
                    "(provider, query_key, params_hash, answer, n, fetched_at, expires_at) "
                    "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (provider, query_key, params_hash) DO UPDATE "
                    "SET answer = excluded.answer, n = excluded.n, fetched_at = excluded.fetched_at, "
                    "expires_at = excluded.expires_at",
                    [*keep, Jsonb(found), len(found), now, until],
                )


class ScratchPad:
    """Books that leave no trace: for evaluations."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._answers: dict[tuple[str, str, str], tuple[Candidate, ...]] = {}
        self._spent: dict[str, Counter[str]] = {}

    def known(self, provider: str, query_key: str, params_hash: str, now: datetime) -> tuple[Candidate, ...] | None:  # noqa: ARG002  # as Books
        """The answer of this run, or None."""
        return self._answers.get((provider, query_key, params_hash))

    def spent(self, provider: str, now: datetime) -> Counter[str]:  # noqa: ARG002  # as Books
        """Requests of this run by purpose."""
        return self._spent.setdefault(provider, Counter())

    def reserve(self, provider: str, purpose: str, query_key: str, now: datetime) -> int:  # noqa: ARG002  # as Books
        """Count a request."""
        self._spent.setdefault(provider, Counter())[purpose] += 1
        return next(self._numbers)

    def settle(  # the facts of one request
        self,
        number: int,  # noqa: ARG002  # as Books
        answer: Answer,
        *,
        took_ms: int,  # noqa: ARG002  # as Books
        keep: tuple[str, str, str] | None,
        now: datetime,  # noqa: ARG002  # as Books
        until: datetime | None,  # noqa: ARG002  # as Books
    ) -> None:
        """Keep the answer for the rest of the run."""
        if keep:
            self._answers[keep] = answer.candidates


def _candidate(document: dict[str, Any]) -> Candidate:
    return Candidate(**{**document, "point": Point(**document["point"])})
