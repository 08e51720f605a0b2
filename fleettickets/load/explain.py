"""What a database error means: for the run (try again, stop) and, in one sentence, for the person at the terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psycopg

from fleettickets.errors import FleetticketsError, PendingError, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSING: Final = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
"""Over by itself: the file is tried again at once."""

STOPPING: Final = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DiskFull,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.AdminShutdown,
    psycopg.errors.ReadOnlySqlTransaction,
)
"""No other file would fare better: the run ends."""

_LOST: Final = frozenset({"08", "57"})
"""Error classes of a connection that ended: connection exception, operator intervention."""


@contextmanager
def errors_explained() -> Iterator[None]:
    """A block whose database errors are raised as what they mean."""
    try:
        yield
    except psycopg.Error as error:
        raise explained(error) from error


def explained(error: psycopg.Error) -> FleetticketsError:
    """What a database error means for the person at the terminal."""
    text = " ".join(str(error.diag.message_primary or error).split())
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return PendingError(f"a table is locked by another session ({text}): run again when it is free")
    if isinstance(error, psycopg.errors.DiskFull):
        return UpstreamError(f"the database's disk is full ({text}): free space and run again")
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return UpstreamError(f"the database is read-only just now, a standby perhaps ({text}): run again")
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return FleetticketsError(f"the database user may not do this ({text}): see docs/deploy-coolify.md, roles")
    if isinstance(error, psycopg.errors.QueryCanceled):
        return PendingError(f"the database cancelled the work ({text}): run again")
    if isinstance(error, psycopg.OperationalError) and (error.sqlstate is None or error.sqlstate[:2] in _LOST):
        return UpstreamError(f"the connection to the database was lost ({text}): run again")
    return FleetticketsError(f"the database refused the file ({text})")
