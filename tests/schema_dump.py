"""The schema as text, for people to review and for tests to compare: python tests/schema_dump.py writes it."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from fleettickets import db
from fleettickets.demo import stack
from fleettickets.demo.installation import find_installation
from fleettickets.migrate import migrate

DUMP = Path(__file__).parent / "schema.sql"
MAJOR = 15
"""The PostgreSQL version whose pg_dump wrote the committed dump."""


def dump(database_url: str) -> str:
    """What pg_dump says of our two schemas, less what differs between versions and runs."""
    text = subprocess.run(
        [
            find_installation().program("pg_dump"),
            "--schema-only",
            "--no-owner",
            "--no-privileges",
            "--schema=tickets",
            "--schema=reporting",
            database_url,
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [line for line in text.splitlines() if not re.match(r"--|SET |SELECT pg_catalog|\\|$", line)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write tests/schema.sql from a fresh installation."""
    with tempfile.TemporaryDirectory() as home:
        running = stack.up(Path(home), s3=False)
        try:
            with db.connect(running.database_url or "") as connection:
                migrate(connection)
            DUMP.write_text(dump(running.database_url or ""), encoding="utf-8")
        finally:
            stack.remove(Path(home))
    sys.stdout.write(f"wrote {DUMP}\n")


if __name__ == "__main__":
    main()
