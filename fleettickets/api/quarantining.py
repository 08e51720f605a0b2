"""The quarantine over HTTP: what could not be used, and a person's decision to read it again or to discard it."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
import psycopg
from fastapi import APIRouter, Query, Request, Response
from psycopg.rows import dict_row
from pydantic import BaseModel, ConfigDict, Field

from fleettickets import db, quarantine
from fleettickets.api import parameters as ask
from fleettickets.api import problems, reply
from fleettickets.errors import BusyError, FleetticketsError, UpstreamError
from fleettickets.load.quarantine import held
from fleettickets.report import NOBODY

if TYPE_CHECKING:
    from fleettickets.api.server import Server
    from fleettickets.db import Connection
    from fleettickets.load.quarantine import Held

_DECISIONS_SHOWN = 20

router = APIRouter(prefix="/api/quarantine", default_response_class=Response, tags=["quarantine"])


class HeldQuery(ask.Query):
    """Of which dataset, and how many of each kind."""

    dataset: ask.Dataset = ""
    discarded: bool = False
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class Verdict(BaseModel):
    """What becomes of files (by number) and rows (number:line); without apply all is tried and rolled back."""

    model_config = ConfigDict(extra="forbid")
    action: Literal["retry", "discard"]
    references: Annotated[
        list[Annotated[str, Field(pattern=r"^\d{1,18}(:\d{1,18})?$")]], Field(min_length=1, max_length=100)
    ]
    accept_future: bool = False
    apply: bool = True


@router.get("", responses=reply.documented(304, 400, 504))
async def listed(request: Request, query: Annotated[HeldQuery, Query()]) -> Response:
    """Files and rows that wait, newest first, and the newest decisions; records only with scope pii."""
    document = await asyncio.to_thread(_listed, reply.server_of(request), query, reply.caller_of(request).may("pii"))
    return await reply.fresh(request, orjson.dumps(document))


@router.post("", responses=reply.documented(400, 409))
async def decide(request: Request, verdict: Verdict) -> Response:
    """Read again or discard, by the same rules as `fleettickets quarantine`; who did it is written down."""
    caller = reply.demand(request, "review")
    done = await asyncio.to_thread(_decide, reply.server_of(request), verdict, caller.name)
    return Response(orjson.dumps(done), media_type="application/json", headers={"cache-control": "no-store"})


def _listed(server: Server, query: HeldQuery, pii: bool) -> dict[str, Any]:  # noqa: FBT001  # a right, by position
    with _connected(server) as connection:
        found = held(connection, dataset=query.dataset or None, discarded=query.discarded, most=query.limit)
        with connection.cursor(row_factory=dict_row) as cursor:
            decisions = cursor.execute(
                "SELECT at, who, action, dataset, file_id, line, key, reason, outcome "
                "FROM tickets.quarantine_decisions WHERE dataset = %(dataset)s OR %(dataset)s = '' "
                "ORDER BY decision_id DESC LIMIT %(most)s",
                {"dataset": query.dataset, "most": _DECISIONS_SHOWN},
            ).fetchall()
    files, rows = [one for one in found if one.line is None], [one for one in found if one.line is not None]
    return {
        "files": [_as_dict(one, pii=pii) for one in files],
        "rows": [_as_dict(one, pii=pii) for one in rows],
        "total": {"files": files[0].total if files else 0, "rows": rows[0].total if rows else 0},
        "decisions": decisions,
    }


def _as_dict(one: Held, *, pii: bool) -> dict[str, Any]:
    fields = asdict(one)
    del fields["total"]
    return {"reference": one.reference, **fields, "record": one.record if pii else None}


def _decide(server: Server, verdict: Verdict, who: str) -> dict[str, Any]:
    by = quarantine.Decider(who, server.now(), verdict.apply)
    try:
        with _connected(server) as connection:
            what = quarantine.chosen(connection, verdict.references, discarded=True)
            if verdict.action == "discard":
                what = [one for one in what if one.discarded_at is None]
                if verdict.apply:
                    with connection.transaction():
                        quarantine.discard(connection, what, by)
                outcomes = {one.reference: "discarded" for one in what}
                return {"action": "discard", "applied": verdict.apply, "outcomes": outcomes, "runs": []}
        done = quarantine.retry(
            partial(_connected, server),
            server.bucket,
            what,
            by,
            lambda _: nullcontext(NOBODY),
            accept_future=verdict.accept_future,
            deadline_s=server.settings.deadline_s,
        )
    except UpstreamError:
        raise problems.ProblemError("unavailable", "the database or the store is away: try again") from None
    except FleetticketsError as error:
        raise problems.ProblemError("conflict", str(error)) from None
    except psycopg.Error as error:
        raise problems.of_database(error) from None
    if any(report.exit_code == BusyError.exit_code for report in done.reports):
        raise problems.ProblemError("conflict", "a run is under way: try again when it is done")
    runs = [report.as_dict() for report in done.reports]
    return {"action": "retry", "applied": verdict.apply, "outcomes": done.outcomes, "runs": runs}


def _connected(server: Server) -> Connection:
    try:
        return db.connect(server.settings.database_url, role="fleettickets quarantine")
    except FleetticketsError:  # its words name the database's host
        raise problems.ProblemError("unavailable", "the database is away: try again") from None
