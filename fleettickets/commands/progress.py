"""Progress of a run on stderr: a bar on a terminal, nothing in a log, plain lines there with -v."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from fleettickets.commands.app import plural
from fleettickets.report import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets.commands.app import App
    from fleettickets.pipeline import Watcher

__all__ = ["NOBODY", "follow"]

_LINE_EVERY_S: Final = 5.0


@contextmanager
def follow(app: App, name: str) -> Iterator[Watcher]:
    """A watcher fit for where stderr goes."""
    if app.quiet:
        yield NOBODY
    elif sys.stderr.isatty():
        bar = _Bar(name)
        try:
            yield bar
        finally:
            bar.close()
    else:
        yield _Lines(name) if app.verbose else NOBODY


class _Lines:
    """A line at the start, and at most one every few seconds."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._files = self._done = self._rows = 0
        self._last_s = time.monotonic()

    def started(self, files: int) -> None:
        self._files = files
        if files:
            self._print(plural(files, "file"))

    def rows(self, n: int) -> None:
        self._rows += n
        self._now_and_then()

    def settled(self) -> None:
        self._done += 1
        self._now_and_then()

    def _now_and_then(self) -> None:
        if time.monotonic() - self._last_s >= _LINE_EVERY_S:
            self._print(f"{self._done:,} of {self._files:,} files, {self._rows:,} rows")

    def _print(self, text: str) -> None:
        self._last_s = time.monotonic()
        print(f"{self._name}: {text}", file=sys.stderr, flush=True)  # noqa: T201  # a log line


class _Bar:
    """rich's bar over the files."""

    def __init__(self, name: str) -> None:
        from rich.console import Console  # noqa: PLC0415  # only on a terminal
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415  # the same

        self._rows = 0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[files]} {task.fields[read]:,} rows"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(name, total=None, files="", read=0)
        self._done = self._files = 0

    def started(self, files: int) -> None:
        self._files = files
        if files:
            self._bar.update(self._task, total=files, files=f"0/{files} files")
            self._bar.start()

    def rows(self, n: int) -> None:
        self._rows += n
        self._bar.update(self._task, read=self._rows)

    def settled(self) -> None:
        self._done += 1
        self._bar.update(self._task, advance=1, files=f"{self._done}/{self._files} files")

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._bar.stop()
