"""Exports of exactly the filter shown, each with the four clocks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field

from fleettickets import export as exporting
from fleettickets.api import feed, functions, reply
from fleettickets.api import parameters as ask
from fleettickets.api.held import masked
from fleettickets.api.parameters import MapQuery, TicketQuery
from fleettickets.api.problems import ProblemError
from fleettickets.datasets import DATASETS, EAT
from fleettickets.db import statement
from fleettickets.export import sheet
from fleettickets.export.formats import MEDIA_TYPES, to_csv, to_flatgeobuf, to_geojson, to_json, to_parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from fleettickets.export.sheet import Sheet

Ending = Literal["csv", "geojson", "fgb", "parquet", "json"]
PlacelessEnding = Literal["csv", "parquet", "json"]
"""Rows that are no points make no GeoJSON and no FlatGeobuf."""

_MOST_CLOSURES: Final = 50_000
_COVERAGE: Final = "fleettickets-coverage"
_FOLDER: Final = Path(exporting.__file__).parent
_PLACES: Final = reply.documented(400, 504, media_types=list(MEDIA_TYPES.values()))
_NO_PLACES: Final = reply.documented(
    400, 504, media_types=[MEDIA_TYPES[ending] for ending in ("csv", "parquet", "json")]
)

router = APIRouter(default_response_class=Response, prefix="/api/export", tags=["exports"])


class OpenExportQuery(TicketQuery):
    """Which open tickets, as the map filters them."""

    bom: bool = False


class ClosedExportQuery(functions.DashboardQuery):
    """Which closed faults, as the dashboard filters them."""

    bom: bool = False


class HistoryExportQuery(ask.Query):
    """Which closures: closed in [from, to), as known at `now`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    dataset: ask.Dataset = ""
    begin: Annotated[ask.Instant | None, Field(alias="from")] = None
    end: Annotated[ask.Instant | None, Field(alias="to")] = None
    now: ask.Instant | None = None
    bom: bool = False


class QualityExportQuery(functions.QualityQuery):
    """Of which dataset; without, of both."""

    dataset: ask.Dataset = ""
    bom: bool = False


@router.get("/open.{ending}", responses=_PLACES)
async def open_tickets(request: Request, ending: Ending, query: Annotated[OpenExportQuery, Query()]) -> Response:
    """The open tickets of this filter as a file; with `now`, as they stood then."""
    server, pii = reply.server_of(request), reply.caller_of(request).may("pii")
    asked = MapQuery(**query.model_dump(exclude={"bom"}))
    reply.demand_loaded(server)
    if query.now is None:
        body = await asyncio.to_thread(feed.whole, server.held.view, asked, server.now().timestamp(), pii=pii)
    else:
        body = await feed.at_instant(server, asked, pii=pii)
    moment = _moment(request, query.now)
    return await _file("open", ending, moment, query, lambda said: sheet.of_tickets(orjson.loads(body), moment, said))


@router.get("/closed.{ending}", responses=_PLACES)
async def closed_tickets(request: Request, ending: Ending, query: Annotated[ClosedExportQuery, Query()]) -> Response:
    """The faults closed in this window as a file: exactly those the dashboard shows under the same filter."""
    text = await reply.server_of(request).value(functions.DASHBOARD, functions.at(request, query))
    body = text.encode()
    document = orjson.loads(body if reply.caller_of(request).may("pii") else masked(body))
    moment = _moment(request, query.now)
    answer = await _file("closed", ending, moment, query, lambda said: sheet.of_closed(document, said))
    answer.headers[_COVERAGE] = document["window"]["coverage"]
    return answer


@router.get("/history.{ending}", responses=_NO_PLACES)
async def history(request: Request, ending: PlacelessEnding, query: Annotated[HistoryExportQuery, Query()]) -> Response:
    """Every closure as it was observed, corrections included, as a file; with `now`, as known then."""
    if query.begin and query.end and query.begin >= query.end:
        raise ProblemError("bad_parameter", "from: is before to")
    asked = {"dataset": query.dataset or None, "at": query.now, "from": query.begin, "to": query.end}
    text = await reply.server_of(request).value(statement(_FOLDER, "history"), {**asked, "most": _MOST_CLOSURES + 1})
    document = await asyncio.to_thread(orjson.loads, text)
    if len(document["closures"]) > _MOST_CLOSURES:
        raise ProblemError("too_large", f"more than {_MOST_CLOSURES} closures: give from and to")
    moment = _moment(request, query.now)
    return await _file("history", ending, moment, query, lambda said: sheet.of_history(document, moment, said))


@router.get("/quality.{ending}", responses=_NO_PLACES)
async def quality(request: Request, ending: PlacelessEnding, query: Annotated[QualityExportQuery, Query()]) -> Response:
    """What is odd in the data, a row a rule, as a file."""
    moment = _moment(request, query.now)
    known = query.model_dump(exclude={"bom"}) | {"now": moment}
    found = [
        orjson.loads(await reply.server_of(request).value(functions.QUALITY, {**known, "dataset": dataset}))
        for dataset in ([query.dataset] if query.dataset else DATASETS)
    ]
    return await _file("quality", ending, moment, query, lambda said: sheet.of_quality(found, said))


async def _file(
    what: str, ending: Ending, moment: datetime, query: ask.Query, make: Callable[[Mapping[str, Any]], Sheet]
) -> Response:
    """The rows of this filter as a file of that format, written beside the event loop."""
    said = query.model_dump(mode="json", exclude_defaults=True, exclude={"now", "bom"}, by_alias=True)
    bom = bool(getattr(query, "bom", False))
    content = await asyncio.to_thread(lambda: _written(make(said), ending, bom=bom))
    name = f"fleettickets-{what}-{moment:%Y%m%dT%H%M%S}.{ending}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(content, media_type=MEDIA_TYPES[ending], headers=headers)


def _written(rows: Sheet, ending: Ending, *, bom: bool) -> bytes:
    if ending == "csv":
        return to_csv(rows, bom=bom)
    write = {"fgb": to_flatgeobuf, "geojson": to_geojson, "json": to_json, "parquet": to_parquet}[ending]
    return write(rows)


def _moment(request: Request, now: datetime | None) -> datetime:
    return (now or reply.now(request)).astimezone(EAT)
