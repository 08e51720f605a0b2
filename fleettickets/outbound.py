"""One request to somebody else's service, one reply: no retry, no redirect, a deadline, a bound in bytes."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import urllib3

from fleettickets import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST_BYTES: Final = 4 << 20
_PIECE_BYTES: Final = 64 << 10

# Its DEBUG line shows the address of every call, and a key may stand in the address.
logging.getLogger("urllib3.connectionpool").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: a status and a JSON document, or the reason why there is none."""

    status: int | None
    document: Any
    problem: str = ""
    headers: Mapping[str, str] | None = None


class Client:
    """Asks one service after another; keeps their connections. Its replies never show an address or a key."""

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._pool = urllib3.PoolManager(
            num_pools=1,
            retries=False,
            headers={"User-Agent": f"fleettickets/{__version__}", "Accept": "application/json"},
        )

    def get(self, address: str) -> Reply:
        """The reply to one GET; never an exception, never more than the deadline."""
        return self._ask("GET", address)

    def post_form(self, address: str, form: Mapping[str, str]) -> Reply:
        """The reply to a form."""
        return self._ask("POST", address, urlencode(form).encode(), "application/x-www-form-urlencoded")

    def post_json(self, address: str, document: object) -> Reply:
        """The reply to a JSON document."""
        return self._ask("POST", address, json.dumps(document).encode(), "application/json")

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.clear()

    def _ask(self, method: str, address: str, body: bytes | None = None, kind: str | None = None) -> Reply:
        ends_at = time.monotonic() + self._timeout_s
        try:
            response = self._pool.request(
                method,
                address,
                body=body,
                headers={**self._pool.headers, "Content-Type": kind} if kind else None,
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=urllib3.Timeout(total=self._timeout_s),
            )
            try:
                told = _read(response, ends_at)
            finally:
                response.close()
        except TimeoutError:
            return Reply(None, None, f"no complete answer within {self._timeout_s:g} s")
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Reply(None, None, _reason(error))
        return _understood(response.status, told, {name.lower(): value for name, value in response.headers.items()})


def _read(response: urllib3.BaseHTTPResponse, ends_at: float) -> bytes:
    """The body, at most so large and so late: socket timeouts alone never end a dripping one."""
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(_PIECE_BYTES):
        pieces.append(piece)
        size += len(piece)
        if size > _LARGEST_BYTES:
            raise OSError("the answer is larger than any answer that was asked for")
        if time.monotonic() > ends_at:
            raise TimeoutError
    return b"".join(pieces)


def _understood(status: int, body: bytes, headers: Mapping[str, str]) -> Reply:
    if 300 <= status < 400:  # noqa: PLR2004  # the redirects
        return Reply(status, None, "a redirect, which is not followed", headers)
    try:
        return Reply(status, json.loads(body), headers=headers)
    except (ValueError, RecursionError):
        return Reply(status, None, "an answer that is no JSON", headers)


def _reason(error: Exception) -> str:
    """Why no answer came, without the address: a key may stand in it."""
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "the connection was refused or the host is not known"
    if isinstance(error, urllib3.exceptions.SSLError):
        return "the certificate is not valid"
    return f"the connection failed ({type(error).__name__})"
