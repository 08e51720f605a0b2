"""Vector tiles for sets too large for one feed, with TileJSON."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from fleettickets.api import parameters as ask
from fleettickets.api import reply
from fleettickets.api.problems import ProblemError

_STEP_S: Final = 300
_LAYERS: Final = {"tickets": None, "inc": "inc", "crq": "crq"}
_LAST_ZOOM: Final = 22
_LAST_GRID_ZOOM: Final = 11
_TILE: Final = "SELECT reporting.fn_tile(%s::text, %s, %s, %s, %s)"
_MEDIA_TYPE: Final = b"application/vnd.mapbox-vector-tile"

router = APIRouter(default_response_class=Response, prefix="/tiles", tags=["tiles"])


@router.get("/{layer}.json", responses=reply.documented(400))
async def tilejson(request: Request, layer: str, query: Annotated[ask.Query, Query()]) -> Response:  # noqa: ARG001  # it refuses what is unknown
    """TileJSON 3 of a layer, with the instant its counts hold at."""
    _dataset(layer)
    base = str(request.base_url).rstrip("/")
    numbers = dict.fromkeys(("n", "breached", "at_risk", "on_track", "unknown", "none"), "Number")
    fields = {"id": "String", "dataset": "String", "status": "String", "geo_source": "String"}
    document = {
        "tilejson": "3.0.0",
        "name": layer,
        "tiles": [f"{base}/tiles/{layer}/{{z}}/{{x}}/{{y}}.mvt"],
        "minzoom": 0,
        "maxzoom": 16,
        "as_of": _as_of().isoformat(),
        "vector_layers": [
            {"id": "clusters", "minzoom": 0, "maxzoom": _LAST_GRID_ZOOM, "fields": numbers},
            {
                "id": "tickets",
                "minzoom": _LAST_GRID_ZOOM + 1,
                "maxzoom": 16,
                "fields": fields | {"due": "Number", "risk": "Number"},
            },
        ],
    }
    return Response(orjson.dumps(document), media_type="application/json", headers={"cache-control": "no-cache"})


@router.get("/{layer}/{z}/{x}/{y}.mvt", responses=reply.documented(304, 400, 504, media_types=[_MEDIA_TYPE.decode()]))
async def tile(
    request: Request,
    layer: str,
    z: Annotated[int, Path(ge=0, le=_LAST_ZOOM)],
    x: Annotated[int, Path(ge=0, le=2**_LAST_ZOOM - 1)],
    y: Annotated[int, Path(ge=0, le=2**_LAST_ZOOM - 1)],
    query: Annotated[ask.Query, Query()],  # noqa: ARG001  # it refuses what is unknown
) -> Response:
    """A vector tile: counts in a grid up to z11, single tickets beyond."""
    server, dataset, as_of = reply.server_of(request), _dataset(layer), _as_of()
    if x >= 1 << z or y >= 1 << z:
        raise ProblemError("not_found", f"there is no tile {z}/{x}/{y}")
    # A tile's bytes need not be the same for the same data, so its identity is what it is made of.
    mark = hashlib.blake2b(orjson.dumps([layer, z, x, y, as_of.timestamp()]), digest_size=5).hexdigest()
    etag = b'W/"%d-%s"' % (server.held.rev, mark.encode())
    if reply.unchanged(request, etag):
        return reply.not_modified(etag, server)
    known = reply.asked(request)
    ready = server.answers.get(known)
    if ready is None or ready.etag != etag:
        generation = server.answers.generation
        body = await server.value(_TILE, [dataset, z, x, y, as_of])
        packed = await server.answers.compressed(known, lambda: bytes(body))
        ready = reply.ready(packed, etag, known[3], _MEDIA_TYPE)
        server.answers.put(known, ready, generation)
    return reply.send(ready, server)


def _dataset(layer: str) -> str | None:
    if layer not in _LAYERS:
        raise ProblemError("not_found", f"there is no layer {layer[:50]!r}: take tickets, inc or crq")
    return _LAYERS[layer]


def _as_of() -> datetime:
    """The clock in steps: a tile shown again within one is the same tile."""
    now_s = datetime.now(UTC).timestamp()
    return datetime.fromtimestamp(now_s - now_s % _STEP_S, UTC)
