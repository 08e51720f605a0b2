"""Loaders by others, installed from PyPI into an environment of their own and set up as their documents say.

Both write into a table of plain text columns: no typed columns, no geometry, no history of files, less work.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.contenders import ROOT, Contender

_DLT: Final = ("dlt[postgres,filesystem,s3]==1.31.0", "pandas<4")
# The last version whose package holds the program: later ones download it from GitHub at their first run.
_SLING: Final = ("sling-linux-amd64==1.4.11",)
_INSTALL_S: Final = 300
_REPLICATION: Final = {
    "source": "STORE",
    "target": "TICKETS",
    "defaults": {
        "mode": "incremental",
        "primary_key": ["ticket_id"],
        "update_key": "_sling_loaded_at",
        "columns": {"*": "string"},
        "source_options": {"format": "csv"},
    },
    "streams": {"automations/inc/changes/": {"object": "feed.inc", "single": True}},
    # Its documents say "timestamp", but beside columns of "string" that mark never matches and all is read again.
    "env": {"SLING_LOADED_AT_COLUMN": "unix"},
}
_SLING_CONNECTIONS: Final = """
export STORE="{type: s3, bucket: $RUSTFS_BUCKET, access_key_id: $RUSTFS_ACCESS_KEY, \
secret_access_key: $RUSTFS_SECRET_KEY, endpoint: '$RUSTFS_ENDPOINT_URL', region: $RUSTFS_REGION}"
export TICKETS="$DATABASE_URL?sslmode=disable" SLING_HOME_DIR="$RIVAL_FOLDER"
exec "$0" run -r "$1"
"""


@dataclass(frozen=True, slots=True)
class Absent:
    """A rival that cannot be measured here, and why."""

    name: str
    reason: str


def installed(folder: Path) -> tuple[list[Contender], list[Absent]]:
    """The rivals that could be installed below `folder`, and the others."""
    found: list[Contender] = []
    absent: list[Absent] = []
    for name, make in (("dlt", _dlt), ("Sling", _sling)):
        try:
            found.append(make(folder / name.lower()))
        except (OSError, subprocess.SubprocessError) as error:
            words = getattr(error, "stderr", None) or str(error)
            absent.append(Absent(name, " ".join(words.split())[-200:]))
    return found, absent


def _dlt(folder: Path) -> Contender:
    python = environment(folder, _DLT)
    return Contender(
        "dlt 1.31.0",
        [str(python), str(ROOT / "bench" / "dlt_loader.py")],
        "SELECT ticket_id, updated_at FROM feed.inc",
        {"RUNTIME__DLTHUB_TELEMETRY": "false"},
    )


def _sling(folder: Path) -> Contender:
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        raise OSError("its program comes from PyPI for Linux on x86-64 only")
    python = environment(folder, _SLING)
    program = next(python.parent.parent.glob("lib/python*/site-packages/sling_linux_amd64/bin/sling-linux-amd64"))
    replication = folder / "replication.json"
    replication.write_text(json.dumps(_REPLICATION))
    return Contender(
        "Sling 1.4.11",
        ["/bin/sh", "-c", _SLING_CONNECTIONS, str(program), str(replication)],
        "SELECT ticket_id, updated_at FROM feed.inc",
        {"SLING_DISABLE_TELEMETRY": "true"},
    )


def environment(folder: Path, packages: tuple[str, ...]) -> Path:
    """A new environment with these packages; its Python."""
    uv = _found(Path(sys.executable).parent / "uv", "uv")
    python = folder / "bin" / "python"
    _call([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
    _call([uv, "pip", "install", "--quiet", "--python", str(python), *packages])
    return python


def _found(beside: Path, name: str) -> str:
    program = str(beside) if beside.exists() else shutil.which(name)
    if program is None:
        raise OSError(f"{name} is not installed")
    return program


def _call(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_S)
