"""The ASGI application in front of FastAPI: who asks and how much, and the hot paths without a framework.

A request for the map that was answered before is a dictionary look-up and two messages to the server. All else
goes on to FastAPI, with the caller's rights in the scope.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import time
from dataclasses import dataclass
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException

from fleettickets.api import feed, positions, reply
from fleettickets.api.encodings import chosen
from fleettickets.api.problems import MEDIA_TYPE, ProblemError, unexpected
from fleettickets.api.streams import RETRY_MS, TooManyError, message
from fleettickets.api.tokens import COOKIE, LOCAL, Caller

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping, Sequence

    from fleettickets.api.server import Server

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_ACCESS: Final = logging.getLogger("fleettickets.access")
_LONGEST_QUERY: Final = 4096
_LARGEST_BODY: Final = 64 << 10
_LARGEST_PUSH: Final = 1 << 20
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", "/api/session"})
_PROTECTED: Final = ("/api/", "/webhook/", "/tiles/", "/ogc", "/metrics")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_EVENTS: Final = "/api/events"
_SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


@dataclass(frozen=True, slots=True)
class Shim:
    """The application that the HTTP server calls."""

    server: Server
    inner: Application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's own start and stop."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        began_s = time.perf_counter()
        if scope["method"] == "HEAD":  # the server sends no body for it
            scope = {**scope, "method": "GET"}
        headers = dict(scope["headers"])
        told = _Told(send, self._common_headers(headers) if b"origin" in headers else _SECURITY)
        try:
            await self._answer(scope, headers, receive, told)
        except ProblemError as problem:
            await _refuse(told, problem)
        except Exception as error:  # noqa: BLE001  # whatever it is, the caller gets a problem and the log the story
            if not told.started:  # the framework tells a defect, then raises it again
                await _refuse(told, unexpected(error))
        self._note(scope, told, time.perf_counter() - began_s)

    async def _answer(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, told: _Told) -> None:
        path, method = scope["path"], scope["method"]
        if len(scope["query_string"]) > _LONGEST_QUERY:
            raise ProblemError("uri_too_long", f"the query is longer than {_LONGEST_QUERY} bytes")
        if method == "OPTIONS" and b"origin" in headers:
            await _preflight(told)
            return
        caller = scope["caller"] = self._caller(scope, headers)
        if method == "GET" and path == feed.PATH and await self._ready(scope, headers, caller, told):
            return
        if method == "GET" and path == _EVENTS:
            await self._stream(scope, headers, receive, told)
            return
        wait_s = self.server.limits.wait_s(_who(scope, caller)) if path.startswith(_PROTECTED) else 0
        if wait_s:
            raise ProblemError("too_many_requests", "slow down", {"retry-after": str(wait_s)})
        await self.inner(scope, receive if method in _SAFE else self._bounded(path, headers, receive), told)

    async def _ready(self, scope: Scope, headers: dict[bytes, bytes], caller: Caller, told: _Told) -> bool:
        """Send the answer that is ready for this question, if there is one."""
        encoding = chosen(headers.get(b"accept-encoding", b"").decode("latin-1"))
        ready = self.server.answers.get((feed.PATH, scope["query_string"], caller.may("pii"), encoding))
        if ready is None:
            return False
        stale = reply.stale_headers(self.server)
        if reply.matches(headers.get(b"if-none-match", b""), ready.etag):
            await told.whole(304, [*ready.unchanged, *stale], b"")
        else:
            await told.whole(200, [*ready.headers, *stale], ready.body)
        return True

    def _caller(self, scope: Scope, headers: dict[bytes, bytes]) -> Caller:
        """Who asks. A session counts only where the browser says that our own page asked."""
        tokens, path = self.server.tokens, scope["path"]
        if tokens.are_unsure and path.startswith(_PROTECTED) and path not in _OPEN_PATHS:
            raise ProblemError("unavailable", "the database was away too long to know which tokens hold")
        if not (tokens.ever_made or not self.server.settings.loopback):
            if not _is_loopback(headers.get(b"host", b"")):
                raise ProblemError("forbidden", "without tokens this server answers to localhost only")
            if scope["method"] not in _SAFE:
                _demand_same_origin(headers)
            return LOCAL
        if path in _OPEN_PATHS or not path.startswith(_PROTECTED):
            return self._known(headers) or Caller("anyone", frozenset())
        caller = self._known(headers)
        if caller is None and path == positions.PATH and b"authorization" not in headers:
            return Caller("anyone", frozenset())  # Jimi's token stands in its form
        if caller is None:
            raise ProblemError("unauthorized", "send Authorization: Bearer with a token that holds")
        if caller.by_cookie and scope["method"] not in _SAFE:
            _demand_same_origin(headers)
        if not caller.may("read") and scope["method"] in _SAFE and path != "/metrics":
            raise ProblemError("forbidden", "this needs a token with scope read")
        return caller

    def _known(self, headers: dict[bytes, bytes]) -> Caller | None:
        scheme, _, secret = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if secret:
            return self._shown(scheme.lower(), secret.strip())
        if b"cookie" not in headers:
            return None
        with contextlib.suppress(CookieError, ValueError):
            found = SimpleCookie(headers[b"cookie"].decode("latin-1")).get(COOKIE)
            return self.server.tokens.of_session(found.value) if found else None
        return None

    def _shown(self, scheme: str, secret: str) -> Caller | None:
        """Whose token this is; a telephone's tracker can only say Basic, the token is its password."""
        if scheme == "basic":
            try:
                _, _, secret = base64.b64decode(secret, validate=True).decode().partition(":")
            except ValueError:
                return None
        return self.server.tokens.caller(secret) if scheme in {"bearer", "basic"} else None

    def _common_headers(self, headers: dict[bytes, bytes]) -> Sequence[tuple[bytes, bytes]]:
        origin = headers[b"origin"]
        if origin.decode("latin-1") not in self.server.settings.origins:
            return _SECURITY
        return [
            *_SECURITY[:2],
            (b"cross-origin-resource-policy", b"cross-origin"),
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", b"etag, link, fleettickets-revision, fleettickets-stale"),
        ]

    async def _stream(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, told: _Told) -> None:
        """The live stream of one reader, until they go, fall behind or the server stops."""
        if scope["query_string"]:
            raise ProblemError("bad_parameter", "the stream takes no parameters")
        reply.demand_loaded(self.server)
        try:
            async with self.server.streams.reader(self._first(headers)) as queue:
                start = [
                    (b"content-type", b"text/event-stream"),
                    (b"cache-control", b"no-store"),
                    (b"x-accel-buffering", b"no"),
                ]
                await told({"type": "http.response.start", "status": 200, "headers": start})
                gone = asyncio.create_task(_until_gone(receive, queue))
                try:
                    # Heartbeats come here too: whoever lost the right hears no more within some seconds.
                    while (text := await queue.get()) is not None and self.server.tokens.hold(scope["caller"]):
                        await told({"type": "http.response.body", "body": text, "more_body": True})
                finally:
                    gone.cancel()
                await told({"type": "http.response.body", "body": b""})
        except TooManyError:
            raise ProblemError("unavailable", "as many live streams are open as this server allows") from None

    def _bounded(self, path: str, headers: dict[bytes, bytes], receive: Receive) -> Receive:
        """The body, as long as it is not too large and does not drip."""
        most = _LARGEST_PUSH if path == positions.PATH else _LARGEST_BODY
        said = headers.get(b"content-length", b"0")
        if not said.isdigit() or int(said) > most:
            raise ProblemError("too_large", f"a body has at most {most} bytes")
        read, complete, until_s = 0, False, time.monotonic() + self.server.settings.patience_s

        async def bounded() -> Message:
            nonlocal read, complete
            # The framework lets this kind of error through while it reads.
            try:
                async with asyncio.timeout(None if complete else max(0.0, until_s - time.monotonic())):
                    found = await receive()
            except TimeoutError:
                raise HTTPException(408, "the body did not arrive in time", {"connection": "close"}) from None
            complete = not found.get("more_body", False)
            read += len(found.get("body", b""))
            if read > most:
                raise HTTPException(413, f"a body has at most {most} bytes")
            return found

        return bounded

    def _first(self, headers: dict[bytes, bytes]) -> bytes:
        """Where things stand now; who was here before hears how much changed since."""
        follower, held = self.server.follower, self.server.held
        last = headers.get(b"last-event-id", b"")
        keys = held.changed_since(int(last)) if last.isdigit() and len(last) < 19 else None  # noqa: PLR2004  # 64 bits
        first = b"retry: %d\n\n" % RETRY_MS
        first += message("revision", follower.news(None if keys is None else len(keys)), held.rev)
        first += message("clocks", follower.clocks(), held.rev)
        if follower.stale_since:
            first += message("stale", b'{"since":"%s"}' % follower.stale_since.isoformat().encode(), held.rev)
        return first

    def _note(self, scope: Scope, told: _Told, took_s: float) -> None:
        route = scope.get("route")
        name = getattr(route, "path", None) or (scope["path"] if told.hot else "other")
        self.server.measures.count(name, told.status, took_s)
        if self.server.settings.access_log:
            # No query and no headers: they may hold names, tokens and newlines.
            _ACCESS.info("%s %r %d %.1f ms", scope["method"], scope["path"], told.status, took_s * 1000)


