"""A canary in every secret setting: commands run, fail and succeed, and it is found in no place words end up in."""

from __future__ import annotations

import itertools
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from feed import key, sheet, ticket
from psycopg import conninfo

from fleettickets.datasets import INC

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleettickets.db import Connection
    from fleettickets.demo.stack import Stack
    from fleettickets.source.bucket import Bucket

    Shell = Callable[..., Any]

CANARY = "c4n4ry-S3cret"
MALFORMED = {
    "an '@' in the password": f"postgresql://u:x@{CANARY}@127.0.0.1:1/d",
    "a '/' in the password": f"postgresql://u:{CANARY}/x@127.0.0.1:1/d",
    "another scheme": f"mysql://u:{CANARY}@127.0.0.1:1/d",
    "a percent sign that encodes nothing": f"postgresql://u:{CANARY}%zz@127.0.0.1:1/d",
    "an unknown parameter": f"postgresql://u:{CANARY}@127.0.0.1:1/d?nonsense=1",
    "a space in the password": f"postgresql://u:{CANARY} x@127.0.0.1:1/d",
    "nobody listens": f"postgresql://u:{CANARY}@127.0.0.1:1/d",
}


@pytest.mark.parametrize("how", MALFORMED)
def test_a_malformed_address_shows_its_password_in_no_output(shell: Shell, how: str) -> None:
    """Neither in the line, nor in the document, nor in the traceback."""
    done = shell("fleettickets", "-v", "--json", "status", env={"DATABASE_URL": MALFORMED[how]})
    assert done.exit_code in {2, 7}
    assert "Traceback" in done.err
    assert CANARY not in done.out + done.err


@pytest.mark.parametrize("name", ["RUSTFS_ACCESS_KEY", "RUSTFS_SECRET_KEY"])
def test_a_refused_key_of_the_store_is_shown_in_no_output(shell: Shell, bucket: Bucket, name: str) -> None:  # noqa: ARG001  # it exists
    done = shell("fleettickets", "-v", "--json", "ingest", "inc", "--apply", env={name: CANARY})
    assert done.exit_code == 2
    assert "Traceback" in done.err
    assert CANARY not in done.out + done.err


def test_no_secret_is_in_the_ledger_or_in_the_list_of_processes(
    shell: Shell, servers: Stack, bucket: Bucket, connection: Connection, database_url: str
) -> None:
    """With a password of its own a role drains good and bad files, fails, and is watched while it works."""
    assert servers.s3
    connection.execute(f"CREATE ROLE canary LOGIN PASSWORD '{CANARY}' IN ROLE fleettickets_ingest")
    try:
        parts = conninfo.conninfo_to_dict(database_url)
        address = f"postgresql://canary:{quote(CANARY)}@{parts['host']}:{parts['port']}/{parts['dbname']}"
        for hour, body in enumerate([sheet([ticket("A1")]) + b"A2,cut\n", b"<html>", sheet([ticket("A3")])]):
            bucket.client.put_object(Bucket=bucket.name, Key=key(INC, f"2024-06-22 {hour:02}:00:00"), Body=body)
        env = {"DATABASE_URL": address}
        slow = env | {"FLEETTICKETS_FAILPOINT": "precommit:sleep:1"}
        with ThreadPoolExecutor(1) as beside:
            running = beside.submit(shell, "fleettickets", "-v", "ingest", "inc", "--apply", env=slow)
            seen = set()
            while not running.done():
                seen |= command_lines()
                time.sleep(0.1)
        outputs = [running.result()]
        connection.execute("REVOKE INSERT ON tickets.runs FROM fleettickets_ingest")
        outputs.append(shell("fleettickets", "-v", "ingest", "inc", "--apply", "--reseed", env=env))
        assert [done.exit_code for done in outputs] == [3, 1]
        assert any("ingest" in line for line in seen)
        secrets = {CANARY, servers.s3.secret_key, str(parts["password"])}
        words = "".join(itertools.chain(seen, *((done.out, done.err) for done in outputs), stored(connection)))
        assert [secret for secret in secrets if secret in words] == []
    finally:
        connection.execute("DROP ROLE canary")


def command_lines() -> set[str]:
    """What anybody on this machine sees of the processes: `ps -ef`."""
    found = set()
    for process in Path("/proc").iterdir() if Path("/proc").is_dir() else ():
        if process.name.isdigit() and process.name != str(os.getpid()):
            try:
                found.add((process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
            except OSError:
                continue  # it ended meanwhile
    return found


def stored(connection: Connection) -> list[str]:
    """Every row of every table that keeps words about runs and files."""
    query = (
        "SELECT runs::text FROM tickets.runs UNION ALL SELECT file::text FROM tickets.import_files AS file "
        "UNION ALL SELECT row::text FROM tickets.rejected_rows AS row "
        "UNION ALL SELECT meta::text FROM tickets.import_meta AS meta"
    )
    return [text for (text,) in connection.execute(query).fetchall()]
