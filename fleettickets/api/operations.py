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
from fleettickets.api.problems import ProblemError
from fleettickets.errors import FleetticketsError
from fleettickets.migrate import pending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleettickets.api.server import Server

_STATUS: Final = "SELECT reporting.fn_status()"

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
    try:
        gauges |= _of_status(await server.value(_STATUS))
        gauges["fleettickets_database_up"] = ("1 when the database answers", {"": 1})
    except ProblemError:
        gauges["fleettickets_database_up"] = ("1 when the database answers", {"": 0})
    return Response(server.measures.text(gauges), media_type="text/plain; version=0.0.4; charset=utf-8")


Gauges = dict[str, tuple[str, "Mapping[str, float]"]]


def _own(server: Server) -> Gauges:
    held = server.held
    return {
        "fleettickets_feed_loaded": ("1 once the tickets are held", {"": float(server.follower.loaded.is_set())}),
        "fleettickets_feed_stale": (
            "1 while the database cannot be followed",
            {"": float(bool(server.follower.stale_since))},
        ),
        "fleettickets_held_tickets": ("Open tickets held in memory", {"": len(held.view.features)}),
        "fleettickets_revision": ("Revision held", dict(held.revisions)),
        "fleettickets_live_streams": ("Readers of the live stream", {"": len(server.streams)}),
    }


def _of_status(status: dict[str, Any]) -> Gauges:
    """Ingest and freshness, from the same function as `fleettickets status`."""
    streams = status["datasets"]
    gauges: Gauges = {}
    for clock in ("run_at", "file_ts", "content_as_of"):
        values = {name: one["freshness"][clock] for name, one in streams.items()}
        gauges[f"fleettickets_{clock}_seconds"] = (
            f"{clock} as epoch seconds",
            {name: datetime.fromisoformat(text).timestamp() for name, text in values.items() if text},
        )
    for part, meaning in (("backlog", "Open tickets"), ("files", "Export files")):
        for what in next(iter(streams.values()))[part]:
            values = {name: float(one[part][what]) for name, one in streams.items()}
            gauges[f"fleettickets_{part}_{what}"] = (f"{meaning}: {what}", values)
    rejected = {name: float(one["rejected_rows"]) for name, one in streams.items()}
    gauges["fleettickets_rejected_rows"] = ("Rows that could not be used", rejected)
    return gauges


def _migrations(server: Server) -> tuple[str, str]:
    """How the database answers, and whether its schema is this version's."""
    try:
        with db.connect(server.settings.database_url, role="fleettickets readyz") as connection:
            connection.execute("SET statement_timeout = '3s'")
            found = pending(connection)
    except (FleetticketsError, psycopg.Error):
        return "away", "unknown"
    return "ok", "ok" if found.current else "pending: run fleettickets migrate"