class _Told:
    """Sends an answer on with the headers every answer has, and remembers its status."""

    __slots__ = ("_common", "_send", "hot", "started", "status")

    def __init__(self, send: Send, common: Sequence[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._common = common
        self.status = 0
        self.started = False
        self.hot = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.started = True
            present = {name.lower() for name, _ in message.get("headers", ())}
            extra = [pair for pair in self._common if pair[0] not in present]
            message = {**message, "headers": [*message.get("headers", ()), *extra]}
        await self._send(message)

    async def whole(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """A whole answer at once."""
        self.hot = True
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": [*headers, *self._common]})
        await self._send({"type": "http.response.body", "body": body})


async def _refuse(told: _Told, problem: ProblemError) -> None:
    if told.started:
        return  # half an answer cannot be taken back; the connection ends without its last byte
    body = problem.body()
    headers = [(name.encode(), value.encode()) for name, value in problem.headers.items()]
    fixed = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await told({"type": "http.response.start", "status": problem.status, "headers": [*fixed, *headers]})
    await told({"type": "http.response.body", "body": body})


async def _preflight(told: _Told) -> None:
    """What a page of an allowed origin may send; others get no permission in the headers."""
    allowed = [
        (b"access-control-allow-methods", b"GET, POST, PATCH, DELETE"),
        (b"access-control-allow-headers", b"authorization, content-type, if-none-match, last-event-id"),
        (b"access-control-max-age", b"600"),
        (b"vary", b"origin"),
    ]
    await told({"type": "http.response.start", "status": 204, "headers": allowed})
    await told({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Receive, queue: asyncio.Queue[bytes | None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    while queue.full():
        queue.get_nowait()
    queue.put_nowait(None)


@lru_cache(maxsize=64)
def _is_loopback(host: bytes) -> bool:
    """Whether this machine was asked for. A page elsewhere may point its own name here; it cannot change the Host."""
    try:
        return urlsplit(f"//{host.decode('latin-1')}").hostname in _LOOPBACK
    except ValueError:
        return False


def _demand_same_origin(headers: dict[bytes, bytes]) -> None:
    origin = headers.get(b"origin")
    if origin is not None and urlsplit(origin.decode("latin-1")).netloc != headers.get(b"host", b"").decode("latin-1"):
        raise ProblemError("forbidden", "a request that changes something comes from our own page")


def _who(scope: Scope, caller: Caller) -> str:
    client = scope.get("client")
    return caller.name if caller.name not in {"anyone", "local"} else str(client[0] if client else "")
