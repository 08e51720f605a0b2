"""Every answer that is no success, as problem+json (RFC 9457); docs/api.md lists the codes.

A database error's own words never leave: only sentences that our functions RAISE for the caller do.
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Final

import orjson
import psycopg
from psycopg_pool import PoolTimeout

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPE: Final = "application/problem+json"
KINDS: Final[dict[str, tuple[int, str]]] = {
    "bad_parameter": (400, "A parameter is unknown or means nothing"),
    "unauthorized": (401, "A valid token is needed"),
    "forbidden": (403, "This is not allowed"),
    "not_found": (404, "There is nothing here"),
    "method_not_allowed": (405, "This method is not allowed here"),
    "too_slow": (408, "The request took too long to arrive"),
    "conflict": (409, "Somebody decided otherwise meanwhile"),
    "too_old": (410, "What changed since then is no longer known"),
    "too_large": (413, "Too large"),
    "uri_too_long": (414, "The address is too long"),
    "too_many_requests": (429, "Too many requests"),
    "internal": (500, "This should not have happened"),
    "unavailable": (503, "Not available now"),
    "timeout": (504, "The database took longer than allowed"),
}
RETRY_AFTER_S: Final = 5
_LOG: Final = logging.getLogger("fleettickets.api")
_RAISED_BY_OUR_FUNCTIONS: Final = "exec_stmt_raise"


class ProblemError(Exception):
    """An answer that is no success."""

    def __init__(self, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status, self.title = KINDS[code]
        self.headers = dict(headers or {})
        if self.status == KINDS["unavailable"][0]:
            self.headers.setdefault("retry-after", str(RETRY_AFTER_S))
        if self.status == KINDS["unauthorized"][0]:
            self.headers.setdefault("www-authenticate", "Bearer")

    def body(self) -> bytes:
        """The document."""
        return orjson.dumps(
            {
                "type": f"urn:fleettickets:problem:{self.code}",
                "title": self.title,
                "status": self.status,
                "detail": self.detail,
                "code": self.code,
            }
        )


def of_database(error: Exception) -> ProblemError:
    """What a failed database call means for the caller."""
    if isinstance(error, PoolTimeout | OSError):
        return ProblemError("unavailable", "the database is away or busy: try again")
    if not isinstance(error, psycopg.Error):
        return unexpected(error)
    if isinstance(error, psycopg.errors.QueryCanceled):
        return ProblemError("timeout", "the database took longer than allowed: narrow the filter")
    if isinstance(error, psycopg.errors.UndefinedFunction | psycopg.errors.UndefinedTable):
        return ProblemError("unavailable", "the database lacks a part of the schema: run fleettickets migrate")
    if isinstance(error, psycopg.errors.NoDataFound):
        return ProblemError("not_found", _own_words(error) or "there is no such thing")
    if isinstance(error, psycopg.DataError):
        return ProblemError("bad_parameter", _own_words(error) or "a parameter has a value that means nothing")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return ProblemError("unavailable", "the database is away: try again")
    return unexpected(error)


def unexpected(error: Exception) -> ProblemError:
    """A defect: the story goes to the log, its number to the caller."""
    number = secrets.token_hex(4)
    _LOG.error("problem %s", number, exc_info=error)
    return ProblemError("internal", f"this is a defect; the log tells more under {number}")


def _own_words(error: psycopg.Error) -> str | None:
    if error.diag.source_function == _RAISED_BY_OUR_FUNCTIONS:
        return error.diag.message_primary
    return None
