"""GET /webhook/tickets: the map's answer, whole from ready bytes, filtered from memory, changed since a revision."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Request, Response

from fleettickets.api import reply
from fleettickets.api.encodings import compress
from fleettickets.api.held import DATASETS, Counts, Feature, View, feature_of, masked
from fleettickets.api.parameters import MapQuery, box, split
from fleettickets.api.problems import ProblemError
from fleettickets.api.selection import page, select

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fleettickets.api.held import Key
    from fleettickets.api.server import Server

PATH: Final = "/webhook/tickets"
MEDIA_TYPE: Final = b"application/geo+json"
REVISION: Final = b"fleettickets-revision"
_MOST_BYTES: Final = 48 << 20
_HEAD: Final = '"features" : ['
_SMALL: Final = 500
_BETWEEN: Final = ', {"type" : "Feature", "id" : '
_TAIL: Final = '], "summary" : '
_FROM_DATABASE: Final = (
    "SELECT reporting.fn_tickets_for_map(p_dataset => %(dataset)s::text, p_cluster => %(cluster)s::text, "
    "p_status => %(status)s::text, p_actionable => %(actionable)s::boolean, p_bbox => %(bbox)s::float8[], "
    "p_now => %(now)s::timestamptz, p_mode => %(mode)s::text)::text"
)

router = APIRouter(default_response_class=Response, tags=["map"])


@router.get(PATH, responses=reply.documented(304, 400, 410, 504, media_types=[MEDIA_TYPE.decode()]))
async def tickets(request: Request, query: Annotated[MapQuery, Query()]) -> Response:
    """Open tickets as GeoJSON; with `since`, what changed since that revision."""
    server, pii = reply.server_of(request), reply.caller_of(request).may("pii")
    if query.now is not None or query.actionable != "true":
        return await _from_database(request, server, query, pii=pii)
    reply.demand_loaded(server)
    now_s = server.now().timestamp()
    view = server.held.view  # the answer, its ETag and its revision are of this one, whatever comes meanwhile
    etag = etag_of(view, query, now_s, pii=pii)
    if reply.unchanged(request, etag):
        return reply.not_modified(etag, server)
    if query.since is not None:
        keys = server.held.changed_since(query.since)
        small = keys is not None and len(keys) <= _SMALL and not query.selects
        return await _answer(
            request, server, view, etag, lambda: changes(view, keys, query, now_s, pii=pii), small=small
        )
    return await _answer(request, server, view, etag, lambda: whole(view, query, now_s, pii=pii))


def etag_of(view: View, query: MapQuery, now_s: float, *, pii: bool) -> bytes:
    """Revision and filter; where the clock decides who passes, who passes now as well."""
    mark = hashlib.blake2b(orjson.dumps([query.model_dump(mode="json"), pii]), digest_size=5)
    if query.sla:
        mark.update(bytes(len(feature.sla_state(now_s)) for feature in view.features))
    return b'W/"%d-%s"' % (view.rev, mark.hexdigest().encode())


def whole(view: View, query: MapQuery, now_s: float, *, pii: bool) -> bytes:
    """The tickets that pass, or one page of them."""
    features: Sequence[Feature] = select(view.features, query, now_s, pii=pii) if query.selects else view.features
    extra = b""
    if query.limit is not None or query.cursor:
        features, after = page(features, query.limit or len(features), query.cursor)
        extra = b', "next_cursor" : ' + orjson.dumps(after)
    body = view.collection(features, extra, pii=pii)
    return _thinned(body, query) if query.fields else body


def changes(view: View, keys: set[Key] | None, query: MapQuery, now_s: float, *, pii: bool) -> bytes:
    """Which tickets came or changed since, and which are gone, under the same filter."""
    if keys is None:
        raise ProblemError("too_old", f"revision {query.since} is not remembered: take the whole map")
    passing = select(view.features, query, now_s, pii=pii) if query.selects else view.features
    upsert = select(view.at(keys), query, now_s, pii=pii) if query.selects else view.at(keys)
    gone = sorted(keys - {feature.key for feature in upsert})
    texts = b", ".join(feature.text for feature in upsert)
    remove = [{"dataset": DATASETS[at], "id": ticket_id} for at, ticket_id in gone]
    body = b'{"rev" : %d, "upsert" : [%s], "remove" : %s, "summary" : %s}' % (
        view.rev,
        texts if pii else masked(texts),
        orjson.dumps(remove),
        view.summary(passing),
    )
    return _thinned(body, query) if query.fields else body


def features_in(text: str) -> list[Feature]:
    """The features of a collection that the map function wrote, each as it wrote it."""
    inside = text[text.index(_HEAD) + len(_HEAD) : text.rindex(_TAIL)]
    if not inside:
        return []
    first, *rest = inside.split(_BETWEEN)
    texts = [first, *(_BETWEEN.removeprefix(", ") + one for one in rest)]
    found = []
    for one in texts:
        known = orjson.loads(one)["properties"]
        found.append(feature_of(known["dataset"], known["ticket_id"], one.encode()))
    return found


async def _answer(
    request: Request, server: Server, view: View, etag: bytes, make: Callable[[], bytes], *, small: bool = False
) -> Response:
    asked = reply.asked(request)
    generation = server.answers.generation
    # To hand little work to another thread costs more than the work.
    body = compress(make(), asked[3]) if small else await server.answers.compressed(asked, make)
    ready = reply.ready(body, etag, asked[3], MEDIA_TYPE, (REVISION, b"%d" % view.rev))
    # What depends on the clock is made anew each time.
    if b"sla=" not in asked[1]:
        server.answers.put(asked, ready, generation)
    return reply.send(ready, server)


async def _from_database(request: Request, server: Server, query: MapQuery, *, pii: bool) -> Response:
    """At another instant, or tickets that are not open: the database writes it."""
    if query.since is not None:
        raise ProblemError("bad_parameter", "since: goes without now and actionable")
    if query.actionable != "true" and not (query.dataset or query.cluster or query.status or query.bbox):
        raise ProblemError("too_large", "actionable: with other than true give dataset, cluster, status or bbox")
    return await reply.fresh(request, await at_instant(server, query, pii=pii), MEDIA_TYPE.decode())


async def at_instant(server: Server, query: MapQuery, *, pii: bool) -> bytes:
    """The collection as the database writes it, narrowed by the filters it does not know."""
    text = await server.value(_FROM_DATABASE, _parameters(query))
    if len(text) > _MOST_BYTES:
        raise ProblemError("too_large", "too many tickets: narrow the filter")
    now_s = (query.now or server.now()).timestamp()
    return await asyncio.to_thread(_narrowed, server.held.view.clocks, text, query, now_s, pii=pii)


def _parameters(query: MapQuery) -> dict[str, Any]:
    """What the database filters; the rest is filtered in what it answers."""
    return {
        "dataset": query.dataset or None,
        "cluster": query.cluster[0] if len(query.cluster) == 1 and query.cluster[0] != "(none)" else None,
        "status": query.status[0] if len(query.status) == 1 and query.status[0] != "(none)" else None,
        "actionable": {"true": True, "false": False, "all": None}[query.actionable],
        "bbox": list(box(query.bbox)) if query.bbox else None,
        "now": query.now,
        "mode": query.mode,
    }


def _narrowed(clocks: Mapping[str, bytes], text: str, query: MapQuery, now_s: float, *, pii: bool) -> bytes:
    more = query.model_dump(
        exclude={"dataset", "cluster", "status", "bbox", "now", "mode", "actionable"}, exclude_defaults=True
    )
    if not more and len(query.cluster) <= 1 and len(query.status) <= 1:
        return text.encode() if pii else masked(text.encode())
    found = features_in(text)
    return whole(View(0, found, clocks, Counts.of(found)), query, now_s, pii=pii)


def _thinned(body: bytes, query: MapQuery) -> bytes:
    """The answer with the wanted properties only."""
    wanted = set(split(query.fields))
    document = orjson.loads(body)
    for feature in document.get("features", document.get("upsert", ())):
        feature["properties"] = {name: one for name, one in feature["properties"].items() if name in wanted}
    return orjson.dumps(document)
