"""What every route needs to answer: who asks, the ETag, the encoding, problems documented."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any, Final

from fastapi import Request, Response

from fleettickets.api.answers import Ready
from fleettickets.api.encodings import chosen, compress, worth
from fleettickets.api.problems import KINDS, MEDIA_TYPE, ProblemError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from fleettickets.api.answers import Asked
    from fleettickets.api.server import Server
    from fleettickets.api.tokens import Caller

VARY: Final = b"accept-encoding, authorization, cookie, origin"
CACHE: Final = b"private, no-cache"
STALE: Final = b"fleettickets-stale"
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": sorted(KINDS)},
    },
}


def documented(*statuses: int, media_types: Sequence[str] = ("application/json",)) -> dict[int | str, dict[str, Any]]:
    """The answers of a route, for OpenAPI; every one but its success and 304 is a problem."""
    content = {MEDIA_TYPE: {"schema": _PROBLEM}}
    everywhere = {401, 403, 404, 405, 408, 413, 414, 429, 500, 503}
    found: dict[int | str, dict[str, Any]] = {}
    if media_types:
        found[200] = {"description": "The answer", "content": {media_type: {} for media_type in media_types}}
    for status in sorted({*statuses, *everywhere}):
        titles = [title for code, title in KINDS.values() if code == status]
        if status == 304:  # noqa: PLR2004  # not modified
            found[status] = {"description": "Unchanged since the ETag given"}
        else:
            found[status] = {"description": titles[0], "content": content}
    return found


def server_of(request: Request) -> Server:
    """The server's shared state."""
    server: Server = request.app.state.server
    return server


def caller_of(request: Request) -> Caller:
    """Who asks; the shim found out before the route was called."""
    caller: Caller = request.scope["caller"]
    return caller


def demand(request: Request, scope: str) -> Caller:
    """Who asks, if they may do this."""
    caller = caller_of(request)
    if not caller.may(scope):
        raise ProblemError("forbidden", f"this needs a token with scope {scope}")
    return caller


def demand_loaded(server: Server) -> None:
    """Nothing can be said of the map before it was once read."""
    if not server.follower.loaded.is_set():
        raise ProblemError("unavailable", "the tickets are not loaded yet: try again")


def asked(request: Request) -> Asked:
    """What was asked, as the key of a ready answer."""
    scope = request.scope
    return scope["path"], scope["query_string"], caller_of(request).may("pii"), encoding_of(request)


def encoding_of(request: Request) -> str:
    """The encoding for this client."""
    return chosen(request.headers.get("accept-encoding", ""))


def unchanged(request: Request, etag: bytes) -> bool:
    """Whether the client holds this answer."""
    return matches(request.headers.get("if-none-match", "").encode(), etag)


def matches(if_none_match: bytes, etag: bytes) -> bool:
    """Weak comparison, as RFC 9110 has it."""
    if not if_none_match:
        return False
    return (
        if_none_match == etag
        or any(one.strip().removeprefix(b"W/") == etag.removeprefix(b"W/") for one in if_none_match.split(b","))
        or if_none_match.strip() == b"*"
    )


def ready(body: bytes, etag: bytes, encoding: str, media_type: bytes, *more: tuple[bytes, bytes]) -> Ready:
    """An answer with its headers, ready to send as often as it is asked for."""
    length = (b"content-length", b"%d" % len(body))
    unchanged = [(b"etag", etag), (b"cache-control", CACHE), (b"vary", VARY), *more]
    return Ready(body, etag, [*headers_of(etag, encoding, media_type), length, *more], unchanged)


def headers_of(etag: bytes, encoding: str, media_type: bytes) -> list[tuple[bytes, bytes]]:
    """The headers of a cacheable answer, but for its length."""
    headers = [(b"content-type", media_type), (b"etag", etag), (b"cache-control", CACHE), (b"vary", VARY)]
    if encoding != "identity":
        headers.append((b"content-encoding", encoding.encode()))
    return headers


def not_modified(etag: bytes, server: Server) -> Response:
    """304."""
    response = Response(status_code=304)
    response.raw_headers = [(b"etag", etag), (b"cache-control", CACHE), (b"vary", VARY), *stale_headers(server)]
    return response


def send(answer: Ready, server: Server) -> Response:
    """A ready answer."""
    response = Response(answer.body)
    response.raw_headers = [*answer.headers, *stale_headers(server)]
    return response


def stale_headers(server: Server) -> list[tuple[bytes, bytes]]:
    """Says since when the database is away, if it is."""
    since = server.follower.stale_since
    return [(STALE, since.isoformat().encode())] if since else []


async def fresh(request: Request, body: bytes, media_type: str = "application/json") -> Response:
    """An answer that the database just gave; its ETag is that of its bytes."""
    etag = b'W/"%d-%s"' % (server_of(request).held.rev, hashlib.blake2b(body, digest_size=8).hexdigest().encode())
    if unchanged(request, etag):
        return not_modified(etag, server_of(request))
    encoding = worth(body, encoding_of(request))
    compressed = await asyncio.to_thread(compress, body, encoding)
    response = Response(compressed)
    response.raw_headers = [
        *headers_of(etag, encoding, media_type.encode()),
        (b"content-length", b"%d" % len(compressed)),
    ]
    return response


def now(request: Request) -> datetime:
    """The server's clock, in whole seconds."""
    return server_of(request).now()
