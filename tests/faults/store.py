"""A proxy that knows HTTP, for the store: chosen requests are answered wrongly, all others pass byte for byte.

Signatures cover the Host header the client sent, so nothing of a request may be changed on its way.
"""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from faults.proxy import Link, Proxy, drip, flipped

if TYPE_CHECKING:
    from collections.abc import Callable

_HELD_AT_MOST_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    raw: bytes

    @property
    def kind(self) -> str:
        """What it asks the store for: LIST, GET, HEAD, COPY, PUT, DELETE."""
        if self.method == "GET" and "list-type=" in self.path:
            return "LIST"
        if self.method == "PUT" and b"x-amz-copy-source:" in self.raw.lower():
            return "COPY"
        return self.method


@dataclass(frozen=True, slots=True)
class Reply:
    """The store's answer: its head, its body."""

    head: bytes
    body: bytes


@dataclass(slots=True)
class Rule:
    """What goes wrong with the requests of one kind whose path matches, the first `times` times or always.

    answer=(503, 'SlowDown')     the store is not asked; a code alone has no XML
    meanwhile=function           is called before the store is asked: somebody else was faster
    hold=event                   the store is asked when the test sets the event
    shorten='kept' | 'dropped'   half of the body comes, with or without Content-Length
    flip=True                    one bit of the body is wrong
    drip_bytes_per_s=50          the answer drips
    etag='...'                   the ETag header is another
    silent=True                  no answer at all
    page=b'<html>...'            somebody else answers: 200 with a page of his own
    swap=(b'this', b'that')      the body says that instead of this, in as many bytes
    """

    kind: str
    path: str = ""
    times: int | None = None
    answer: tuple[int, str] | None = None
    meanwhile: Callable[[], object] | None = None
    hold: threading.Event | None = None
    shorten: str | None = None
    flip: bool = False
    drip_bytes_per_s: float | None = None
    etag: str | None = None
    silent: bool = False
    page: bytes | None = None
    swap: tuple[bytes, bytes] | None = None
    met: int = 0

    def takes(self, request: Request) -> bool:
        """Whether this request is hit; counts."""
        if request.kind != self.kind or not re.search(self.path, request.path):
            return False
        if self.times is not None and self.met >= self.times:
            return False
        self.met += 1
        return True


@dataclass(slots=True)
class Log:
    """Every request that came by: kind and path."""

    requests: list[tuple[str, str]] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def note(self, request: Request) -> None:
        """Write it down."""
        with self.arrived:
            self.requests.append((request.kind, request.path))
            self.arrived.notify_all()

    def wait_for(self, kind: str, timeout_s: float = 20.0) -> None:
        """Return once such a request has come."""
        with self.arrived:
            came = self.arrived.wait_for(lambda: any(one == kind for one, _ in self.requests), timeout_s)
        assert came, f"no {kind} in {timeout_s} s: {self.requests}"


class StoreProxy(Proxy):
    """Passes HTTP, except where a rule says otherwise; the first rule that takes a request wins."""

    def __init__(self, upstream_port: int, *rules: Rule) -> None:
        super().__init__(upstream_port)
        self.rules = list(rules)
        self.log = Log()

    async def serve(self, client: Link) -> None:
        """One keep-alive connection."""
        server = await self.dial()
        try:
            while (request := await _request(client.reader)) is not None:
                self.log.note(request)
                rule = next((rule for rule in self.rules if rule.takes(request)), None)
                if not await _exchange(client, server, request, rule or Rule(request.kind)):
                    break
        finally:
            await server.close()


async def _exchange(client: Link, server: Link, request: Request, rule: Rule) -> bool:
    """One request and its answer; False when the connection is spent."""
    if rule.silent:
        await client.reader.read()
        return False
    if rule.meanwhile:
        await asyncio.to_thread(rule.meanwhile)
    if rule.hold:
        await asyncio.to_thread(rule.hold.wait, _HELD_AT_MOST_S)
    if rule.answer:
        await client.send(_answer(*rule.answer, empty=request.method == "HEAD"))
        return True
    if rule.page is not None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(rule.page)}\r\n\r\n"
        await client.send(head.encode() + (b"" if request.method == "HEAD" else rule.page))
        return True
    await server.send(request.raw)
    reply = _spoilt(await _reply(server.reader, empty=request.method == "HEAD"), rule)
    if rule.drip_bytes_per_s:
        await client.send(reply.head)
        await drip(client, reply.body, rule.drip_bytes_per_s)
    else:
        await client.send(reply.head + reply.body)
    return rule.shorten is None


def _spoilt(reply: Reply, rule: Rule) -> Reply:
    head, body = reply.head, reply.body
    if rule.flip and body:
        body = flipped(body, len(body) // 2)
    if rule.swap:
        this, that = rule.swap
        assert len(this) == len(that)
        body = body.replace(this, that)
    if rule.shorten:
        body = body[: body.rfind(b"\n", 0, len(body) * 2 // 3) + 1]
    if rule.shorten == "dropped":
        head = re.sub(rb"(?i)\r\nContent-Length: [^\r]*", b"\r\nConnection: close", head)
    if rule.etag:
        head = re.sub(rb"(?i)\r\nETag: [^\r]*", b'\r\nETag: "' + rule.etag.encode() + b'"', head)
    return Reply(head, body)


def _answer(status: int, code: str, *, empty: bool) -> bytes:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode() if code else b""
    head = f"HTTP/1.1 {status} No\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + (b"" if empty else body)


async def _request(reader: asyncio.StreamReader) -> Request | None:
    head = await _head(reader)
    if not head:
        return None
    method, path, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ", 2)
    body = await reader.readexactly(int(_header(head, "content-length") or 0))
    return Request(method, unquote(path), head + body)


async def _reply(reader: asyncio.StreamReader, *, empty: bool) -> Reply:
    head = await _head(reader)
    if empty or head.split(b" ", 2)[1] in (b"204", b"304"):
        return Reply(head, b"")
    if "chunked" in _header(head, "transfer-encoding"):
        return Reply(head, await _chunked(reader))
    return Reply(head, await reader.readexactly(int(_header(head, "content-length") or 0)))


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


async def _chunked(reader: asyncio.StreamReader) -> bytes:
    """The body with its chunk marks, as it came."""
    body = b""
    while True:
        mark = await reader.readuntil(b"\r\n")
        size = int(mark.split(b";")[0], 16)
        body += mark + await reader.readexactly(size + 2)
        if size == 0:
            return body


def _header(head: bytes, name: str) -> str:
    found = re.search(rb"(?i)\r\n" + name.encode() + rb":\s*([^\r]*)", head)
    return found[1].decode("latin-1").lower() if found else ""
