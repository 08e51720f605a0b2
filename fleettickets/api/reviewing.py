"""Geocode review over HTTP: what waits for a person, and their decision, recorded under the token's name."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
import psycopg
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from fleettickets import db
from fleettickets.api import parameters as ask
from fleettickets.api import problems, reply
from fleettickets.errors import UpstreamError, UsageError
from fleettickets.geocode import review
from fleettickets.geocode.places import Point

if TYPE_CHECKING:
    from fleettickets.api.server import Server

router = APIRouter(prefix="/api/geocode/review", default_response_class=Response, tags=["review"])


class QueueQuery(ask.Query):
    """How many."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 200


class Verdict(BaseModel):
    """A decision on one place with all its spellings or, without a key, on the cluster's own point."""

    model_config = ConfigDict(extra="forbid")
    cluster: ask.Text
    decision_key: ask.Text | None = None
    action: Literal["accept", "reject", "move", "keep-cluster", "undo"]
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None


@router.get("", responses=reply.documented(304, 400, 504))
async def queue(request: Request, query: Annotated[QueueQuery, Query()]) -> Response:
    """What waits for a person, by the tickets it touches: names as people typed them, so scope pii."""
    reply.demand(request, "pii")
    text = await reply.server_of(request).value(
        "SELECT reporting.fn_geo_review(%s::integer)::text",
        [query.limit],
    )
    return await reply.fresh(request, text.encode())


@router.post("", responses=reply.documented(400, 409))
async def decide(request: Request, verdict: Verdict) -> Response:
    """Decide; the tickets it touches move in the same transaction, and every map hears of it."""
    caller = reply.demand(request, "review")
    done = await asyncio.to_thread(_decide, reply.server_of(request), verdict, caller.name)
    return Response(orjson.dumps(done), media_type="application/json", headers={"cache-control": "no-store"})


def _decide(server: Server, verdict: Verdict, who: str) -> dict[str, Any]:
    point = None if verdict.lon is None or verdict.lat is None else Point(lat=verdict.lat, lon=verdict.lon)
    try:
        with db.connect(server.settings.database_url, role="fleettickets review") as connection:
            connection.execute("SET statement_timeout = '30s'; SET lock_timeout = '10s'")
            with connection.transaction():
                what = review.target(connection, verdict.decision_key, verdict.cluster)
                if verdict.action == "undo":
                    return review.undo(connection, what, who=who, now=server.now()).as_dict()
                found = review.decide(connection, what, verdict.action, who=who, now=server.now(), point=point)
                return found.as_dict()
    except UsageError as error:
        raise problems.ProblemError("conflict", str(error)) from None
    except UpstreamError:
        raise problems.ProblemError("unavailable", "the database is away: try again") from None
    except psycopg.Error as error:
        raise problems.of_database(error) from None
