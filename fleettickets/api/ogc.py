"""OGC API Features (Core, GeoJSON, OpenAPI 3) over the open tickets and their clusters, for QGIS and GDAL."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from fleettickets.api import parameters as ask
from fleettickets.api import reply
from fleettickets.api.held import masked
from fleettickets.api.problems import ProblemError
from fleettickets.api.selection import page, select

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from fleettickets.api.held import Feature

_CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_CONFORMS: Final = [
    f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "oas30", "geojson")
]
_COLLECTIONS: Final = {
    "tickets": ("Open tickets", "Every open ticket at the place known for it"),
    "clusters": ("Clusters", "Each cluster with open tickets, at their middle, with counts"),
}
_NO_CLUSTER: Final = "(none)"
_AREA: Final = [36.3, -1.8, 37.5, -0.6]

router = APIRouter(default_response_class=Response, prefix="/ogc", tags=["OGC API Features"])


class ItemsQuery(ask.Query):
    """Which items."""

    limit: Annotated[int, Field(ge=1)] = 10
    bbox: Annotated[str, Field(max_length=200)] = ""
    datetime: Annotated[str, Field(max_length=100, description="every ticket holds now: it filters nothing")] = ""
    dataset: ask.Dataset = ""
    cluster: ask.Text = ""
    status: ask.Text = ""
    cursor: Annotated[str, Field(max_length=1000)] = ""
    f: Annotated[str, Field(pattern="^(json|)$")] = ""


class PageQuery(ask.Query):
    """A page in JSON."""

    f: Annotated[str, Field(pattern="^(json|)$")] = ""


_MOST_ITEMS: Final = 10_000


@router.get("", responses=reply.documented(400))
async def landing(request: Request, query: Annotated[PageQuery, Query()]) -> Response:  # noqa: ARG001  # it refuses what is unknown
    """The landing page."""
    base = _base(request)
    links = [
        _link(base, "self", "application/json", "this page"),
        _link(
            _root(request) + "/api/openapi.json",
            "service-desc",
            "application/vnd.oai.openapi+json;version=3.0",
            "the API",
        ),
        _link(base + "/conformance", "conformance", "application/json", "what it conforms to"),
        _link(base + "/collections", "data", "application/json", "the collections"),
    ]
    return _json({"title": "fleettickets", "description": "Open tickets and clusters", "links": links})


@router.get("/conformance", responses=reply.documented(400))
async def conformance(query: Annotated[PageQuery, Query()]) -> Response:  # noqa: ARG001  # it refuses what is unknown
    """What it conforms to."""
    return _json({"conformsTo": _CONFORMS})


@router.get("/collections", responses=reply.documented(400))
async def collections(request: Request, query: Annotated[PageQuery, Query()]) -> Response:  # noqa: ARG001  # it refuses what is unknown
    """The collections."""
    base = _base(request)
    links = [_link(base + "/collections", "self", "application/json", "this page")]
    return _json({"links": links, "collections": [_collection(base, name) for name in _COLLECTIONS]})


@router.get("/collections/{name}", responses=reply.documented(400))
async def collection(request: Request, name: str, query: Annotated[PageQuery, Query()]) -> Response:  # noqa: ARG001  # it refuses what is unknown
    """One collection."""
    _known(name)
    return _json(_collection(_base(request), name))


@router.get("/collections/{name}/items", responses=reply.documented(400, media_types=["application/geo+json"]))
async def items(request: Request, name: str, query: Annotated[ItemsQuery, Query()]) -> Response:
    """A page of items; `next` leads on, whatever changes meanwhile."""
    _known(name)
    server, pii = reply.server_of(request), reply.caller_of(request).may("pii")
    reply.demand_loaded(server)
    chosen = select(server.held.view.features, _tickets(query), server.now().timestamp(), pii=pii)
    body = await asyncio.to_thread(_page, request, name, query, chosen, pii=pii)
    return _json_bytes(body, "application/geo+json")


@router.get("/collections/{name}/items/{item}", responses=reply.documented(400, media_types=["application/geo+json"]))
async def item(request: Request, name: str, item: str, query: Annotated[PageQuery, Query()]) -> Response:  # noqa: ARG001  # it refuses what is unknown
    """One item."""
    _known(name)
    server, pii = reply.server_of(request), reply.caller_of(request).may("pii")
    reply.demand_loaded(server)
    base = f"{_base(request)}/collections/{name}"
    links = [_link(base, "collection", "application/json", "its collection")]
    links.append(_link(str(request.url), "self", "application/geo+json", "this item"))
    for document in _documents(name, server.held.view.features, item, server.now(), pii=pii):
        return _json_bytes(orjson.dumps({**document, "links": links}), "application/geo+json")
    raise ProblemError("not_found", "there is no such item, or it is no longer open")


def _tickets(query: ItemsQuery) -> ask.TicketQuery:
    """The same filters as the map has."""
    given: dict[str, Any] = {"dataset": query.dataset, "bbox": _flat(query.bbox)}
    given["cluster"] = [query.cluster] if query.cluster else []
    given["status"] = [query.status] if query.status else []
    return ask.TicketQuery.model_construct(**given)


def _flat(bbox: str) -> str | None:
    """The box without its heights, checked."""
    if not bbox:
        return None
    sides = bbox.split(",")
    flat = ",".join(sides[:2] + sides[3:5]) if len(sides) == 6 else bbox  # noqa: PLR2004  # three-dimensional
    try:
        ask.box(flat)
    except ValueError as error:
        raise ProblemError("bad_parameter", f"bbox: {error}") from None
    return flat


def _page(request: Request, name: str, query: ItemsQuery, chosen: Sequence[Feature], *, pii: bool) -> bytes:
    limit = min(query.limit, _MOST_ITEMS)
    base = f"{_base(request)}/collections/{name}/items"
    links = [_link(str(request.url), "self", "application/geo+json", "this page")]
    if name == "clusters":
        documents = list(_clusters(chosen, reply.now(request)))
        matched, after = len(documents), None
        texts = b",".join(orjson.dumps(one) for one in documents[:limit])
        returned = min(limit, matched)
    else:
        shown, after = page(chosen, limit, query.cursor)
        matched, returned = len(chosen), len(shown)
        texts = b",".join(feature.text for feature in shown)
        texts = texts if pii else masked(texts)
    if after:
        kept = {**query.model_dump(exclude_defaults=True, exclude={"cursor"}), "limit": limit, "cursor": after}
        links.append(_link(f"{base}?{urlencode(kept)}", "next", "application/geo+json", "the next page"))
    return (
        b'{"type":"FeatureCollection","timeStamp":%s,"numberMatched":%d,"numberReturned":%d,"links":%s,"features":[%s]}'
        % (
            orjson.dumps(reply.now(request).strftime("%Y-%m-%dT%H:%M:%SZ")),
            matched,
            returned,
            orjson.dumps(links),
            texts,
        )
    )


def _documents(name: str, features: Sequence[Feature], item: str, now: datetime, *, pii: bool) -> list[dict[str, Any]]:
    if name == "clusters":
        return [one for one in _clusters(features, now) if one["id"] == item]
    found = [feature.text for feature in features if feature.ticket_id == item]
    return [orjson.loads(text if pii else masked(text)) for text in found]


def _clusters(features: Sequence[Feature], now: datetime) -> list[dict[str, Any]]:
    """A feature a cluster, in the middle of its tickets."""
    by_cluster: dict[str, list[Feature]] = defaultdict(list)
    for feature in features:
        by_cluster[feature.facts.cluster or _NO_CLUSTER].append(feature)
    now_s = now.timestamp()
    found = []
    for cluster, members in sorted(by_cluster.items()):
        places = [
            (one.facts.lon, one.facts.lat) for one in members if one.facts.lon is not None and one.facts.lat is not None
        ]
        middle = [round(sum(side) / len(places), 6) for side in zip(*places, strict=True)] if places else None
        states = [one.sla_state(now_s) for one in members]
        found.append(
            {
                "type": "Feature",
                "id": cluster,
                "geometry": {"type": "Point", "coordinates": middle} if middle else None,
                "properties": {
                    "cluster": cluster,
                    "open": len(members),
                    "mapped": len(places),
                    **{state: states.count(state) for state in ask.SLA_STATES},
                },
            }
        )
    return found


def _collection(base: str, name: str) -> dict[str, Any]:
    title, description = _COLLECTIONS[name]
    address = f"{base}/collections/{name}"
    return {
        "id": name,
        "title": title,
        "description": description,
        "itemType": "feature",
        "crs": [_CRS84],
        "extent": {"spatial": {"bbox": [_AREA], "crs": _CRS84}},
        "links": [
            _link(address, "self", "application/json", "this collection"),
            _link(f"{address}/items", "items", "application/geo+json", "its items"),
        ],
    }


def _known(name: str) -> None:
    if name not in _COLLECTIONS:
        raise ProblemError("not_found", "there is no such collection: take tickets or clusters")


def _root(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _base(request: Request) -> str:
    return _root(request) + "/ogc"


def _link(href: str, rel: str, media_type: str, title: str) -> dict[str, str]:
    return {"href": href, "rel": rel, "type": media_type, "title": title}


def _json(document: dict[str, Any]) -> Response:
    return _json_bytes(orjson.dumps(document), "application/json")


def _json_bytes(body: bytes, media_type: str) -> Response:
    return Response(
        body, media_type=media_type, headers={"cache-control": "private, no-cache", "vary": reply.VARY.decode()}
    )
