"""A TCP proxy that breaks connections on purpose: it runs in a thread of its own and only on 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

_T = TypeVar("_T")
LOOPBACK: Final = "127.0.0.1"
_CHUNK_BYTES: Final = 1 << 16
_START_TIMEOUT_S: Final = 10.0


class Proxy:
    """Listens on a free port and hands every connection to `serve`; used as a context manager."""

    def __init__(self, upstream_port: int) -> None:
        self.upstream_port = upstream_port
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._wait(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_TIMEOUT_S)
        self._loop.close()

    async def serve(self, client: Link) -> None:
        """Talk to one client until one side ends."""
        raise NotImplementedError

    async def dial(self) -> Link:
        """A connection to the server behind."""
        return Link(*await asyncio.open_connection(LOOPBACK, self.upstream_port))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _wait(self, coroutine: Coroutine[None, None, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_START_TIMEOUT_S)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._accepted, LOOPBACK, 0)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        client = Link(reader, writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self.serve(client)
        finally:
            await client.close()
            self._tasks.discard(task)

    async def _close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_START_TIMEOUT_S / 2)


@dataclass(slots=True)
class Link:
    """One side of a proxied connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def some(self) -> bytes:
        """The next bytes; empty at the end."""
        return await self.reader.read(_CHUNK_BYTES)

    async def send(self, chunk: bytes) -> None:
        """Hand over bytes."""
        self.writer.write(chunk)
        await self.writer.drain()

    def abort(self) -> None:
        """Reset: what is under way is lost."""
        self.writer.transport.abort()

    async def close(self) -> None:
        """End, whatever the other side does."""
        self.writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self.writer.wait_closed()


async def drip(link: Link, chunk: bytes, bytes_per_s: float) -> None:
    """Send so slowly that no socket timeout fires and the whole takes for ever."""
    for at in range(len(chunk)):
        await link.send(chunk[at : at + 1])
        await asyncio.sleep(1 / bytes_per_s)


def flipped(chunk: bytes, at: int) -> bytes:
    """The bytes with one bit of one byte turned over."""
    return chunk[:at] + bytes([chunk[at] ^ 1]) + chunk[at + 1 :]


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong once the client has sent `trigger`; the empty trigger is there from the first byte.

    pass          nothing
    delay         every chunk waits `amount` seconds
    drop          the connection is taken and never answered; the server hears nothing
    cut           both sides are reset when `amount` bytes have passed, counted from the chunk with the trigger
    drip          the server's bytes come at `amount` a second
    corrupt       the client's byte `amount` behind the trigger is flipped
    black_hole    nothing passes any more, on this and every later connection, and yet all is read
    lose_reply    the client's bytes arrive, the answers do not; after `amount` seconds the connection is reset
    """

    kind: str = "pass"
    trigger: bytes = b""
    amount: float = 0


class TcpProxy(Proxy):
    """Passes bytes both ways until the fault strikes."""

    def __init__(self, upstream_port: int, fault: Fault | None = None) -> None:
        super().__init__(upstream_port)
        self.fault = fault or Fault()
        self.struck = threading.Event()

    async def serve(self, client: Link) -> None:
        """One connection."""
        if self.fault.kind == "drop" or (self.fault.kind == "black_hole" and self.struck.is_set()):
            self.struck.set()
            await _swallow(client)
            return
        server = await self.dial()
        wire = _Wire(client, server, self.fault, self.struck)
        pumps = [asyncio.create_task(wire.upwards()), asyncio.create_task(wire.downwards())]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            await server.close()


@dataclass(slots=True)
class _Wire:
    """One proxied connection and what has become of it."""

    client: Link
    server: Link
    fault: Fault
    struck: threading.Event
    seen: bytes = b""
    hit: bool = False
    allowance: int = 0

    async def upwards(self) -> None:
        """The client's bytes."""
        while chunk := await self.client.some():
            first = self._strikes(chunk)
            if not self.hit and not self._holed:
                await self.server.send(chunk)
            else:
                await self._suffer(chunk, first=first)

    async def downwards(self) -> None:
        """The server's bytes."""
        while chunk := await self.server.some():
            if self._holed or (self.hit and self.fault.kind == "lose_reply"):
                continue
            if self.hit and self.fault.kind == "drip":
                await drip(self.client, chunk, self.fault.amount)
                continue
            if self.hit and self.fault.kind == "delay":
                await asyncio.sleep(self.fault.amount)
            await self.client.send(chunk)

    @property
    def _holed(self) -> bool:
        return self.fault.kind == "black_hole" and self.struck.is_set()

    def _strikes(self, chunk: bytes) -> bool:
        """True at the chunk that completes the trigger."""
        if self.hit:
            return False
        self.seen = (self.seen + chunk)[-(len(chunk) + len(self.fault.trigger)) :]
        self.hit = self.fault.trigger in self.seen
        if self.hit:
            self.allowance = int(self.fault.amount)
            self.struck.set()
        return self.hit

    async def _suffer(self, chunk: bytes, *, first: bool) -> None:
        match self.fault.kind:
            case "black_hole":
                return
            case "cut":
                await self._cut(chunk)
            case "corrupt":
                at = chunk.find(self.fault.trigger) + len(self.fault.trigger) + int(self.fault.amount)
                await self.server.send(flipped(chunk, at) if first and at < len(chunk) else chunk)
            case "lose_reply":
                await self.server.send(chunk)
                if first:
                    await asyncio.sleep(self.fault.amount)
                    self._reset()
            case "delay":
                await asyncio.sleep(self.fault.amount)
                await self.server.send(chunk)
            case _:
                await self.server.send(chunk)

    async def _cut(self, chunk: bytes) -> None:
        if self.allowance:
            await self.server.send(chunk[: self.allowance])
        self.allowance -= len(chunk)
        if self.allowance <= 0:
            await asyncio.sleep(0.05)  # what was allowed arrives before the reset overtakes it
            self._reset()

    def _reset(self) -> None:
        self.client.abort()
        self.server.abort()


async def _swallow(client: Link) -> None:
    while await client.some():
        pass
