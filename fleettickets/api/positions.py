"""Positions that trackers and their servers push: Jimi, Traccar, OwnTracks, plain JSON."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import orjson
import psycopg
from fastapi import APIRouter, Request, Response

from fleettickets import db
from fleettickets.api import reply
from fleettickets.api.planning import problem_of
from fleettickets.api.problems import ProblemError
from fleettickets.dispatch.positions.fix import record
from fleettickets.dispatch.positions.push import fixes_of
from fleettickets.errors import FleetticketsError

if TYPE_CHECKING:
    from fleettickets.api.server import Server
    from fleettickets.dispatch.positions.fix import Fix

PATH: Final = "/api/dispatch/positions"
_SCOPE: Final = "positions"
_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 20

router = APIRouter(tags=["dispatch"])


@router.post(
    PATH,
    responses=reply.documented(400),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]}
                },
                _FORM: {"schema": {"type": "object"}},
            },
        }
    },
)
async def push(request: Request) -> Response:
    """Take positions. The token: Bearer, the password of Basic, or the field `token` of Jimi's form."""
    body = await request.body()
    form = _form(request, body)
    _demand(request, form)
    try:
        fixes = fixes_of(body, form)
        done = await asyncio.to_thread(_record, reply.server_of(request), fixes)
    except (FleetticketsError, psycopg.Error) as error:
        raise problem_of(error) from None
    # OwnTracks reads a list of commands, Jimi wants its code.
    answer: Any = [] if b'"_type"' in body else {"code": 0, "msg": "ok", **done}
    return Response(orjson.dumps(answer), media_type="application/json", headers={"cache-control": "no-store"})


def _form(request: Request, body: bytes) -> dict[str, str] | None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return None
    try:
        return dict(parse_qsl(body.decode(), max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise ProblemError("bad_parameter", "the form cannot be read: send token and data_list") from None


def _demand(request: Request, form: dict[str, str] | None) -> None:
    caller = reply.caller_of(request)
    if not caller.scopes and form and form.get("token"):
        found = reply.server_of(request).tokens.caller(form["token"])
        if found is None:
            raise ProblemError("unauthorized", "this token is unknown, expired or revoked")
        caller = found
    if not caller.scopes:
        raise ProblemError("unauthorized", f"send a token with scope {_SCOPE}")
    if not caller.may(_SCOPE):
        raise ProblemError("forbidden", f"this needs a token with scope {_SCOPE}")


def _record(server: Server, fixes: list[Fix]) -> dict[str, Any]:
    with db.connect(server.settings.database_url, role="fleettickets serve") as connection, connection.transaction():
        return record(connection, fixes, "push", server.now()).as_dict()
