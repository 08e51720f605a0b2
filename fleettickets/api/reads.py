"""The reads that are one function of the database each, passed through as the bytes it wrote."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from fleettickets import __version__
from fleettickets.api import parameters as ask
from fleettickets.api import reply
from fleettickets.api.functions import passed

TILES_ABOVE = 50_000

router = APIRouter(default_response_class=Response, tags=["reads"])


class RunsQuery(ask.Query):
    """Which runs."""

    dataset: ask.Dataset = ""
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    before: Annotated[int, Field(ge=1, le=2**62)] | None = None


class NearestQuery(ask.Query):
    """Near which point."""

    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    k: Annotated[int, Field(ge=1, le=100)] = 10
    dataset: ask.Dataset = ""


@router.get("/api/runs", responses=reply.documented(400))
async def runs(request: Request, query: Annotated[RunsQuery, Query()]) -> Response:
    """The newest runs and what each did."""
    return await passed(
        request,
        "SELECT reporting.fn_runs(%s::text, %s::integer, %s::bigint)::text",
        [query.dataset or None, query.limit, query.before],
    )


@router.get("/api/tickets/nearest", responses=reply.documented(400, 504))
async def nearest(request: Request, query: Annotated[NearestQuery, Query()]) -> Response:
    """The open tickets nearest to a point, by true distance."""
    return await passed(
        request,
        "SELECT dispatch.fn_nearest_tickets(p_lon => %s::float8, p_lat => %s::float8, p_k => %s::integer, "
        "p_dataset => %s::text)::text",
        [query.lon, query.lat, query.k, query.dataset or None],
    )


@router.get("/api/freshness", responses=reply.documented(400))
async def freshness(request: Request, query: Annotated[ask.Query, Query()]) -> Response:  # noqa: ARG001  # it refuses what is unknown
    """The clocks as the server holds them; they stand still while the database is away, and say so."""
    server = reply.server_of(request)
    reply.demand_loaded(server)
    stale = server.follower.stale_since
    body = b'{"now" : %s, "rev" : %d, "stale_since" : %s, %s}' % (
        orjson.dumps(server.now()),
        server.held.rev,
        orjson.dumps(stale),
        server.follower.clocks()[1:-1],
    )
    return Response(body, media_type="application/json", headers={"cache-control": "no-store"})


@router.get("/api/credits", responses=reply.documented(304, 400, 504))
async def credits_(request: Request, query: Annotated[ask.Query, Query()]) -> Response:  # noqa: ARG001  # it refuses what is unknown
    """The geocoders whose points are shown: some of their terms ask to be named beside them."""
    return await passed(request, "SELECT json_build_object('geocoders', reporting.fn_credits())::text", [])


@router.get("/api/config", responses=reply.documented(400))
async def config(request: Request, query: Annotated[ask.Query, Query()]) -> Response:  # noqa: ARG001  # it refuses what is unknown
    """What the web app needs to know of this server."""
    settings = reply.server_of(request).settings
    known = {
        "version": __version__,
        "basemap_url": settings.basemap_url,
        "tiles_above": TILES_ABOVE,
        "demo": settings.demo is not None,
    }
    return Response(orjson.dumps(known), media_type="application/json", headers={"cache-control": "no-cache"})
