"""kill -9 at every named point: one more run leaves what an undisturbed run leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults.world import MIGRATE, World, assert_undisturbed

from fleettickets import failpoint

if TYPE_CHECKING:
    from fleettickets import db

KILLED = -9
POINTS = ("read", "copying", "precommit", "committed", "copied")


def test_every_named_point_is_tried() -> None:
    """A new point in the pipeline is a new crash test."""
    assert set(failpoint.POINTS) == {*POINTS, "migrating"}  # those of geocoding: test_geocode_crashes.py


@pytest.mark.parametrize("point", POINTS)
def test_after_kill_9_one_more_run_finishes_the_job(world: World, twin: db.Connection, point: str) -> None:
    """Nothing is lost, applied twice or left in changes/, wherever the first run died."""
    world.fill()
    assert world.run(FLEETTICKETS_FAILPOINT=f"{point}:kill").exit_code == KILLED
    if point in {"read", "copying", "precommit"}:
        assert (world.owners(), world.states()) == ({}, {})
    done = world.run()
    assert (done.exit_code, done.err.count("fleettickets:")) == (0, 0)
    assert_undisturbed(world, twin)


@pytest.mark.parametrize("point", ["precommit", "committed", "copied"])
def test_killed_again_and_again_it_still_gets_there(world: World, twin: db.Connection, point: str) -> None:
    """A run that dies at the same point each time makes progress or does nothing; it never does harm."""
    world.fill(2)
    for _ in range(3):
        assert world.run(FLEETTICKETS_FAILPOINT=f"{point}:kill").exit_code in {KILLED, 0}
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


def test_killed_with_several_files_in_one_transaction_none_of_them_is_half_applied(
    world: World, twin: db.Connection
) -> None:
    """--max-files-per-tx groups commit together or not at all."""
    world.fill(4)
    grouped = ("fleettickets", "ingest", "inc", "--apply", "--max-files-per-tx", "3")
    assert world.run(*grouped, FLEETTICKETS_FAILPOINT="precommit:kill").exit_code == KILLED
    assert (world.owners(), world.states()) == ({}, {})
    assert world.run(*grouped, FLEETTICKETS_FAILPOINT="committed:kill").exit_code == KILLED
    assert len(world.states()) == 3
    assert world.run(*grouped).exit_code == 0
    assert_undisturbed(world, twin)


def test_killed_while_migrating_nothing_is_changed_and_the_next_migration_works(
    world: World, empty_database_url: str
) -> None:
    """Migrations are one transaction: all or nothing."""
    world.environ["DATABASE_URL"] = world.database_url = empty_database_url
    assert world.run(*MIGRATE, FLEETTICKETS_FAILPOINT="migrating:kill").exit_code == KILLED
    assert world.query("SELECT nspname FROM pg_namespace WHERE nspname IN ('tickets', 'reporting')") == []
    assert world.run(*MIGRATE).exit_code == 0
    assert world.run(*MIGRATE).out == "the schema is up to date\n"
    world.fill(1)
    assert world.run().exit_code == 0
    assert len(world.owners()) == 3


def test_a_run_after_everything_is_done_changes_nothing(world: World, twin: db.Connection) -> None:
    """Idle runs leave tickets, ledger and bucket as they are."""
    world.fill()
    assert world.run().exit_code == 0
    before = world.query("SELECT t::text FROM tickets.inc t UNION ALL SELECT f::text FROM tickets.import_files f")
    objects = world.objects()
    assert world.run().exit_code == 0
    after = world.query("SELECT t::text FROM tickets.inc t UNION ALL SELECT f::text FROM tickets.import_files f")
    assert (sorted(after), world.objects()) == (sorted(before), objects)
    assert_undisturbed(world, twin)
