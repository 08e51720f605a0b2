"""Runs the HTTP server until it is told to stop; live streams end first, then requests finish."""

from __future__ import annotations

import logging
import resource
import socket
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import uvicorn

from fleettickets.api.app import application
from fleettickets.api.patience import patient
from fleettickets.api.server import Server, ServeSettings
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

_GRACE_S: Final = 5
_WANTED_FILES: Final = 8192
_OTHER_FILES: Final = 256
_BACKLOG: Final = 2048
_SILENT_READER_MS: Final = 60_000


def serve(settings: ServeSettings, listening: socket.socket, started: Callable[[], None]) -> None:
    """Serve on this socket; returns after SIGTERM or SIGINT."""
    most_streams = min(settings.most_streams, max(1, _allowed_files() - _OTHER_FILES))
    prepared(Server(replace(settings, most_streams=most_streams)), started).run(sockets=[listening])


def prepared(server: Server, started: Callable[[], None]) -> uvicorn.Server:
    """The HTTP server, ready to run."""
    config = uvicorn.Config(
        application(server),
        loop="uvloop",
        http=patient(server.settings.patience_s),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE_S,
        backlog=_BACKLOG,
    )
    return _Graceful(config, server, started)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; a port in use or an address that is not ours is one sentence."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # whoever takes nothing of an answer for so long is let go
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT_READER_MS)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise UsageError(
            f"{host}:{port} cannot be listened on ({error.strerror}): give another --host or --port"
        ) from None
    listening.listen(_BACKLOG)
    return listening


def log_to_stderr() -> None:
    """Access and error lines go to stderr, for whoever collects them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    for name, level in (("fleettickets", logging.INFO), ("uvicorn.error", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False


class _Graceful(uvicorn.Server):
    """Ends the live streams before it waits for the other requests."""

    def __init__(self, config: uvicorn.Config, server: Server, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._streams = server.streams
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell when requests are answered."""
        await super().startup(sockets=sockets)
        if self.started:
            self._started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Streams would hold the server for ever; their readers come back to the next one."""
        self._streams.close()
        await super().shutdown(sockets=sockets)


def _allowed_files() -> int:
    """How many files may be open, raised as far as it goes: each stream is one, and the usual 1,024 are too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(_WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return _WANTED_FILES if soft == resource.RLIM_INFINITY else soft
