"""Exports of exactly the filter shown."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response

from fleettickets.api import feed, reply
from fleettickets.api.parameters import MapQuery, TicketQuery
from fleettickets.datasets import EAT
from fleettickets.export.formats import MEDIA_TYPES, to_csv, to_flatgeobuf, to_geojson, to_json, to_parquet
from fleettickets.export.sheet import Sheet, of_tickets

Ending = Literal["csv", "geojson", "fgb", "parquet", "json"]

router = APIRouter(default_response_class=Response, prefix="/api/export", tags=["exports"])


class ExportQuery(TicketQuery):
    """Which open tickets, as the map filters them."""

    bom: bool = False


@router.get("/open.{ending}", responses=reply.documented(400, 504, media_types=list(MEDIA_TYPES.values())))
async def export(request: Request, ending: Ending, query: Annotated[ExportQuery, Query()]) -> Response:
    """The open tickets of this filter as a file; with `now`, as they stood then."""
    server, pii = reply.server_of(request), reply.caller_of(request).may("pii")
    asked = MapQuery(**query.model_dump(exclude={"bom"}))
    reply.demand_loaded(server)
    if query.now is None:
        body = await asyncio.to_thread(feed.whole, server.held.view, asked, pii=pii)
    else:
        body = await feed.at_instant(server, asked, pii=pii)
    moment = query.now or reply.now(request)
    said = query.model_dump(mode="json", exclude_defaults=True, exclude={"now", "bom"})
    sheet = await asyncio.to_thread(lambda: of_tickets(orjson.loads(body), moment.astimezone(EAT), said))
    content = await _file(sheet, ending, bom=query.bom)
    name = f"fleettickets-open-{moment.astimezone(EAT):%Y%m%dT%H%M%S}.{ending}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(content, media_type=MEDIA_TYPES[ending], headers=headers)


async def _file(sheet: Sheet, ending: str, *, bom: bool) -> bytes:
    if ending == "csv":
        return await asyncio.to_thread(to_csv, sheet, bom=bom)
    write = {"fgb": to_flatgeobuf, "geojson": to_geojson, "json": to_json, "parquet": to_parquet}[ending]
    return await asyncio.to_thread(write, sheet)
