"""HTTP connections that wait only so long for a request to arrive: one that drips holds no place for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fleettickets.api.problems import MEDIA_TYPE, ProblemError

if TYPE_CHECKING:
    import asyncio


def patient(patience_s: float) -> type[HttpToolsProtocol]:
    """The protocol of a connection that waits so long for the head of each request."""

    class Protocol(_Patient):
        _patience_s = patience_s

    return Protocol


class _Patient(HttpToolsProtocol):
    """Refuses what never becomes a request, as every other refusal is told."""

    _patience_s: float
    _giving_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._wait()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        self._arrived()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # the parser's own words
        self._arrived()
        self._refuse(ProblemError("bad_parameter", "this is no HTTP request"))

    def _wait(self) -> None:
        self._arrived()
        self._giving_up = self.loop.call_later(self._patience_s, self._give_up)

    def _arrived(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _give_up(self) -> None:
        self._refuse(ProblemError("too_slow", f"the request did not arrive within {self._patience_s:g} seconds"))

    def _refuse(self, problem: ProblemError) -> None:
        """Write it past the application, which never heard of the request."""
        body = problem.body()
        head: list[Any] = [
            f"HTTP/1.1 {problem.status} {problem.title}",
            f"content-type: {MEDIA_TYPE}",
            f"content-length: {len(body)}",
            "connection: close",
        ]
        self.transport.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        self.transport.close()
