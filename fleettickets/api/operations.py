"""For those who run the server: alive, ready and why not, and numbers for Prometheus."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import psycopg
from fastapi import APIRouter, Query, Request, Response

from fleettickets import db
from fleettickets.api import parameters as ask
from fleettickets.api import reply
from fleettickets.api.measures import Gauge
from fleettickets.api.problems import ProblemError
from fleettickets.errors import FleetticketsError
from fleettickets.migrate import pending

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fleettickets.api.server import Server

_STATUS: Final = "SELECT reporting.fn_status(%s)"
_FRESHNESS: Final = (
    "SELECT dataset, reporting.fn_check_freshness(dataset, %s) FROM unnest(ARRAY['inc', 'crq']) AS dataset"
)
_GEOCODE_REQUESTS: Final = (
    "SELECT provider, count(*) FROM tickets.geo_requests "
    "WHERE utc_day = (now() AT TIME ZONE 'UTC')::date GROUP BY provider"
)
_SEVERITY: Final = {"ok": 0.0, "warn": 1.0, "error": 2.0, "stopped": 3.0}

router = APIRouter(default_response_class=Response, tags=["operations"])


@router.get("/healthz", responses=reply.documented(400))
async def healthz(query: Annotated[ask.Query, Query()]) -> Response:  # noqa: ARG001  # it refuses what is unknown
    """The process answers."""
    return Response(b'{"status": "ok"}', media_type="application/json", headers={"cache-control": "no-store"})


@router.get("/readyz", responses=reply.documented(400) | {503: reply.documented()[200]})
async def readyz(request: Request, query: Annotated[ask.Query, Query()]) -> Response:  # noqa: ARG001  # it refuses what is unknown
    """Whether requests should come here, and why not."""
    server = reply.server_of(request)
    database, migrations = await asyncio.to_thread(_migrations, server)
    feed = "ok" if server.follower.loaded.is_set() else "not loaded yet"
    if server.follower.stale_since:
        feed = f"not followed since {server.follower.stale_since.isoformat()}"
    checks = {"database": database, "migrations": migrations, "feed": feed}
    ready = set(checks.values()) == {"ok"}
    return Response(
        orjson.dumps({"ready": ready, "checks": checks}),
        status_code=200 if ready else 503,
        media_type="application/json",
        headers={"cache-control": "no-store"} | ({} if ready else {"retry-after": "5"}),
    )


@router.get("/metrics", responses=reply.documented(400, media_types=["text/plain"]))
async def metrics(request: Request, query: Annotated[ask.Query, Query()]) -> Response:  # noqa: ARG001  # it refuses what is unknown
    """Prometheus text; what the database would tell is left out while it is away."""
    reply.demand(request, "admin")
    server = reply.server_of(request)
    gauges = _own(server)
    is_up = 1.0
    try:
        gauges |= _of_status(await server.value(_STATUS, [server.now()]))
        gauges |= _of_checks(await server.rows(_FRESHNESS, [server.now()]))
        gauges |= _of_requests(await server.rows(_GEOCODE_REQUESTS), server.settings.geocode_limits)
    except ProblemError:
        is_up = 0.0
    gauges["fleettickets_database_up"] = Gauge("1 when the database answers", {"": is_up})
    return Response(server.measures.text(gauges), media_type="text/plain; version=0.0.4; charset=utf-8")


Gauges = dict[str, Gauge]


def _own(server: Server) -> Gauges:
    held = server.held
    return {
        "fleettickets_feed_loaded": Gauge("1 once the tickets are held", {"": float(server.follower.loaded.is_set())}),
        "fleettickets_feed_stale": Gauge(
            "1 while the database cannot be followed", {"": float(bool(server.follower.stale_since))}
        ),
        "fleettickets_held_tickets": Gauge("Open tickets held in memory", {"": len(held.view.features)}),
        "fleettickets_revision": Gauge("Revision held", dict(held.revisions)),
        "fleettickets_live_streams": Gauge("Readers of the live stream", {"": len(server.streams)}),
    }


def _of_status(status: dict[str, Any]) -> Gauges:
    """Ingest and its clocks, from the same function as `fleettickets status`."""
    streams = status["datasets"]
    gauges: Gauges = {}
    for clock in ("run_at", "file_ts", "content_as_of"):
        values = {name: one["freshness"][clock] for name, one in streams.items()}
        gauges[f"fleettickets_{clock}_seconds"] = Gauge(
            f"{clock} as epoch seconds",
            {name: datetime.fromisoformat(text).timestamp() for name, text in values.items() if text},
        )
    for part, meaning in (("backlog", "Open tickets"), ("files", "Export files")):
        for what in next(iter(streams.values()))[part]:
            values = {name: float(one[part][what]) for name, one in streams.items() if one[part][what] is not None}
            gauges[f"fleettickets_{part}_{what}"] = Gauge(f"{meaning}: {what}", values)
    rejected = {name: float(one["rejected_rows"]) for name, one in streams.items()}
    gauges["fleettickets_rejected_rows"] = Gauge("Rows that could not be used", rejected)
    newest = {name: one["last_runs"][0] for name, one in streams.items() if one["last_runs"]}
    codes = {name: float(run["exit_code"]) for name, run in newest.items() if run["exit_code"] is not None}
    gauges["fleettickets_last_run_exit_code"] = Gauge("Exit code of the newest run that ended", codes)
    return gauges


def _of_checks(found: Sequence[tuple[Any, ...]]) -> Gauges:
    """How current the data is, as `fleettickets check freshness` judges it."""
    gauges: Gauges = {}
    for part in ("feed", "run", "content"):
        states = {dataset: _SEVERITY.get(document[part]["status"]) for dataset, document in found}
        gauges[f"fleettickets_freshness_{part}"] = Gauge(
            f"Freshness of the {part}: 0 ok, 1 warn, 2 error, 3 stopped; not there while it is unknown",
            {dataset: state for dataset, state in states.items() if state is not None},
        )
    return gauges


def _of_requests(found: Sequence[tuple[Any, ...]], limits: Mapping[str, int]) -> Gauges:
    """The geocoders' budget: today's requests by the books, and what the limits leave of the day."""
    sent = {provider: float(n) for provider, n in found}
    left = {provider: max(0.0, most - sent.get(provider, 0.0)) for provider, most in limits.items()}
    return {
        "fleettickets_geocode_requests_today": Gauge("Requests of this UTC day", sent, "provider"),
        "fleettickets_geocode_budget_left": Gauge("Requests that the daily limit leaves today", left, "provider"),
    }


def _migrations(server: Server) -> tuple[str, str]:
    """How the database answers, and whether its schema is this version's."""
    try:
        with db.connect(server.settings.database_url, role="fleettickets readyz") as connection:
            connection.execute("SET statement_timeout = '3s'")
            found = pending(connection)
    except (FleetticketsError, psycopg.Error):
        return "away", "unknown"
    return "ok", "ok" if found.current else "pending: run fleettickets migrate"
