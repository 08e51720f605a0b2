"""Who asks: bearer tokens held in memory, and the browser's session made from one."""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

SCOPES: Final = ("read", "pii", "review", "dispatch", "positions", "admin")
COOKIE: Final = "fleettickets_session"
SESSION_S: Final = 12 * 3600
HOLD_S: Final = 15 * 60.0
"""How long tokens hold without the database: one that was revoked meanwhile no longer does after that."""
_PREFIX: Final = "ft_"
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the database keeps it."""

    token_id: int
    name: str
    secret_sha256: bytes = field(repr=False)
    scopes: list[str]
    expires_at: datetime | None

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what they may."""

    name: str
    scopes: frozenset[str]
    expires_at: datetime | None = None
    by_cookie: bool = False
    token_id: int | None = None

    def may(self, scope: str) -> bool:
        """Whether this scope, or admin, is theirs."""
        return scope in self.scopes or "admin" in self.scopes


LOCAL: Final = Caller("local", frozenset(SCOPES))
"""Whoever reaches the loopback of a server without tokens."""


@dataclass(slots=True)
class Tokens:
    """The tokens that hold now. Once one was ever made, every request needs one."""

    held: dict[bytes, Token] = field(default_factory=dict)
    ever_made: bool = False
    read_s: float = -math.inf
    _by_id: dict[int, Token] = field(default_factory=dict)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def age_s(self) -> float:
        """How long ago the database told them."""
        return time.monotonic() - self.read_s

    @property
    def are_unsure(self) -> bool:
        """Whether nobody can say any more who may ask, or not yet."""
        return self.age_s > HOLD_S if self.ever_made else self.read_s == -math.inf

    def hold(self, caller: Caller) -> bool:
        """Whether somebody who was let in would be let in again."""
        if caller.token_id is None:
            return not self.ever_made
        token = self._by_id.get(caller.token_id)
        return token is not None and not token.expired and not self.are_unsure

    def replace(self, tokens: Iterable[Token], *, ever_made: bool, read_s: float) -> None:
        """Hold these tokens, as the database told them at this time."""
        self.ever_made, self.read_s = ever_made, read_s
        self.held = {bytes(token.secret_sha256): token for token in tokens}
        self._by_id = {token.token_id: token for token in self.held.values()}

    def caller(self, secret: str) -> Caller | None:
        """Who shows this secret; a digest is looked up, so timing tells nothing of the secret."""
        return _caller(self.held.get(digest(secret)))

    def session(self, secret: str) -> tuple[Caller, str] | None:
        """Who shows this secret, and the value of a cookie for them."""
        token = self.held.get(digest(secret))
        caller = _caller(token, by_cookie=True)
        if token is None or caller is None:
            return None
        payload = f"{token.token_id}.{int(time.time()) + SESSION_S}"
        return caller, f"{payload}.{self._signed(payload)}"

    def of_session(self, cookie: str) -> Caller | None:
        """Whose session this is; it ends with its hours, its token or the server."""
        payload, _, signature = cookie.rpartition(".")
        token_id, _, until = payload.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signed(payload).encode()) or int(until) <= time.time():
            return None
        return _caller(self._by_id.get(int(token_id)), by_cookie=True)

    def _signed(self, payload: str) -> str:
        return hmac.new(self._key, payload.encode(), hashlib.sha256).hexdigest()


def new_secret() -> str:
    """A fresh token; it is shown once and kept nowhere."""
    return _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def digest(secret: str) -> bytes:
    """What the database keeps of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def _caller(token: Token | None, *, by_cookie: bool = False) -> Caller | None:
    if token is None or token.expired:
        return None
    return Caller(token.name, frozenset(token.scopes), token.expires_at, by_cookie, token.token_id)
