"""The database goes away, goes deaf or runs full in the middle of a file: the next run finishes the job."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from faults.conftest import world_of
from faults.proxy import Fault, TcpProxy
from faults.world import World, assert_undisturbed, loading, restart_at_once
from feed import sheet, ticket
from psycopg import sql

from fleettickets import db
from fleettickets.demo import stack
from fleettickets.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets.demo.stack import Stack
    from fleettickets.source.bucket import Bucket

DEADLINE_S = 2
GIVEN_UP_S = 10.0
MERGE, COPY, COMMIT = b"-- Merge the staged rows", b"COPY pg_temp.incoming", b"COMMIT\0"
BEGINS, ENDS = b"INSERT INTO tickets.runs (dataset, command) VALUES", b"UPDATE tickets.runs SET finished_at"
STATEMENTS = {
    "first look": b"-- One look at the stream",
    "run begins": BEGINS,
    "settings": b"SELECT set_config(name",
    "staging table": b"CREATE TEMPORARY TABLE",
    "copy": COPY,
    "merge": MERGE,
    "ledger": b"-- Write the outcome of one file",
    "commit": COMMIT,
}
AFTERWARDS = {
    "watermark": b"SELECT metadata ->> 'source_max_key'",
    "archived": b"SET archived_at = now(), archive_key",
    "run ends": ENDS,
}


@pytest.fixture(scope="module")
def restartable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A PostgreSQL of this file's own, to be restarted under a run."""
    home = tmp_path_factory.mktemp("restartable")
    running = stack.up(home, s3=False)
    assert running.database_url
    with db.connect(running.database_url) as connection:
        migrate(connection)
    yield running
    stack.remove(home)


@pytest.mark.parametrize("point", ["copying", "precommit"])
def test_an_immediate_restart_in_the_middle_of_a_file_costs_one_run(
    tmp_path: Path, restartable: Stack, servers: Stack, bucket: Bucket, twin: db.Connection, point: str
) -> None:
    """The run says that the database is away; the next one applies everything once."""
    assert restartable.database_url
    world = world_of(tmp_path, servers, bucket, restartable.database_url)
    with db.connect(world.database_url) as connection:
        connection.execute(
            "TRUNCATE tickets.inc, tickets.import_files, tickets.import_meta, tickets.runs, tickets.row_versions, "
            "tickets.closure_events, tickets.reopen_events, tickets.exit_events, tickets.inc_daily_snapshot"
        )
    world.fill()
    with loading(world, f"{point}:sleep:2") as running:
        restart_at_once(restartable.home)
        broken = running.finish()
    assert (broken.exit_code, world.states()) == (7, {})
    assert "run again" in broken.err
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


def test_a_session_ended_by_an_administrator_costs_one_run(world: World, twin: db.Connection) -> None:
    """pg_terminate_backend in the middle of a file: the database is away, run again."""
    world.fill(2)
    with loading(world, "copying:sleep:2") as running:
        world.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )
        ended = running.finish()
    assert (ended.exit_code, world.states()) == (7, {})
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


def test_a_database_that_takes_no_writes_just_now_costs_one_run(world: World, twin: db.Connection) -> None:
    """A standby answers after a switch-over: exit 7, not an unexpected error."""
    world.fill(2)
    name = str(psycopg.conninfo.conninfo_to_dict(world.database_url)["dbname"])
    world.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    refused = world.run()
    with db.connect(world.database_url) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(sql.Identifier(name)))
    assert (refused.exit_code, refused.out, world.states()) == (7, "", {})
    assert "read-only" in refused.err
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("cut", COPY, 4_000),
        Fault("cut", COPY, 1),
        Fault("cut", MERGE),
        Fault("cut", MERGE, 1_000),
        Fault("cut", COMMIT),
        Fault("cut", ENDS),
        Fault("cut", BEGINS),
    ],
    ids=lambda fault: f"{fault.trigger[:24].decode()}+{fault.amount}",
)
def test_a_connection_cut_in_the_middle_costs_one_run(world: World, twin: db.Connection, fault: Fault) -> None:
    """A reset inside COPY, the merge or a commit leaves nothing half-done."""
    world.fill(2)
    world.put("2026-06-22 05:00:00", *(f"MANY{n}" for n in range(40)))
    with TcpProxy(world.database_port, fault) as proxy:
        broken = world.run(database=proxy.port)
        assert proxy.struck.is_set()
    assert broken.exit_code in ((0, 5, 7) if fault.trigger == ENDS else (7,)), broken
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_database_that_goes_deaf_ends_the_run_by_our_own_clock(
    world: World, twin: db.Connection, statement: str
) -> None:
    """Nothing passes and yet all is acknowledged: no socket timeout fires, the deadline does."""
    world.fill(2)
    with TcpProxy(world.database_port, Fault("black_hole", STATEMENTS[statement])) as proxy:
        ended = world.run(database=proxy.port, timeout_s=GIVEN_UP_S, deadline_s=DEADLINE_S)
        assert proxy.struck.is_set()
    assert ended.exit_code == 7
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


