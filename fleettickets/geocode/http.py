"""One request, one reply: no retry, no redirect, a deadline on the clock, and no key in any message."""

from __future__ import annotations

import ipaddress
import json
import logging
import re
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

import urllib3

from fleettickets import __version__
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST_BYTES: Final = 4 << 20
_PIECE_BYTES: Final = 64 << 10
_LOCAL_NAMES: Final = ("localhost", ".local", ".internal")

# Its DEBUG line shows the address of every call, and the key stands in the address.
logging.getLogger("urllib3.connectionpool").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: a status and a JSON document, or the reason why there is none."""

    status: int | None
    document: Any
    problem: str = ""
    headers: Mapping[str, str] | None = None


class Client:
    """Sends GET requests to one base address."""

    def __init__(self, base_url: str, *, timeout_s: float, secret: str | None = None) -> None:
        self.base_url = _allowed(base_url, secret)
        self._timeout_s = timeout_s
        self._pool = urllib3.PoolManager(
            num_pools=1,
            retries=False,
            headers={"User-Agent": f"fleettickets/{__version__}", "Accept": "application/json"},
        )

    def get(self, path: str, parameters: Mapping[str, str]) -> Reply:
        """The reply to one GET; never an exception, never more than the deadline."""
        ends_at = time.monotonic() + self._timeout_s
        address = f"{_joined(self.base_url, path)}?{urlencode(parameters)}"
        try:
            response = self._pool.request(
                "GET",
                address,
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=urllib3.Timeout(total=self._timeout_s),
            )
            try:
                body = _read(response, ends_at)
            finally:
                response.close()
        except TimeoutError:
            return Reply(None, None, f"no complete answer within {self._timeout_s:g} s")
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Reply(None, None, _reason(error))
        return _understood(response.status, body, {name.lower(): value for name, value in response.headers.items()})

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.clear()


def _read(response: urllib3.BaseHTTPResponse, ends_at: float) -> bytes:
    """The body, at most so large and so late: socket timeouts alone never end a dripping one."""
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(_PIECE_BYTES):
        pieces.append(piece)
        size += len(piece)
        if size > _LARGEST_BYTES:
            raise OSError("the answer is larger than any answer of a geocoder")
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
    """Why no answer came, without the address: the key stands in it."""
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "the connection was refused or the host is not known"
    if isinstance(error, urllib3.exceptions.SSLError):
        return "the certificate is not valid"
    return f"the connection failed ({type(error).__name__})"


def _joined(base_url: str, path: str) -> str:
    """Base and path without saying the first part of the path twice: bases end in /v1 as often as not."""
    base = base_url.rstrip("/")
    if base.endswith(path):
        return base
    first = "/" + path.strip("/").partition("/")[0]
    return base + (path[len(first) :] if len(path) > len(first) and base.endswith(first) else path)


def _allowed(base_url: str, secret: str | None) -> str:
    """The address, if requests may go there."""
    try:
        parts = urlsplit(base_url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        host = ""
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not host or parts.username or parts.query or parts.fragment:
        raise UsageError("GEOCODER_BASE_URL is not usable: give http(s)://HOST[:PORT] without a user, a query or a key")
    addresses = _addresses(host)
    if any(one.is_link_local or one.is_multicast or one.is_unspecified for one in addresses):
        raise UsageError(f"GEOCODER_BASE_URL points at {host}, where no geocoder lives: give the provider's address")
    if secret and parts.scheme == "http" and not _is_local(host, addresses):
        raise UsageError(f"GEOCODER_BASE_URL would send the key to {host} unencrypted: use https")
    return base_url


def _addresses(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Where the host leads; none when it is not known now, which the request will tell."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(re.sub("%.*", "", str(entry[4][0]))) for entry in found]


def _is_local(host: str, addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> bool:
    return host.endswith(_LOCAL_NAMES) or (bool(addresses) and all(one.is_private for one in addresses))
