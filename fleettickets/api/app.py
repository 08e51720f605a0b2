"""Puts the HTTP application together: routes, problems for every failure, the shim in front."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from fleettickets import __version__
from fleettickets.api import (
    dispatch,
    exports,
    feed,
    functions,
    ogc,
    operations,
    positions,
    quarantining,
    reads,
    reviewing,
    sessions,
    tiles,
    upcoming,
)
from fleettickets.api.problems import KINDS, MEDIA_TYPE, ProblemError, unexpected
from fleettickets.api.shim import Shim
from fleettickets.api.web import WebApp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fleettickets.api.server import Server

_ROUTERS: Final = (
    feed.router,
    reads.router,  # before the functions: /api/tickets/nearest is no ticket's id
    functions.router,
    reviewing.router,
    quarantining.router,
    upcoming.router,
    tiles.router,
    exports.router,
    ogc.router,
    dispatch.router,
    positions.router,
    sessions.router,
    operations.router,
)
_CODES: Final = {status: code for code, (status, _) in KINDS.items()}
_MOST_ERRORS_SHOWN: Final = 5


def application(server: Server) -> Shim:
    """The ASGI application of one serving process."""
    return Shim(server, _framework(server))


def _framework(server: Server) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with server.running():
            yield

    app = FastAPI(
        title="fleettickets",
        version=__version__,
        summary="Tickets of an internet provider: map feed, live events, tiles, exports, OGC API Features.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.openapi_version = "3.0.3"  # the version that OGC API Features names
    app.state.server = server
    for router in _ROUTERS:
        app.include_router(router)
    if server.settings.demo is not None:
        app.include_router(server.settings.demo)
    app.add_route("/{path:path}", WebApp(server.settings).answer, methods=["GET", "HEAD"], include_in_schema=False)
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _defect)
    return app


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101  # it is registered for these alone
    return Response(
        error.body(), error.status, media_type=MEDIA_TYPE, headers={"cache-control": "no-store", **error.headers}
    )


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # it is registered for these alone
    told = [f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in error.errors()]
    return await _problem(request, ProblemError("bad_parameter", "; ".join(told[:_MOST_ERRORS_SHOWN])))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # it is registered for these alone
    code = _CODES.get(error.status_code, "bad_parameter")
    return await _problem(request, ProblemError(code, str(error.detail), error.headers))


async def _defect(request: Request, error: Exception) -> Response:
    return await _problem(request, unexpected(error))
