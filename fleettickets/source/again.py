"""Chosen versions of files, read once more from wherever they lie now, each with its own identity and order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from fleettickets.datasets import Dataset
    from fleettickets.source.files import FileVersion, Model, Source


@dataclass(frozen=True, slots=True)
class Again:
    """A source that lists only these versions."""

    source: Source
    versions: tuple[FileVersion, ...]
    archives: bool = True

    def listing(self, dataset: Dataset, model: Model, now: datetime) -> list[FileVersion]:  # noqa: ARG002  # a Source
        """The versions, ascending."""
        return sorted(self.versions, key=lambda version: version.order)

    def fetch(self, version: FileVersion) -> IO[bytes]:
        """The bytes of this version."""
        return self.source.fetch(version)

    def archive(self, version: FileVersion, folder: str) -> str | None:
        """Move it to the folder of its new state."""
        return self.source.archive(version, folder)
