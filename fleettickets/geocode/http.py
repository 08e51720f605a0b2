"""Requests to one geocoder: where they may go, and which address they ask."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from fleettickets import outbound
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOCAL_NAMES: Final = ("localhost", ".local", ".internal")


class Client:
    """Sends GET requests to one base address."""

    def __init__(self, base_url: str, *, timeout_s: float, secret: str | None = None) -> None:
        self.base_url = _allowed(base_url, secret)
        self._client = outbound.Client(timeout_s=timeout_s)

    def get(self, path: str, parameters: Mapping[str, str]) -> outbound.Reply:
        """The reply to one GET; never an exception, never more than the deadline."""
        return self._client.get(f"{_joined(self.base_url, path)}?{urlencode(parameters)}")

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()


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
