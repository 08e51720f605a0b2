"""The errors a person meets, each with the exit code the shell sees.

FleetticketsError          1  failed
├── UsageError             2  wrong command, setting or input
│   └── NotFoundError      2  what was asked for is not there
├── QualityGateError       3  the data is worse than allowed
├── StaleError             4  the data is older than allowed
├── PendingError           5  part of the work is left; run again to go on
│   └── ConflictError      5  somebody else was faster; look again and decide
├── BusyError              6  another run holds the lock
└── UpstreamError          7  the database, the bucket or a provider is away
"""

from fleettickets.redact import redacted


class FleetticketsError(Exception):
    """Something failed; the message says what and what to do next, and shows no secret."""

    exit_code = 1

    def __str__(self) -> str:
        return redacted(super().__str__())


class UsageError(FleetticketsError):
    """The command, a setting or the given file is not usable."""

    exit_code = 2


class NotFoundError(UsageError):
    """There is nothing of that name or number."""


class QualityGateError(FleetticketsError):
    """The data is worse than the gate allows."""

    exit_code = 3


class StaleError(FleetticketsError):
    """The data is older than the gate allows."""

    exit_code = 4


class PendingError(FleetticketsError):
    """Part of the work is done and kept; running the command again resumes."""

    exit_code = 5


class ConflictError(PendingError):
    """Somebody else changed this meanwhile; look again and decide."""


class BusyError(FleetticketsError):
    """Another run holds the lock of this stream."""

    exit_code = 6


class UpstreamError(FleetticketsError):
    """The database, the bucket or a provider did not answer as it should."""

    exit_code = 7


def printable(text: str) -> str:
    """The text on one line: a line break or an escape sequence in a key or a cell must not write our log."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
