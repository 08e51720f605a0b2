"""The read functions of the database: query names are their parameters' names, the answer is what they wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, LiteralString

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import ConfigDict, Field

from fleettickets.api import parameters as ask
from fleettickets.api import reply
from fleettickets.api.held import masked
from fleettickets.api.problems import ProblemError
from fleettickets.datasets import FEED_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable

Window = Literal["today", "week", "month", "custom"]
Mode = Annotated[Literal["known", "happened"], Field(description="known: as known then; happened: as known now")]

router = APIRouter(default_response_class=Response, tags=["functions"])


class InstantQuery(ask.Query):
    """At which instant; without, now."""

    now: ask.Instant | None = None
    mode: Mode = "known"


class DatasetQuery(InstantQuery):
    """Of which dataset."""

    dataset: ask.Dataset = "inc"


class WindowQuery(InstantQuery):
    """Over which window; with `from` or `to` it is a custom one, whatever its name."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    window: Window = "today"
    begin: Annotated[ask.Instant | None, Field(alias="from")] = None
    end: Annotated[ask.Instant | None, Field(alias="to")] = None
    cluster: ask.Text = ""


class DashboardQuery(WindowQuery):
    """Of which tickets."""

    status: ask.Text = ""
    team: ask.Text = ""
    anchor: Literal["now", "content"] = "now"


class TeamsQuery(WindowQuery):
    """Of which dataset."""

    window: Window = "month"
    dataset: ask.Dataset = "inc"


class DaysQuery(ask.Query):
    """Of which days; without `from` as many before the end as the function takes."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    dataset: ask.Dataset = "inc"
    begin: Annotated[ask.Instant | None, Field(alias="from")] = None
    end: Annotated[ask.Instant | None, Field(alias="to")] = None
    now: ask.Instant | None = None


class QualityQuery(DatasetQuery):
    """Over how many days."""

    days: Annotated[int, Field(ge=1, le=400)] = 30


class TicketQuery(InstantQuery):
    """Of which dataset, where both know the id."""

    dataset: ask.Dataset = ""


_HARMLESS: Final = frozenset(FEED_COLUMNS) - {"location_name"}
DASHBOARD: Final = (
    "SELECT reporting.fn_inc_dashboard(p_cluster => %(cluster)s::text, p_status => %(status)s::text, "
    "p_window => %(window)s::text, p_from => %(begin)s::timestamptz, p_to => %(end)s::timestamptz, "
    "p_now => %(now)s::timestamptz, p_team => %(team)s::text, p_anchor => %(anchor)s::text, "
    "p_mode => %(mode)s::text)::text"
)
_DAYS: Final = (
    "p_dataset => %(dataset)s::text, p_from => %(begin)s::timestamptz, p_to => %(end)s::timestamptz, "
    "p_now => %(now)s::timestamptz)::text"
)
_BACKLOG: Final = "SELECT reporting.fn_backlog_daily(" + _DAYS
_TRENDS: Final = "SELECT reporting.fn_trends(" + _DAYS
_FILES: Final = "SELECT reporting.fn_files(" + _DAYS
_TICKET: Final = (
    "SELECT reporting.fn_ticket(%(ticket_id)s::text, %(now)s::timestamptz, "
    "nullif(%(dataset)s::text, ''), %(mode)s::text)::text"
)
_TEAMS: Final = (
    "SELECT reporting.fn_team_performance(p_window => %(window)s::text, p_from => %(begin)s::timestamptz, "
    "p_to => %(end)s::timestamptz, p_now => %(now)s::timestamptz, p_cluster => %(cluster)s::text, "
    "p_dataset => %(dataset)s::text, p_mode => %(mode)s::text)::text"
)
QUALITY: Final = (
    "SELECT reporting.fn_data_quality(p_now => %(now)s::timestamptz, p_dataset => %(dataset)s::text, "
    "p_days => %(days)s::integer, p_mode => %(mode)s::text)::text"
)
_OUTAGES: Final = (
    "SELECT reporting.fn_outages(p_now => %(now)s::timestamptz, p_dataset => %(dataset)s::text, "
    "p_mode => %(mode)s::text)::text"
)


@router.get("/webhook/inc-dashboard", responses=reply.documented(304, 400, 504))
async def dashboard(request: Request, query: Annotated[DashboardQuery, Query()]) -> Response:
    """Open and closed faults of a window with their metrics."""
    return await passed(request, DASHBOARD, at(request, query))


@router.get("/api/backlog", responses=reply.documented(304, 400, 504))
async def backlog(request: Request, query: Annotated[DaysQuery, Query()]) -> Response:
    """The backlog of each day, and how it is known."""
    return await passed(request, _BACKLOG, at(request, query))


@router.get("/api/trends", responses=reply.documented(304, 400, 504))
async def trends(request: Request, query: Annotated[DaysQuery, Query()]) -> Response:
    """Each day: how far the data reaches, the repair time of what was closed, the open tickets by age."""
    return await passed(request, _TRENDS, at(request, query))


@router.get("/api/files", responses=reply.documented(304, 400, 504))
async def files(request: Request, query: Annotated[DaysQuery, Query()]) -> Response:
    """The files of a feed, what became of each, and the silences between them."""
    return await passed(request, _FILES, at(request, query))


@router.get("/api/teams", responses=reply.documented(304, 400, 504))
async def teams(request: Request, query: Annotated[TeamsQuery, Query()]) -> Response:
    """Closures by the team that closed them."""
    return await passed(request, _TEAMS, at(request, query))


@router.get("/api/quality", responses=reply.documented(304, 400, 504))
async def quality(request: Request, query: Annotated[QualityQuery, Query()]) -> Response:
    """How good the data is, rule by rule."""
    return await passed(request, QUALITY, at(request, query))


@router.get("/api/outages", responses=reply.documented(304, 400, 504))
async def outages(request: Request, query: Annotated[DatasetQuery, Query()]) -> Response:
    """Clusters of new tickets that chance does not explain."""
    return await passed(request, _OUTAGES, at(request, query))


@router.get("/api/tickets/{ticket_id}", responses=reply.documented(304, 400, 504))
async def ticket(
    request: Request, ticket_id: Annotated[str, Path(max_length=200)], query: Annotated[TicketQuery, Query()]
) -> Response:
    """One ticket: its timeline, its SLA explained, every fact with its file."""
    return await passed(request, _TICKET, {**at(request, query), "ticket_id": ticket_id}, _harmless_facts)


def at(request: Request, query: InstantQuery | DaysQuery) -> dict[str, Any]:
    """The question with its instant: the one asked for, or the server's now."""
    return {**query.model_dump(), "now": query.now or reply.now(request)}


def _harmless_facts(body: bytes) -> bytes:
    """The ticket without what may name a customer: facts of the feed's own columns, but for the location name."""
    document = orjson.loads(masked(body))
    document["facts"] = [fact for fact in document["facts"] if fact["name"] in _HARMLESS]
    return orjson.dumps(document)


async def passed(
    request: Request,
    query: LiteralString,
    parameters: dict[str, Any] | list[Any],
    without_pii: Callable[[bytes], bytes] = masked,
) -> Response:
    """What one function of the database answers, as it wrote it, or without what the caller may not see."""
    text = await reply.server_of(request).value(query, parameters)
    if text is None:
        raise ProblemError("not_found", "there is no such ticket")
    body = text.encode()
    return await reply.fresh(request, body if reply.caller_of(request).may("pii") else without_pii(body))
