"""Several runs, other sessions and impatient roles: one works, nobody waits for ever, nothing is done twice."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg
import pytest
from faults.store import Rule, StoreProxy
from faults.world import World, abandon, assert_undisturbed, holds, wait_until
from psycopg import sql

from fleettickets import db

if TYPE_CHECKING:
    from faults.world import Running

PATIENCE_S = 60.0


@pytest.mark.parametrize("runners", [2, 8])
def test_of_several_runs_at_once_exactly_one_works(world: World, twin: db.Connection, runners: int) -> None:
    """The others say that a run is under way and exit 6; the result is that of one run."""
    world.fill()
    go_on = threading.Event()
    running: list[Running] = []
    with StoreProxy(world.store_port, Rule("GET", hold=go_on)) as proxy:
        try:
            running = [world.start(store=proxy.port) for _ in range(runners)]
            wait_until(lambda: sum(one.process.poll() is not None for one in running) == runners - 1, PATIENCE_S)
            go_on.set()
            ended = [one.finish() for one in running]
        finally:
            go_on.set()
            for one in running:
                abandon(one)
    assert sorted(outcome.exit_code for outcome in ended) == [0, *[6] * (runners - 1)]
    assert all("another run holds" in outcome.err for outcome in ended if outcome.exit_code == 6)
    assert_undisturbed(world, twin)


def test_a_run_that_lost_its_lock_cannot_overwrite_newer_rows(world: World, twin: db.Connection) -> None:
    """Its lock's session is ended and a second run passes it: the last writer still wins, nothing is doubled."""
    world.fill()
    first = world.start(FLEETTICKETS_FAILPOINT="read:sleep:4")
    try:
        wait_until(lambda: holds(world, "fleettickets:inc"))
        time.sleep(1.0)
        world.query(
            "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
            "WHERE locktype = 'advisory' AND granted AND datname = current_database()"
        )
        assert world.run().exit_code == 0
        assert first.finish().exit_code in {0, 5, 7}
    finally:
        abandon(first)
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


@pytest.mark.parametrize("table", ["inc", "import_files", "runs"])
def test_a_table_locked_by_another_session_is_not_waited_for(world: World, twin: db.Connection, table: str) -> None:
    """ACCESS EXCLUSIVE held elsewhere: exit 5 within seconds, no session of ours left in the queue."""
    world.fill()
    with db.connect(world.database_url) as other:
        other.execute("BEGIN")
        other.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier("tickets", table)))
        locked_out = world.run(timeout_s=30)
        queue = world.query("SELECT FROM pg_locks WHERE NOT granted")
        other.execute("ROLLBACK")
    assert locked_out.exit_code == 5
    assert locked_out.took_s < 15
    assert "locked by another session" in locked_out.err
    assert queue == []
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


def test_a_deadlock_with_somebody_elses_update_is_tried_again(world: World, twin: db.Connection) -> None:
    """Another session updates in the other order; ours is the victim, and succeeds in the same run."""
    world.put("2026-06-22 06:00:00", "A", "Z", note="hour 06")
    assert world.run().exit_code == 0
    world.put("2026-06-22 07:00:00", "A", "Z", note="hour 07")
    update = "UPDATE tickets.inc SET geo_source = geo_source WHERE ticket_id = %s"
    with db.connect(world.database_url) as other, ThreadPoolExecutor(1) as pool:
        other.execute("SET deadlock_timeout = '30s'")
        other.execute("BEGIN")
        other.execute(update, ["Z"])
        running = world.start()
        try:
            wait_until(lambda: _waits_for_a_row(world))
            crossing = pool.submit(other.execute, update, ["A"])
            wait_until(crossing.done, 20)
            crossing.result()
            other.execute("ROLLBACK")
            assert running.finish().exit_code == 0
        finally:
            abandon(running)
    happened = "SELECT FROM pg_stat_database WHERE datname = current_database() AND deadlocks = 1"
    wait_until(lambda: world.query(happened))
    assert_undisturbed(world, twin)


def _waits_for_a_row(world: World) -> bool:
    return bool(
        world.query(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
            "AND wait_event = 'transactionid'"
        )
    )


def test_an_impatient_role_does_not_cut_a_file_short(world: World, twin: db.Connection) -> None:
    """ALTER ROLE .. SET statement_timeout: the run sets its own, so a statement may wait a second."""
    world.fill(2)
    name = str(psycopg.conninfo.conninfo_to_dict(world.database_url)["dbname"])
    world.execute(f"ALTER DATABASE {name} SET statement_timeout = '300ms'")
    with db.connect(world.database_url) as other:
        other.execute("SET statement_timeout = 0")
        other.execute("BEGIN")
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('fleettickets:write:inc', 0))")
        running = world.start()
        try:
            wait_until(lambda: _waits_for_the_writer(world))
            time.sleep(1.0)
            other.execute("ROLLBACK")
            assert running.finish().exit_code == 0
        finally:
            abandon(running)
    assert_undisturbed(world, twin)


def _waits_for_the_writer(world: World) -> bool:
    return bool(
        world.query(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
            "AND wait_event = 'advisory'"
        )
    )


@pytest.mark.parametrize(
    "setting",
    [
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "transaction_timeout",
    ],
)
def test_a_database_impatient_with_long_sessions_does_not_end_a_run(
    world: World, twin: db.Connection, setting: str
) -> None:
    """The session that holds the lock idles on purpose while files load."""
    world.fill(2)
    name = str(psycopg.conninfo.conninfo_to_dict(world.database_url)["dbname"])
    if not world.query("SELECT FROM pg_settings WHERE name = %s", setting):
        pytest.skip(f"this PostgreSQL has no {setting}")
    world.execute(f"ALTER DATABASE {name} SET {setting} = '700ms'")
    with StoreProxy(world.store_port, Rule("GET", times=1, meanwhile=lambda: time.sleep(1.5))) as proxy:
        assert world.run(store=proxy.port).exit_code == 0
    assert_undisturbed(world, twin)
