"""This machine: room for what a run writes beside the database."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fleettickets.commands.doctor.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets.commands.app import App

_LITTLE_BYTES: Final = 2 << 30
_TOO_LITTLE_BYTES: Final = 200 << 20
"""Less than a large export and its unpacked copy need."""


def machine(app: App) -> Iterator[Finding]:
    """The folder files are spooled to, and that of the private servers where there is one."""
    yield _room("disk", Path(tempfile.gettempdir()), "set TMPDIR to a larger folder, or make room")
    if app.home.is_dir():
        yield _room("disk of servers", app.home, "make room, or fleettickets down --remove")


def _room(subject: str, folder: Path, remedy: str) -> Finding:
    free = shutil.disk_usage(folder).free
    told = f"{free / (1 << 30):,.1f} GiB free in {folder}"
    if free >= _LITTLE_BYTES:
        return Finding(subject, "ok", told)
    if free >= _TOO_LITTLE_BYTES:
        return Finding(subject, "warn", f"{told}: {remedy}")
    return Finding(subject, "fail", f"{told}: {remedy}", 1)
