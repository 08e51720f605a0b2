"""Ready answers: bytes made once for a revision and sent to whoever asks the same again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from fleettickets.api.encodings import compress

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST: Final = 256
_MOST_BYTES: Final = 64 << 20

Asked = tuple[str, bytes, bool, str]
"""Path, query, with customers' names or without, encoding."""


@dataclass(frozen=True, slots=True)
class Ready:
    """An answer that needs nothing but sending."""

    body: bytes
    etag: bytes
    headers: list[tuple[bytes, bytes]]
    unchanged: list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Answers:
    """Answers of the revision held; a new one forgets them."""

    generation: int = 0
    _ready: OrderedDict[Asked, Ready] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _making: dict[Asked, asyncio.Future[bytes]] = field(default_factory=dict)

    def get(self, asked: Asked) -> Ready | None:
        """The ready answer, if there is one."""
        return self._ready.get(asked)

    def put(self, asked: Asked, ready: Ready, generation: int) -> None:
        """Keep an answer made from what was held in this generation; the oldest make room."""
        if generation != self.generation or len(ready.body) > _MOST_BYTES:
            return
        self._bytes += len(ready.body) - (len(self._ready[asked].body) if asked in self._ready else 0)
        self._ready[asked] = ready
        while len(self._ready) > _MOST or self._bytes > _MOST_BYTES:
            _, old = self._ready.popitem(last=False)
            self._bytes -= len(old.body)

    def forget(self) -> None:
        """What was made is no longer what the database says."""
        self.generation += 1
        self._ready.clear()
        self._bytes = 0
        self._making.clear()

    async def compressed(self, asked: Asked, make: Callable[[], bytes]) -> bytes:
        """The bytes of this answer, made and compressed beside the event loop, once for all who wait for it."""
        waiting = self._making.get(asked)
        if waiting is None:
            waiting = asyncio.ensure_future(asyncio.to_thread(lambda: compress(make(), asked[3])))
            self._making[asked] = waiting
            waiting.add_done_callback(lambda done: self._settle(asked, done))
        return await asyncio.shield(waiting)

    def _settle(self, asked: Asked, done: asyncio.Future[bytes]) -> None:
        if self._making.get(asked) is done:
            del self._making[asked]
