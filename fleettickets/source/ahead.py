"""Two helpers at the pipeline's sides: the next file is fetched, and finished files archived, while one loads.

Both work in daemon threads: a store that never answers cannot keep the process alive.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final

from fleettickets.errors import FleetticketsError, UpstreamError
from fleettickets.source.files import FileNotReadError, FileVersion, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from fleettickets.datasets import Dataset
    from fleettickets.source.files import Model

_SLOWEST_BYTES_PER_S: Final = 100_000
_DEPTH: Final = 2


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file as it came: its bytes, or why there are none."""

    version: FileVersion
    body: IO[bytes] | None
    error: FleetticketsError | None = None


def fetch_ahead(source: Source, versions: Iterable[FileVersion], deadline_s: float) -> Iterator[Fetched]:
    """Each version in order with its bytes; one that takes for ever ends the iteration with its error."""
    wanted = list(versions)
    ready: queue.Queue[Fetched] = queue.Queue(_DEPTH)
    stopped = threading.Event()
    threading.Thread(target=_fetch_all, args=(source, wanted, ready, stopped), daemon=True).start()
    try:
        for version in wanted:
            try:
                yield ready.get(timeout=2 * deadline_s + version.size_bytes / _SLOWEST_BYTES_PER_S)
            except queue.Empty:
                yield Fetched(version, None, FileNotReadError(f"{version.key} did not come in time"))
                return
    finally:
        stopped.set()
        _close_rest(ready)


def listing_in_time(
    source: Source, dataset: Dataset, model: Model, now: datetime, deadline_s: float
) -> list[FileVersion]:
    """The listing, or an UpstreamError when it drips in for longer than twice the deadline."""
    answer: queue.Queue[list[FileVersion] | BaseException] = queue.Queue()

    def work() -> None:
        try:
            answer.put(source.listing(dataset, model, now))
        except BaseException as error:  # noqa: BLE001  # raised again in the caller's thread
            answer.put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        found = answer.get(timeout=2 * deadline_s)
    except queue.Empty:
        raise UpstreamError(
            f"the files were not listed within {2 * deadline_s:g} s: check the store, run again"
        ) from None
    if isinstance(found, BaseException):
        raise found
    return found


@dataclass(frozen=True, slots=True)
class Archived:
    """A finished file that left the export's folder, or why it is still there."""

    file_id: int
    key: str | None
    error: str | None = None


@dataclass(slots=True)
class Archiver:
    """Moves finished files in the background; the caller writes the results down."""

    source: Source
    deadline_s: float
    _todo: queue.Queue[tuple[int, FileVersion, str] | None] = field(default_factory=queue.Queue)
    _done: queue.Queue[Archived | None] = field(default_factory=queue.Queue)
    _thread: threading.Thread | None = None
    outstanding: int = 0

    def submit(self, file_id: int, version: FileVersion, folder: str) -> None:
        """Move this committed version below `folder`, some time soon."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        self.outstanding += 1
        self._todo.put((file_id, version, folder))

    def stop(self) -> None:
        """Let the thread end when it has done what was submitted."""
        self._todo.put(None)

    def results(self, *, wait: bool) -> Iterator[Archived]:
        """What was moved since the last call; with `wait`, until all is moved or the store hangs."""
        while self.outstanding:
            try:
                result = self._done.get(timeout=2 * self.deadline_s) if wait else self._done.get_nowait()
            except queue.Empty:
                if wait:
                    yield Archived(0, None, f"{self.outstanding} files were not archived in time")
                return
            if result is not None:
                self.outstanding -= 1
                yield result

    def _work(self) -> None:
        while (item := self._todo.get()) is not None:
            file_id, version, folder = item
            try:
                self._done.put(Archived(file_id, self.source.archive(version, folder)))
            except FleetticketsError as error:
                self._done.put(Archived(file_id, None, str(error)))
            except Exception as error:  # noqa: BLE001  # a thread's error must reach the report, whatever it is
                self._done.put(Archived(file_id, None, f"{version.key}: {type(error).__name__}"))


def _fetch_all(
    source: Source, versions: list[FileVersion], ready: queue.Queue[Fetched], stopped: threading.Event
) -> None:
    for version in versions:
        if stopped.is_set():
            break
        try:
            fetched = Fetched(version, source.fetch(version))
        except FleetticketsError as error:
            fetched = Fetched(version, None, error)
        except Exception as error:  # noqa: BLE001  # a thread's error must reach the report, whatever it is
            fetched = Fetched(version, None, FileNotReadError(f"{version.key}: {type(error).__name__}"))
        ready.put(fetched)
    if stopped.is_set():
        _close_rest(ready)


def _close_rest(ready: queue.Queue[Fetched]) -> None:
    while True:
        try:
            fetched = ready.get_nowait()
        except queue.Empty:
            return
        if fetched.body is not None:
            fetched.body.close()
