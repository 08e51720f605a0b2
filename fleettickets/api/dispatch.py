"""Dispatch over HTTP: vehicles, the nearest, plans with locks and commits, attribution."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import orjson
import psycopg
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from fleettickets import db
from fleettickets.api import parameters as ask
from fleettickets.api import reply
from fleettickets.api.held import masked
from fleettickets.api.planning import problem_of
from fleettickets.api.problems import ProblemError
from fleettickets.dispatch import plans
from fleettickets.dispatch.files import WRITERS
from fleettickets.dispatch.model import Unassigned
from fleettickets.dispatch.roads import roads_of
from fleettickets.errors import FleetticketsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import TypeVar

    from fleettickets.api.server import Server
    from fleettickets.db import Connection

    Found = TypeVar("Found")

_MOST_LOCKS: Final = 2_000
_MOST_ITERATIONS: Final = 20_000
_BIGGEST: Final = 2**62

router = APIRouter(prefix="/api/dispatch", tags=["dispatch"])
PlanId = Annotated[int, Path(ge=1, le=_BIGGEST)]
Name = Annotated[str, Field(min_length=1, max_length=200), ask.NO_NUL]
Names = Annotated[list[Name], Field(max_length=_MOST_LOCKS)]


class VehiclesQuery(ask.Query):
    """As of when."""

    stale_after_minutes: Annotated[float, Field(ge=1, le=10_080)] = 60
    now: ask.Instant | None = None


class NearestQuery(ask.Query):
    """Near which ticket, vehicle or point: one of the three."""

    ticket: ask.Text = ""
    vehicle: ask.Text = ""
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    k: Annotated[int, Field(ge=1, le=100)] = 5
    skill: Annotated[ask.Several, Field(default_factory=list)]
    dataset: ask.Dataset = ""
    now: ask.Instant | None = None


class AttributionQuery(ask.Query):
    """Which closures; the last seven days by default."""

    from_: Annotated[ask.Instant | None, Field(alias="from")] = None
    to: ask.Instant | None = None
    dataset: Literal["inc", "crq"] = "inc"


class PlansQuery(ask.Query):
    """Which plans, newest first."""

    limit: Annotated[int, Field(ge=1, le=200)] = 20
    before: Annotated[int, Field(ge=1, le=_BIGGEST)] | None = None


class DiffQuery(ask.Query):
    """The plan that would replace this one."""

    to: Annotated[int, Field(ge=1, le=_BIGGEST)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LocksBody(_Body):
    """What the planner may not change."""

    pinned: Annotated[dict[Name, Name], Field(max_length=_MOST_LOCKS)] = {}
    first: Annotated[dict[Name, Names], Field(max_length=_MOST_LOCKS)] = {}


class SettingsBody(_Body):
    """What a dispatcher may choose; what-if: vehicles away, vehicles more, longer shifts."""

    datasets: Annotated[list[Literal["inc", "crq"]], Field(min_length=1, max_length=2)] = ["inc"]
    horizon_hours: Annotated[float, Field(ge=0, le=240)] = 24.0
    stale_after_minutes: Annotated[float, Field(ge=1, le=10_080)] = 60.0
    allows_coarse: bool = True
    longer_shift_minutes: Annotated[float, Field(ge=-600, le=600)] = 0.0
    without_vehicles: Names = []
    with_vehicles: Annotated[int, Field(ge=0, le=200)] = 0
    iterations: Annotated[int, Field(ge=0, le=_MOST_ITERATIONS)] = 4_000


class DraftBody(_Body):
    """A plan to make."""

    settings: SettingsBody = SettingsBody()
    locks: LocksBody = LocksBody()
    now: ask.Instant | None = None
    from_plan: Annotated[int, Field(ge=1, le=_BIGGEST)] | None = None
    keep: bool = True


class RelockBody(_Body):
    """New locks for a draft."""

    revision: Annotated[int, Field(ge=1, le=2**31 - 1)]
    locks: LocksBody
    most_moved: Annotated[int, Field(ge=0, le=100_000)] | None = 0


class InsertBody(_Body):
    """A ticket to take into a draft."""

    revision: Annotated[int, Field(ge=1, le=2**31 - 1)]
    ticket_id: Name


class CommitBody(_Body):
    """A draft to make the plan that holds."""

    revision: Annotated[int, Field(ge=1, le=2**31 - 1)]


@router.get("/vehicles", responses=reply.documented(304, 400, 504))
async def vehicles(request: Request, query: Annotated[VehiclesQuery, Query()]) -> Response:
    """Every active vehicle: where it was last known to be, how fresh that is, what it does next."""
    text = await reply.server_of(request).value(
        "SELECT dispatch.fn_vehicles(make_interval(secs => %s), %s)::text",
        [query.stale_after_minutes * 60, query.now or reply.now(request)],
    )
    return await reply.fresh(request, text.encode())


@router.get("/nearest", responses=reply.documented(304, 400, 504))
async def nearest(request: Request, query: Annotated[NearestQuery, Query()]) -> Response:
    """The vehicles nearest to a ticket, or the open tickets nearest to a vehicle or a point."""
    is_point = query.lon is not None and query.lat is not None
    if [bool(query.ticket), bool(query.vehicle), is_point].count(True) != 1:
        raise ProblemError("bad_parameter", "give one of ticket, vehicle, or lon with lat")
    moment = query.now or reply.now(request)
    server = reply.server_of(request)
    if query.ticket:
        text = await server.value(
            "SELECT dispatch.fn_nearest_vehicles(%s, %s, %s::text[], p_now => %s)::text",
            [query.ticket, query.k, query.skill, moment],
        )
    else:
        text = await server.value(
            "SELECT dispatch.fn_nearest_tickets(%s::text, %s::float8, %s::float8, %s, %s::text, %s)::text",
            [query.vehicle or None, query.lon, query.lat, query.k, query.dataset or None, moment],
        )
    body = text.encode()
    return await reply.fresh(request, body if reply.caller_of(request).may("pii") else masked(body))


@router.get("/attribution", responses=reply.documented(304, 400, 504))
async def attribution(request: Request, query: Annotated[AttributionQuery, Query()]) -> Response:
    """Closures by team: as assigned beside as observed by the tracks, with the coverage."""
    text = await reply.server_of(request).value(
        "SELECT dispatch.fn_attribution(coalesce(%s, %s - interval '7 days'), %s, %s, %s)::text",
        [
            query.from_,
            query.to or reply.now(request),
            query.to or reply.now(request),
            query.dataset,
            reply.now(request),
        ],
    )
    return await reply.fresh(request, text.encode())


@router.get("/plans", responses=reply.documented(304, 400))
async def plan_list(request: Request, query: Annotated[PlansQuery, Query()]) -> Response:
    """The newest plans, each with its summary."""
    text = await reply.server_of(request).value("SELECT dispatch.fn_plans(%s, %s)::text", [query.limit, query.before])
    return await reply.fresh(request, text.encode())


@router.post("/plans", status_code=201, responses=reply.documented(400, 409, 504))
async def draft(request: Request, body: DraftBody) -> Response:
    """Plan the shift from what is open and where the vehicles are; the plan is kept as a draft.

    With `from_plan` the draft goes on from that plan and moves nothing; without `keep` the answer is a what-if, 200.
    """
    caller = reply.demand(request, "dispatch")
    server = reply.server_of(request)
    moment = body.now or reply.now(request)
    goes_on = body.from_plan is not None
    if goes_on and (body.model_fields_set & {"settings", "locks"} or not body.keep):
        raise ProblemError("bad_parameter", "from_plan goes on with that plan's settings and locks, and is kept")
    order = {"do": "go_on" if goes_on else "draft", "settings": body.settings.model_dump(), "by": caller.name}
    common = {**_common(server, body.locks, moment), "plan_id": body.from_plan, "keep": body.keep}
    made = await server.planner.answer({**order, **common})
    if not body.keep:
        return _told({**made["plan"], "plan_id": None})
    stored = await _with_database(server, lambda connection: plans.load(connection, made["plan_id"]))
    return _told(stored.as_dict(), 201, {"location": f"/api/dispatch/plans/{stored.plan_id}"})


@router.get("/plans/current", responses=reply.documented(304, 400))
async def current(request: Request, query: Annotated[ask.Query, Query()]) -> Response:  # noqa: ARG001  # it refuses what is unknown
    """The committed plan, else the newest."""
    stored = await _with_database(reply.server_of(request), plans.load)
    return await reply.fresh(request, orjson.dumps(stored.as_dict()))


@router.get("/plans/{plan_id}", responses=reply.documented(304, 400))
async def one(request: Request, plan_id: PlanId, query: Annotated[ask.Query, Query()]) -> Response:  # noqa: ARG001  # the same
    """A plan: routes with times and slack, unassigned tickets with reasons, locks."""
    stored = await _with_database(reply.server_of(request), lambda connection: plans.load(connection, plan_id))
    return await reply.fresh(request, orjson.dumps(stored.as_dict()))


@router.patch("/plans/{plan_id}", responses=reply.documented(400, 409, 504))
async def relock(request: Request, plan_id: PlanId, body: RelockBody) -> Response:
    """Plan a draft anew under other locks, moving at most so many tickets to other crews; null: make no fresh plan."""
    reply.demand(request, "dispatch")
    server = reply.server_of(request)
    order = {"do": "relock", "plan_id": plan_id, "revision": body.revision, "most_moved": body.most_moved}
    made = await server.planner.answer({**order, **_common(server, body.locks, reply.now(request))})
    stored = await _with_database(server, lambda connection: plans.load(connection, plan_id))
    return _told({**stored.as_dict(), "would_move": made["would_move"], "fresh": made["fresh"]})


@router.post("/plans/{plan_id}/insert", responses=reply.documented(400, 409, 504))
async def insert(request: Request, plan_id: PlanId, body: InsertBody) -> Response:
    """Take one urgent ticket into a draft; nothing else moves. Where it fits nowhere, the reason."""
    reply.demand(request, "dispatch")
    server = reply.server_of(request)
    roads = roads_of(server.settings.router, server.settings.router_url, reply.now(request))

    def work(connection: Connection) -> dict[str, Any]:
        stored = plans.load(connection, plan_id)
        found = plans.insert(connection, stored, body.ticket_id, body.revision, roads)
        if isinstance(found, Unassigned):
            return {"inserted": False, "unassigned": asdict(found), "plan": stored.as_dict()}
        return {"inserted": True, "unassigned": None, "plan": found.as_dict()}

    return _told(await _with_database(server, work))


@router.post("/plans/{plan_id}/commit", responses=reply.documented(400, 409))
async def commit(request: Request, plan_id: PlanId, body: CommitBody) -> Response:
    """Make a draft the plan that holds; 409 when another one was committed since it was made."""
    caller = reply.demand(request, "dispatch")

    def work(connection: Connection) -> dict[str, Any]:
        stored = plans.load(connection, plan_id)
        closed = plans.commit(connection, stored, body.revision, caller.name, reply.now(request))
        return {"closed_before": closed, "plan": plans.load(connection, plan_id).as_dict()}

    return _told(await _with_database(reply.server_of(request), work))


@router.get("/plans/{plan_id}/diff", responses=reply.documented(304, 400))
async def diff(request: Request, plan_id: PlanId, query: Annotated[DiffQuery, Query()]) -> Response:
    """What the crews would notice if the other plan replaced this one."""

    def work(connection: Connection) -> dict[str, Any]:
        return asdict(plans.compare(plans.load(connection, plan_id), plans.load(connection, query.to)))

    return await reply.fresh(request, orjson.dumps(await _with_database(reply.server_of(request), work)))


@router.get(
    "/plans/{plan_id}/export.{ending}",
    responses=reply.documented(400, media_types=[writer.media_type for writer in WRITERS.values()]),
)
async def export(
    request: Request,
    plan_id: PlanId,
    ending: Literal["gpx", "geojson"],
    query: Annotated[ask.Query, Query()],  # noqa: ARG001  # it refuses what is unknown
) -> Response:
    """A plan as a file: GPX routes, or GeoJSON."""
    stored = await _with_database(reply.server_of(request), lambda connection: plans.load(connection, plan_id))
    writer = WRITERS[ending]
    headers = {
        "content-disposition": f'attachment; filename="fleettickets-plan-{plan_id}.{ending}"',
        "cache-control": "no-store",
    }
    return Response(writer.write(stored.as_dict()), media_type=writer.media_type, headers=headers)


async def _with_database(server: Server, work: Callable[[Connection], Found]) -> Found:
    """Short work in one transaction, beside the event loop."""
    timeout_ms = round(server.settings.statement_timeout_s * 1000)

    def run() -> Found:
        with db.connect(server.settings.database_url, role="fleettickets serve") as connection:
            connection.execute("SELECT set_config('statement_timeout', %s, false)", [f"{timeout_ms}ms"])
            with connection.transaction():
                return work(connection)

    try:
        return await asyncio.to_thread(run)
    except (FleetticketsError, psycopg.Error) as error:
        raise problem_of(error) from None


def _common(server: Server, locks: LocksBody, moment: datetime) -> dict[str, Any]:
    settings = server.settings
    return {
        "now": moment.isoformat(),
        "locks": locks.model_dump(),
        "router": settings.router,
        "router_url": settings.router_url,
        "keep": True,
    }


def _told(document: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(document),
        status,
        media_type="application/json",
        headers={"cache-control": "no-store", **(headers or {})},
    )
