"""Export files on a local disk: one file, or a folder of them. They are read and left where they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Final

from fleettickets.errors import UsageError
from fleettickets.source import names
from fleettickets.source.files import FileNotReadError, FileVersion, Model

if TYPE_CHECKING:
    from pathlib import Path

    from fleettickets.datasets import Dataset

_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Folder:
    """A CSV file, a folder of CSV files, or a folder laid out like the bucket."""

    path: Path
    archives: bool = False

    def listing(self, dataset: Dataset, model: Model, now: datetime) -> list[FileVersion]:
        """The files ascending by export time.

        A file named like an export stands for that export; any other name takes its modification time.
        """
        if self.path.is_file():
            paths = [self.path]
        elif self.path.is_dir():
            laid_out = self.path / (dataset.changes if model is Model.CHANGES else dataset.root)
            paths = sorted((laid_out if laid_out.is_dir() else self.path).glob("*.csv"))
        else:
            raise UsageError(f"{self.path} is neither a file nor a folder: give the path of a CSV export")
        return sorted((self._version(path, dataset, now) for path in paths), key=lambda file: file.order)

    def fetch(self, version: FileVersion) -> IO[bytes]:
        """The file, opened."""
        try:
            return self._path(version).open("rb")
        except OSError as error:
            raise FileNotReadError(f"{self._path(version)} cannot be read: {error.strerror}") from error

    def archive(self, version: FileVersion, folder: str) -> str | None:  # noqa: ARG002  # a Source may ignore it
        """Nothing: a local file belongs to whoever put it there."""
        return None

    def _path(self, version: FileVersion) -> Path:
        return self.path if self.path.is_file() else self._base(version) / version.name.removeprefix("file:")

    def _base(self, version: FileVersion) -> Path:
        laid_out = self.path / version.key.rpartition("/")[0]
        return laid_out if laid_out.is_dir() else self.path

    def _version(self, path: Path, dataset: Dataset, now: datetime) -> FileVersion:
        try:
            stat = path.stat()
            etag = _md5(path)
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from error
        modified = datetime.fromtimestamp(int(stat.st_mtime), UTC)
        exported_at, problem = names.exported_at(path.name, now)
        key = f"{dataset.changes}{path.name}" if problem is None else f"file:{path.name}"
        if problem == names.UNEXPECTED:
            exported_at, problem = modified, None
        return FileVersion(key, etag, modified, stat.st_size, exported_at, problem)


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
