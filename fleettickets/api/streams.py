"""Server-sent events: one message made once for everybody, a queue for each reader, no waiting for slow ones."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEARTBEAT_S: Final = 15.0
RETRY_MS: Final = 3000
_BACKLOG: Final = 64


class TooManyError(Exception):
    """There are as many streams as the server allows."""


@dataclass(slots=True)
class Streams:
    """The readers of the live stream."""

    most: int
    _queues: set[asyncio.Queue[bytes | None]] = field(default_factory=set)
    _closed: bool = False

    def __len__(self) -> int:
        return len(self._queues)

    def publish(self, event: str, data: bytes, rev: int) -> None:
        """Tell every reader."""
        self._tell(message(event, data, rev))

    async def beat(self) -> None:
        """A comment now and then, so that nobody in between takes the silence for an end."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            self._tell(b": still here\n\n")

    @contextlib.asynccontextmanager
    async def reader(self, first: bytes) -> AsyncIterator[asyncio.Queue[bytes | None]]:
        """A queue of messages that begins with `first`; None in it is the end."""
        if self._closed or len(self._queues) >= self.most:
            raise TooManyError
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_BACKLOG)
        queue.put_nowait(first)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    def close(self) -> None:
        """End every stream: the server stops."""
        self._closed = True
        for queue in list(self._queues):
            _end(queue)

    def _tell(self, text: bytes) -> None:
        for queue in list(self._queues):
            try:
                queue.put_nowait(text)
            except asyncio.QueueFull:  # it reads too slowly; it comes back and hears what it missed
                self._queues.discard(queue)
                _end(queue)


def message(event: str, data: bytes, rev: int) -> bytes:
    """One event on the wire."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (rev, event.encode(), data)


def _end(queue: asyncio.Queue[bytes | None]) -> None:
    while queue.full():
        queue.get_nowait()
    queue.put_nowait(None)