@pytest.mark.parametrize("statement", AFTERWARDS)
def test_a_database_that_goes_deaf_after_the_files_ends_the_run_too(
    world: World, twin: db.Connection, statement: str
) -> None:
    """What was applied stays applied; the rest is told to the next run."""
    world.fill(2)
    with TcpProxy(world.database_port, Fault("black_hole", AFTERWARDS[statement])) as proxy:
        ended = world.run(database=proxy.port, timeout_s=GIVEN_UP_S, deadline_s=DEADLINE_S)
        assert proxy.struck.is_set()
    assert ended.exit_code in {0, 5, 7}
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


def test_a_deaf_database_after_the_first_file_leaves_that_file_applied(world: World, twin: db.Connection) -> None:
    """Part of the work is done and kept: exit 5."""
    world.fill(3)
    with TcpProxy(world.database_port, Fault("black_hole", b"T07-00-00")) as proxy:
        ended = world.run(database=proxy.port, timeout_s=GIVEN_UP_S, deadline_s=DEADLINE_S)
    assert ended.exit_code in {5, 7}
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


def test_a_database_that_takes_the_connection_and_never_answers_is_given_up(world: World) -> None:
    """The connect timeout ends it with the address and no password."""
    world.fill(1)
    with TcpProxy(world.database_port, Fault("drop")) as proxy:
        ended = world.run(database=proxy.port, timeout_s=40)
    assert (ended.exit_code, world.states()) == (7, {})
    assert str(proxy.port) in ended.err


@pytest.mark.parametrize("patience_s", [0.2, 60])
def test_a_commit_whose_reply_is_lost_is_resolved_by_the_ledger(
    world: World, twin: db.Connection, patience_s: float
) -> None:
    """The file is applied though nobody could tell us: the next run sees it in the ledger and only archives it."""
    world.fill(2)
    with TcpProxy(world.database_port, Fault("lose_reply", COMMIT, patience_s)) as proxy:
        unsure = world.run(database=proxy.port, timeout_s=GIVEN_UP_S, deadline_s=DEADLINE_S)
    assert unsure.exit_code == 7
    assert world.states() == {"2026-06-22T06-00-00.csv": "applied"}
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


@pytest.mark.parametrize(
    "fault", [Fault("delay", COPY, 0.1), Fault("drip", COMMIT, 3_000)], ids=lambda fault: fault.kind
)
def test_a_slow_database_is_only_slow(world: World, twin: db.Connection, fault: Fault) -> None:
    """Delay and drip within the deadline cost time and nothing else."""
    world.fill(2)
    with TcpProxy(world.database_port, fault) as proxy:
        assert world.run(database=proxy.port).exit_code == 0
    assert_undisturbed(world, twin)


def test_a_corrupted_message_to_the_database_applies_nothing(world: World, twin: db.Connection) -> None:
    """A statement that arrives damaged is refused and its transaction with it."""
    world.fill(1)
    with TcpProxy(world.database_port, Fault("corrupt", b"ON CONFLICT (ticket_id) DO ", 2)) as proxy:
        broken = world.run(database=proxy.port)
        assert proxy.struck.is_set()
    assert broken.exit_code in {1, 7}
    assert world.owners() == {}
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


@pytest.fixture
def small_disk(servers: Stack) -> Iterator[str]:
    """A tablespace on a disk of 4 MB; skipped aloud where nobody may mount one."""
    assert servers.database_url
    place = Path(tempfile.mkdtemp(prefix="small-disk-", dir="/var/tmp"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        place.rmdir()
        pytest.skip("a disk cannot be mounted here: run the tests as root to see a full one")
    owner = (servers.home / "postgres").resolve().stat()
    os.chown(place, owner.st_uid, owner.st_gid)
    with db.connect(servers.database_url) as admin:
        admin.execute(f"CREATE TABLESPACE small_disk LOCATION '{place}'")
    yield "small_disk"
    with db.connect(servers.database_url) as admin:
        admin.execute("DROP TABLESPACE small_disk")
    subprocess.run(["umount", str(place)], check=True)
    place.rmdir()


def test_a_full_disk_stops_the_run_and_loses_nothing(
    small_disk: str, servers: Stack, bucket: Bucket, database_url: str, twin: db.Connection, tmp_path: Path
) -> None:
    """No space: the file at hand is rolled back, exit 5 or 7; with space again the next run goes on."""
    world = world_of(tmp_path, servers, bucket, database_url)
    world.execute(f"ALTER TABLE tickets.inc SET TABLESPACE {small_disk}")
    world.fill(1)
    noise = os.urandom(20_000).hex()
    body = sheet([ticket(f"BIG{n}", owner=f"{n}{noise[n * 40 :]}{noise[: n * 40]}") for n in range(200)])
    world.put("2026-06-22 07:00:00", body=body)
    full = world.run()
    assert (full.exit_code, len(world.owners())) == (5, 3)
    assert "disk is full" in full.err
    world.execute("ALTER TABLE tickets.inc SET TABLESPACE pg_default")
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


def test_no_password_in_what_a_refused_connection_prints(world: World) -> None:
    """A port nobody listens on: one sentence, no secret, at once."""
    with TcpProxy(world.database_port) as proxy:
        free = proxy.port
    began = time.monotonic()
    refused = world.run(database=free)
    assert (refused.exit_code, refused.out) == (7, "")
    assert time.monotonic() - began < GIVEN_UP_S
