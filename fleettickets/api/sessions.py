"""The browser's session: a token shown once becomes a cookie that scripts cannot read."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from fleettickets.api import parameters as ask
from fleettickets.api import reply
from fleettickets.api.problems import ProblemError
from fleettickets.api.tokens import COOKIE, SESSION_S, Caller

router = APIRouter(default_response_class=Response, prefix="/api/session", tags=["session"])


class Login(BaseModel):
    """A token."""

    model_config = ConfigDict(extra="forbid")
    token: Annotated[str, Field(min_length=1, max_length=200)]


@router.get("", responses=reply.documented(400))
async def who(request: Request, query: Annotated[ask.Query, Query()]) -> Response:  # noqa: ARG001  # it refuses what is unknown
    """Who you are to this server, and whether it asks for a token."""
    return _answer(request, reply.caller_of(request))


@router.post("", responses=reply.documented(400))
async def login(request: Request, shown: Login) -> Response:
    """Exchange a token for a session cookie."""
    found = reply.server_of(request).tokens.session(shown.token)
    if found is None:
        raise ProblemError("unauthorized", "this token is unknown, expired or revoked")
    caller, value = found
    response = _answer(request, caller)
    response.set_cookie(
        COOKIE,
        value,
        max_age=SESSION_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )
    return response


@router.delete("", status_code=204, responses=reply.documented(400, media_types=()))
async def logout(request: Request) -> Response:  # noqa: ARG001  # a session is the cookie alone
    """Forget the session."""
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response


def _answer(request: Request, caller: Caller) -> Response:
    server = reply.server_of(request)
    document: dict[str, Any] = {
        "authenticated": bool(caller.scopes),
        "required": server.tokens.ever_made or not server.settings.loopback,
        "name": caller.name,
        "scopes": sorted(caller.scopes),
        "expires_at": caller.expires_at,
    }
    return Response(orjson.dumps(document), media_type="application/json", headers={"cache-control": "no-store"})
