"""Connections to PostgreSQL whose failures tell what to do and never show a password."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from fleettickets.errors import UpstreamError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

logging.getLogger("psycopg").addHandler(logging.NullHandler())  # its warnings are not for stderr

Connection = psycopg.Connection[tuple[Any, ...]]

_CONNECT_TIMEOUT_S: Final = 10
_HINT: Final = "set DATABASE_URL=postgresql://USER:PASSWORD@HOST:PORT/DATABASE (see .env.example)"
_REFUSED: Final = re.compile(
    r"(password|GSSAPI|certificate|Peer|Ident|LDAP|PAM) authentication failed|no password supplied"
    r'|(role|database) "[^"]*" (does not exist|is not permitted to log in)|no pg_hba\.conf entry'
    r"|permission denied for database"
)
"""What a server says that is there and does not know us: a refused connection has no SQLSTATE to tell it by."""


def connect(database_url: str, *, role: str = "fleettickets") -> Connection:
    """Open an autocommit connection in UTC; a wrong or unreachable address is one clear sentence."""
    target = _parsed(database_url)
    try:
        return psycopg.connect(
            database_url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_S,
            application_name=role,
            options="-c timezone=UTC -c datestyle=ISO",
            keepalives_idle=30,
        )
    except psycopg.OperationalError as error:
        where = f"{target.get('host') or 'the local socket'}:{target.get('port') or 5432}"
        reason = redacted(str(error), database_url)
        kind = UsageError if _REFUSED.search(str(error)) else UpstreamError
        raise kind(
            f"the database {target.get('dbname') or ''!r} at {where} cannot be used: {reason}; {_HINT}"
        ) from None
    except psycopg.Error as error:
        raise UsageError(f"DATABASE_URL is not usable: {redacted(str(error), database_url)}; {_HINT}") from None


def redacted(text: str, database_url: str) -> str:
    """`text` on one line with the address and every form of its password blanked."""
    for secret in sorted(_secrets(database_url), key=len, reverse=True):
        text = text.replace(secret, "********")
    return " ".join(text.split())


@cache
def statement(folder: Path, name: str) -> sql.SQL:
    """The statement kept in `folder`/`name`.sql, ready for `.format()` of identifiers."""
    text = (folder / f"{name}.sql").read_text(encoding="utf-8")
    return sql.SQL(text)


def _parsed(database_url: str) -> dict[str, Any]:
    """The address in parts; one whose password libpq would take for the host is refused unprinted."""
    try:
        parts = psycopg.conninfo.conninfo_to_dict(database_url)
    except (psycopg.Error, UnicodeError):
        parts = {}
    if not parts or _is_torn(parts):
        raise UsageError(
            f"DATABASE_URL cannot be read as a PostgreSQL address (percent-encode special characters): {_HINT}"
        )
    return parts


def _is_torn(parts: dict[str, Any]) -> bool:
    """Whether an '@' or '/' inside the password moved a part of it into the host, the port or the name."""
    host, port, name = (str(parts.get(part) or "") for part in ("host", "port", "dbname"))
    return "@" in host + port + name or not re.fullmatch(r"[\d,]*", port, re.ASCII)


def _secrets(database_url: str) -> set[str]:
    found = {database_url}
    try:
        found.add(str(psycopg.conninfo.conninfo_to_dict(database_url).get("password") or ""))
        found.add(urlsplit(database_url).password or "")
    except (psycopg.Error, ValueError):  # UnicodeError is a ValueError
        pass  # an unreadable address has no password to name; the whole of it is blanked
    found |= {unquote(secret) for secret in found}
    return {secret for secret in found if secret}


@contextmanager
def severed_after(connection: Connection, deadline_s: float) -> Iterator[None]:
    """Cut the connection if the block outlasts the deadline.

    Keepalives do not fire while a middlebox still acknowledges: only a clock of our own ends such a wait.
    """
    timer = threading.Timer(deadline_s, _sever, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _sever(connection: Connection) -> None:
    with (
        contextlib.suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.fileno())) as link,
    ):
        link.shutdown(socket.SHUT_RDWR)
