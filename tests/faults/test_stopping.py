"""Asked to stop, or its terminal gone: the file at hand is rolled back, the lock is free, the next run goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from faults.world import IMPORT, World, assert_undisturbed, holds, loading, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets import db

STOPS = {signal.SIGTERM: 143, signal.SIGINT: 130}


@pytest.fixture(autouse=True)
def as_in_a_terminal() -> Iterator[None]:
    """Children take every signal, also where these tests run under nohup or in the background."""
    before = {
        signal.SIGHUP: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", STOPS, ids=lambda number: number.name)
@pytest.mark.parametrize("point", ["read", "copying", "precommit"])
def test_stopped_in_the_middle_of_a_file_it_rolls_back_and_says_so(
    world: World, twin: db.Connection, number: signal.Signals, point: str
) -> None:
    """Exit 143 or 130 with the summary and one line; nothing applied; the lock is free at once."""
    world.fill()
    lock = "fleettickets:inc" if point == "read" else "fleettickets:write:inc"
    running = world.start(FLEETTICKETS_FAILPOINT=f"{point}:sleep:20")
    wait_until(lambda: holds(world, lock))
    running.signal(number)
    stopped = running.finish(15)
    assert not holds(world, "fleettickets:inc")
    assert stopped.exit_code == STOPS[number]
    assert "stopped by request" in stopped.err
    assert (world.states(), world.owners()) == ({}, {})
    if point != "read":
        assert "files applied" in stopped.out
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


def test_stopped_with_json_it_still_prints_one_document(world: World) -> None:
    """A program that called us learns the exit code from the document too."""
    world.fill(1)
    with loading(world, "copying:sleep:20", *IMPORT, "--json") as running:
        running.signal(signal.SIGTERM)
        stopped = running.finish(15)
    (run,) = json.loads(stopped.out)["runs"]
    assert (stopped.exit_code, run["exit_code"]) == (143, 143)
    assert world.query("SELECT state, exit_code FROM tickets.runs") == [("failed", 143)]


def test_the_terminal_is_closed_and_the_next_run_goes_on(world: World, twin: db.Connection) -> None:
    """SIGHUP ends the process; its transaction ends with it."""
    world.fill()
    with loading(world, "copying:sleep:20") as running:
        running.signal(signal.SIGHUP)
        assert running.finish(15).exit_code in {-signal.SIGHUP, 128 + signal.SIGHUP}
    assert world.owners() == {}
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


@pytest.mark.parametrize("closed", ["stdout", "stderr", "both"])
def test_nobody_reads_what_it_prints_and_the_data_is_right_all_the_same(
    world: World, twin: db.Connection, closed: str
) -> None:
    """The reader of the pipe went away: no harm to a file, and the next run leaves nothing over."""
    world.fill()
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as pipe:  # noqa: PTH123  # a descriptor, no path
        done = subprocess.run(
            IMPORT,
            env=world.environ,
            cwd=world.root,
            stdin=subprocess.DEVNULL,
            stdout=pipe if closed != "stderr" else subprocess.DEVNULL,
            stderr=pipe if closed != "stdout" else subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
    assert done.returncode in {0, 1, 120}
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin, counts=True)
