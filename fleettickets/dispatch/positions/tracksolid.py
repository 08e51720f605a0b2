"""Tracksolid Pro: one address, a method a call, every call signed; tokens live two hours, devices may be left out.

A call is a form of strings. Its `sign` is the upper-case MD5 of secret + every parameter as name and value in the
order of the names + secret. Times are UTC. What the list of an account leaves out is asked for by IMEI.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from fleettickets.dispatch.positions.fix import Fix
from fleettickets.errors import UpstreamError, UsageError
from fleettickets.outbound import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TOKEN_LIVES_S: Final = 7_200
_TOKEN_MARGIN_S: Final = 120
_TIMEOUT_S: Final = 20.0
_OK: Final = 0
_EXPIRED: Final = 1004
_TOO_OFTEN: Final = 1006
_TRIES: Final = 4
_FIRST_WAIT_S: Final = 2.0
_MOST_IMEIS_A_CALL: Final = 50


@dataclass(slots=True)
class Tracksolid:
    """One application key for one or more accounts. `sleep` and `clock` can be set, so that tests need not wait."""

    url: str
    app_key: str
    app_secret: str = field(repr=False)
    user: str
    password_md5: str = field(repr=False)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    client: Client = field(default_factory=lambda: Client(timeout_s=_TIMEOUT_S), repr=False)
    _token: str | None = field(default=None, repr=False)
    _token_until: float = 0.0

    def __post_init__(self) -> None:
        """UsageError for an address that is none."""
        if not self.url.startswith(("http://", "https://")):
            raise UsageError("FLEETTICKETS_TRACKSOLID_URL is no http(s) address")

    def fixes(self, accounts: Iterable[str], expected: Iterable[str] = ()) -> list[Fix]:
        """The newest position of every device of the accounts, and of the `expected` IMEIs they leave out."""
        found = [
            fix
            for account in accounts
            for one in _rows(self.call("jimi.user.device.location.list", target=account))
            if (fix := _fix(one)) is not None
        ]
        left_out = sorted(set(expected) - {fix.vehicle_id for fix in found})
        for at in range(0, len(left_out), _MOST_IMEIS_A_CALL):
            asked = ",".join(left_out[at : at + _MOST_IMEIS_A_CALL])
            rows = _rows(self.call("jimi.device.location.get", imeis=asked))
            found += [fix for one in rows if (fix := _fix(one)) is not None]
        return found

    def call(self, method: str, **parameters: str) -> Any:  # noqa: ANN401  # whatever JSON the result is
        """The result of one method; waits when called too often, renews the token once when it has expired."""
        wait_s = _FIRST_WAIT_S
        renewed = False
        for _ in range(_TRIES):
            answer = self._ask(method, {**parameters, "access_token": self._valid_token()})
            code = answer.get("code")
            if code == _OK:
                return answer.get("result")
            if code == _EXPIRED and not renewed:
                self._token, renewed = None, True
            elif code == _TOO_OFTEN:
                self.sleep(wait_s)
                wait_s *= 2
            else:
                raise UpstreamError(f"Tracksolid refused {method} ({code}: {answer.get('message', 'no reason given')})")
        raise UpstreamError(f"Tracksolid is asked too often: {method} was refused {_TRIES} times; ask less often")

    def _valid_token(self) -> str:
        if self._token is not None and self.clock() < self._token_until:
            return self._token
        answer = self._ask(
            "jimi.oauth.token.get",
            {"user_id": self.user, "user_pwd_md5": self.password_md5, "expires_in": str(_TOKEN_LIVES_S)},
        )
        result = answer.get("result")
        if answer.get("code") != _OK or not isinstance(result, dict) or not result.get("accessToken"):
            raise UsageError(
                f"Tracksolid gave no token ({answer.get('code')}): check FLEETTICKETS_TRACKSOLID_USER, _PASSWORD_MD5, "
                "_APP_KEY and _APP_SECRET"
            )
        lives_s = min(_seconds(result.get("expiresIn")), _TOKEN_LIVES_S)
        self._token = str(result["accessToken"])
        self._token_until = self.clock() + max(lives_s - _TOKEN_MARGIN_S, 0)
        return self._token

    def _ask(self, method: str, parameters: dict[str, str]) -> dict[str, Any]:
        form = {
            "method": method,
            "app_key": self.app_key,
            "timestamp": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
            "sign_method": "md5",
            "v": "1.0",
            "format": "json",
            **parameters,
        }
        form["sign"] = signature(self.app_secret, form)
        reply = self.client.post_form(self.url, form)
        if not isinstance(reply.document, dict):
            raise UpstreamError(f"Tracksolid did not answer ({reply.problem or 'no JSON object'}): run again")
        return reply.document


def signature(secret: str, parameters: dict[str, str]) -> str:
    """Upper-case MD5 of secret + name and value of every parameter in the order of the names + secret."""
    joined = "".join(f"{name}{value}" for name, value in sorted(parameters.items()))
    return hashlib.md5(f"{secret}{joined}{secret}".encode(), usedforsecurity=False).hexdigest().upper()


def _rows(result: object) -> list[dict[str, Any]]:
    return [one for one in result if isinstance(one, dict)] if isinstance(result, list) else []


def _fix(one: dict[str, Any]) -> Fix | None:
    """A device's row; one that never had a fix says nothing about a place."""
    if not one.get("imei"):
        return None
    return Fix(
        str(one["imei"]),
        one.get("lat"),
        one.get("lng"),
        one.get("gpsTime"),
        label=one.get("vehicleNumber") or one.get("deviceName"),
        heartbeat_at=one.get("hbTime"),
        speed_km_per_h=one.get("speed"),
        heading_deg=one.get("direction"),
        ignition=one.get("accStatus"),
    )


def _seconds(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0
