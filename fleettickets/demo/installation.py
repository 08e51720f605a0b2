"""Finds the newest installed PostgreSQL that has PostGIS; run as a program it tells whether there is one."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fleettickets.errors import UsageError

OLDEST = 15
PLACES = (
    "usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "usr/pgsql-*/bin",  # packages of postgresql.org for Fedora and its kin
    "opt/homebrew/opt/postgresql*/bin",
    "usr/local/opt/postgresql*/bin",
    "home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)
HOW_TO_INSTALL = """\
  Debian, Ubuntu  sudo apt-get install {debian}
  Fedora          sudo dnf install postgresql-server postgresql-contrib postgis
  macOS           brew install postgresql@17 postgis
or use a server of your own, for instance with Docker:
  docker run -d -p 127.0.0.1:5432:5432 -e POSTGRES_PASSWORD=change-me postgis/postgis:17-3.5
  export DATABASE_URL=postgresql://postgres:change-me@127.0.0.1:5432/postgres"""


@dataclass(frozen=True, slots=True, order=True)
class Installation:
    """One installed version and the directory of its programs."""

    major: int
    programs: Path

    def program(self, name: str) -> str:
        """Return the path of one of its programs."""
        return str(self.programs / name)


def find_installation(major: int | None = None) -> Installation:
    """Return the newest installation that has PostGIS; of this major version, if one is given."""
    suitable = [
        found
        for found in _installations()
        if found.major >= OLDEST and major in (None, found.major) and _has_postgis(found)
    ]
    if suitable:
        return max(suitable)
    version = major or OLDEST
    wanted = f"{major} (which wrote the data of this folder)" if major else f"{OLDEST} or newer"
    missing = UsageError(f"PostgreSQL {wanted} with PostGIS is not installed; install it and run this again:")
    missing.add_note(HOW_TO_INSTALL.format(debian=f"postgresql-{version} postgresql-{version}-postgis-3"))
    raise missing


def _installations() -> Iterator[Installation]:
    for programs in dict.fromkeys(_directories()):
        if (programs / "initdb").is_file():
            printed = _output([str(programs / "postgres"), "--version"])
            if version := re.search(r"\) (\d+)", printed):
                yield Installation(int(version[1]), programs)


def _directories() -> Iterator[Path]:
    for place in PLACES:
        yield from sorted(Path("/").glob(place))
    for entry in os.get_exec_path():
        # Debian's and Homebrew's entries on PATH are links; the real programs lie beside the others.
        yield Path(entry)
        yield (Path(entry) / "initdb").resolve().parent
    if bindir := _output(["pg_config", "--bindir"]):
        yield Path(bindir)


def _has_postgis(found: Installation) -> bool:
    prefix = found.programs.parent
    shared = [
        Path(_output([found.program("pg_config"), "--sharedir"]) or "/nowhere"),
        *(prefix / "share" / name for name in ("", "postgresql", f"postgresql@{found.major}", "pgsql")),
    ]
    return any((place / "extension" / "postgis.control").is_file() for place in shared)


def _output(command: list[str]) -> str:
    """Return what the program prints; nothing when it is missing or fails."""
    try:
        # From the root: PostgreSQL's programs fail where the working folder is gone.
        return subprocess.run(command, cwd="/", capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


if __name__ == "__main__":
    try:
        find_installation()
    except UsageError as missing:
        sys.exit("\n".join([str(missing), *missing.__notes__]))
