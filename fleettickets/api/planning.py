"""Planning in a process of its own: a plan costs seconds of CPU, and whoever reads the map must not wait for it.

`python -m fleettickets.api.planning` takes one order as JSON on stdin and answers JSON on stdout.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
import psycopg

from fleettickets import db
from fleettickets.api.problems import ProblemError, of_database
from fleettickets.dispatch import plans
from fleettickets.dispatch.day import Locks, Settings
from fleettickets.dispatch.roads import roads_of
from fleettickets.errors import ConflictError, NotFoundError, UpstreamError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleettickets.db import Connection

_LONGEST_S: Final = 120.0
_MOST_WAITING: Final = 4
_STATEMENT_TIMEOUT: Final = "60s"
_ADDRESS: Final = "FLEETTICKETS_PLANNING_DATABASE_URL"


@dataclass(slots=True)
class Planner:
    """Plans one after the other; a few may wait, more are told to come back."""

    database_url: str = field(repr=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiting: int = 0

    async def answer(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """What the order gives; a ProblemError with the reason when it fails or takes too long."""
        if self._waiting >= _MOST_WAITING:
            raise ProblemError("unavailable", f"{_MOST_WAITING} plans are being made: try again in a minute")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._run(orjson.dumps(order))
        finally:
            self._waiting -= 1

    async def _run(self, order: bytes) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "fleettickets.api.planning",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the server, which ends it
            env={**os.environ, _ADDRESS: self.database_url},
        )
        try:
            told, _ = await asyncio.wait_for(process.communicate(order), _LONGEST_S)
        except TimeoutError:
            raise ProblemError(
                "timeout", f"the plan took longer than {_LONGEST_S:g} s: ask for fewer iterations"
            ) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise ProblemError("internal", f"the planning process ended with {process.returncode}; the log tells more")
        answer: dict[str, Any] = orjson.loads(told)
        if "problem" in answer:
            raise ProblemError(*answer["problem"])
        return answer


def problem_of(error: Exception) -> ProblemError:
    """What a failure of planning means for the caller."""
    if isinstance(error, ConflictError):
        return ProblemError("conflict", str(error))
    if isinstance(error, NotFoundError):
        return ProblemError("not_found", str(error))
    if isinstance(error, UsageError):
        return ProblemError("bad_parameter", str(error))
    if isinstance(error, UpstreamError):
        return ProblemError("unavailable", "the database is away: try again")
    return of_database(error)


def carried_out(connection: Connection, order: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out one order: {"do": "draft", "go_on" or "relock", ...}."""
    now = datetime.fromisoformat(order["now"])
    roads = roads_of(order["router"], order["router_url"], now)
    locks = Locks.of(order["locks"])
    if order["do"] == "draft":
        settings = Settings.of(order["settings"])
        made = plans.draft(connection, settings, locks, now, order["by"], roads)
        return {"plan_id": made.plan_id, "plan": None if order["keep"] else made.as_dict()}
    stored = plans.load(connection, order["plan_id"])
    if order["do"] == "go_on":
        return {"plan_id": plans.go_on(connection, stored, now, order["by"], roads).plan_id}
    changed = plans.relock(connection, stored, locks, order["revision"], order["most_moved"], roads)
    return {"plan_id": changed.stored.plan_id, "would_move": changed.would_move, "fresh": changed.fresh}


def main() -> None:
    """One order."""
    order = orjson.loads(sys.stdin.buffer.read())
    try:
        with db.connect(os.environ[_ADDRESS], role="fleettickets planning") as connection:
            connection.execute("SELECT set_config('statement_timeout', %s, false)", [_STATEMENT_TIMEOUT])
            # What-if: the plan is made and looked at, and nothing of it stays.
            with connection.transaction(force_rollback=not order["keep"]):
                answer = carried_out(connection, order)
    except (UsageError, ConflictError, UpstreamError, psycopg.Error) as error:
        problem = problem_of(error)
        answer = {"problem": [problem.code, problem.detail]}
    sys.stdout.buffer.write(orjson.dumps(answer))


if __name__ == "__main__":
    main()
