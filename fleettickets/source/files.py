"""One version of one export file, and the contract every source of files keeps."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Protocol

from fleettickets.errors import FleetticketsError

if TYPE_CHECKING:
    from datetime import datetime

    from fleettickets.datasets import Dataset


class Model(StrEnum):
    """How the export hands over: changes since the last file, or (older) full snapshots."""

    CHANGES = "changes"
    SNAPSHOTS = "snapshots"


@dataclass(frozen=True, slots=True)
class FileVersion:
    """What a listing says of a file; (key, etag, last_modified) is its identity."""

    key: str
    etag: str
    last_modified: datetime
    size_bytes: int
    exported_at: datetime | None
    problem: str | None = None
    lies_at: str | None = None
    """Where its bytes are, when they were moved from `key`."""

    @property
    def name(self) -> str:
        """The key without its folder."""
        return self.key.rpartition("/")[2]

    @property
    def place(self) -> str:
        """The key its bytes are read from."""
        return self.lies_at or self.key

    @property
    def order(self) -> tuple[bool, str, datetime, str]:
        """Ascending by export time, then by the moment and content of the upload."""
        when = self.exported_at.isoformat() if self.exported_at else ""
        return (self.exported_at is not None, when, self.last_modified, self.etag)


class FileUnusableError(FleetticketsError):
    """The file can never be loaded as it is: it is quarantined and the stream goes on."""


class FileGoneError(FleetticketsError):
    """The listed version is no longer there: replaced or removed since the listing."""


class FileNotReadError(FleetticketsError):
    """The file could not be read this time; it stays pending."""

    exit_code = 7


class NoRoomError(FileNotReadError):
    """A temporary file could not be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"no temporary file could be written ({error.strerror or error}): "
            "free space there or set TMPDIR to another folder, and run again"
        )


def discard(spool: IO[bytes]) -> None:
    """Close a temporary file that nobody will read; what it could not write is not missed."""
    with contextlib.suppress(OSError):
        spool.close()


class Source(Protocol):
    """A place that lists, hands over and archives export files."""

    @property
    def archives(self) -> bool:
        """Whether finished files are moved away."""
        ...

    def listing(self, dataset: Dataset, model: Model, now: datetime) -> list[FileVersion]:
        """Every file of the stream, ascending; a place that cannot be listed is an UpstreamError."""
        ...

    def fetch(self, version: FileVersion) -> IO[bytes]:
        """The verified bytes of exactly this version, as a file at its start that the caller closes."""
        ...

    def archive(self, version: FileVersion, folder: str) -> str | None:
        """Move exactly this version below `folder`; its new key, or None when it was gone already."""
        ...
