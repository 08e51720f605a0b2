"""The demo's web server: the API and the web app as they are, by the demo's clock, and a way to break the feed."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from fleettickets.api import reply, serving
from fleettickets.api.server import ServeSettings
from fleettickets.demo import scene, stack
from fleettickets.errors import UpstreamError, UsageError
from fleettickets.source.bucket import open_bucket

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from fleettickets.source.bucket import Bucket

_HOST = "127.0.0.1"


class FeedState(BaseModel):
    """Whether the exports reach the bucket."""

    model_config = ConfigDict(extra="forbid", strict=True)
    broken: bool


def main() -> None:
    """Serve the playground whose folder and port are the arguments; its address is the first line on stdout."""
    home, port = Path(sys.argv[1]), int(sys.argv[2])
    settings = ServeSettings(
        os.environ["DATABASE_URL"],
        loopback=True,
        access_log=False,
        open_bucket=lambda: _bucket(home),
        clock=clock(home),
        demo=controls(home),
    )
    try:
        with serving.listen(_HOST, port) as listening:
            serving.log_to_stderr()
            print(json.dumps({"url": f"http://{_HOST}:{listening.getsockname()[1]}"}), flush=True)  # noqa: T201  # read by the demo
            serving.serve(settings, listening, lambda: None)
    except UsageError as error:
        sys.exit(str(error))


def _bucket(home: Path) -> Bucket:
    s3 = stack.up(home, postgres=False).s3
    if s3 is None:
        raise UpstreamError("the demo's S3 server does not run")
    return open_bucket(s3.endpoint_url, s3.access_key, s3.secret_key, s3.bucket, s3.region)


def clock(home: Path) -> Callable[[], datetime]:
    """The demo's now."""
    return lambda: scene.told(home).now


def controls(home: Path) -> APIRouter:
    """Where the demo stands, and the switch of its feed."""
    router = APIRouter(prefix="/api/demo", tags=["demo"])

    @router.get("", responses=reply.documented(400))
    async def stands() -> Response:
        """The clock, what is played, and whether the feed is broken."""
        return _said(home)

    @router.post("/feed", responses=reply.documented(400))
    async def feed(request: Request, state: FeedState) -> Response:
        """Break the feed, or mend it: the demo's exports stay at the exporter meanwhile."""
        reply.demand(request, "admin")
        scene.break_feed(home, broken=state.broken)
        return _said(home)

    return router


def _said(home: Path) -> Response:
    document = {**asdict(scene.told(home)), "broken": scene.is_broken(home)}
    return Response(orjson.dumps(document), media_type="application/json", headers={"cache-control": "no-store"})
