"""fleettickets check for cron and monitoring: its exit codes, and the one line monitoring reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
import psycopg
import pytest
from feed import closed, sheet
from psycopg import sql

from fleettickets.commands.ending import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fleettickets.db import Connection

    Shell = Callable[..., Any]

AWAY = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
def fed(shell: Shell, tmp_path: Path) -> Shell:
    """A shell whose database holds one export of Mon 22 Jun 2026, 12:00, read a minute later."""
    folder = tmp_path / "automations" / "inc" / "changes"
    folder.mkdir(parents=True)
    (folder / "2026-06-22T12-00-00.csv").write_bytes(sheet([closed("A", "2026-06-20 12:00:00")]))
    line = ("fleettickets", "-q", "--now", "2026-06-22T12:01", "ingest", "inc", "--dir", str(tmp_path), "--apply")
    assert shell(*line).exit_code == 0
    return shell


@pytest.mark.parametrize(
    ("now", "exit_code", "as_nagios", "word"),
    [
        ("2026-06-22T12:10", 0, 0, "OK - all is well"),
        ("2026-06-22T15:00", 0, 1, "WARNING - inc feed: newest file 3 active h ago"),
        ("2026-06-22T18:00", 4, 2, "CRITICAL - inc feed: newest file 6 active h ago"),
        ("2026-06-23T12:00", 4, 2, "CRITICAL - inc feed: newest file 14 active h ago"),
    ],
)
def test_freshness_is_an_exit_code_for_cron_and_a_line_for_monitoring(
    fed: Shell, now: str, exit_code: int, as_nagios: int, word: str
) -> None:
    assert fed("fleettickets", "--now", now, "check", "freshness").exit_code == exit_code
    done = fed("fleettickets", "--now", now, "check", "freshness", "--nagios")
    assert (done.exit_code, done.err, len(done.out.splitlines())) == (as_nagios, "", 1)
    assert done.out.startswith(f"FLEETTICKETS {word}")
    document = json.loads(fed("fleettickets", "--now", now, "check", "freshness", "--nagios", "--json").out)
    assert document["exit_code"] == as_nagios


@pytest.mark.parametrize(
    ("line", "env", "exit_code", "word"),
    [
        (("check", "--nagios"), {"DATABASE_URL": AWAY}, 2, "CRITICAL - the database 'none'"),
        (("check", "--nagios"), {"DATABASE_URL": None}, 3, "UNKNOWN - DATABASE_URL is not set"),
        (("check", "nonsense", "--nagios"), {}, 3, "UNKNOWN - Invalid value for"),
    ],
)
def test_what_monitoring_cannot_be_told_is_a_line_and_a_code_it_knows(
    shell: Shell, line: tuple[str, ...], env: dict[str, str | None], exit_code: int, word: str
) -> None:
    """Exit 7 and an empty stdout would be shown as a broken plugin."""
    done = shell("fleettickets", *line, env=env)
    assert (done.exit_code, len(done.out.splitlines())) == (exit_code, 1)
    assert done.out.startswith(f"FLEETTICKETS {word}")
    told = json.loads(shell("fleettickets", *line, "--json", env=env).out)
    assert told["exit_code"] == exit_code


def test_a_database_without_the_schema_fails_the_schema_gate_alone(shell: Shell, empty_database_url: str) -> None:
    """The other gates ask tables that are not there yet."""
    done = shell("fleettickets", "check", env={"DATABASE_URL": empty_database_url})
    assert (done.exit_code, len(done.out.splitlines())) == (5, 1)
    assert done.out.startswith("error    schema")


def test_a_user_without_rights_is_sent_to_the_doctor(shell: Shell, connection: Connection, database_url: str) -> None:
    connection.execute("DROP ROLE IF EXISTS check_guest")
    connection.execute(sql.SQL("CREATE ROLE check_guest LOGIN PASSWORD {}").format("let-me-in"))
    address = psycopg.conninfo.make_conninfo(database_url, user="check_guest", password="let-me-in")  # noqa: S106  # a test's own role
    done = shell("fleettickets", "status", env={"DATABASE_URL": address})
    connection.execute("DROP ROLE check_guest")
    assert (done.exit_code, done.out) == (2, "")
    assert "fleettickets doctor says which right it lacks" in done.err


@pytest.mark.parametrize(
    ("error", "exit_code", "said"),
    [
        (
            psycopg.OperationalError("server closed the connection unexpectedly"),
            7,
            "the connection to the database broke",
        ),
        (psycopg.errors.AdminShutdown("terminating connection"), 7, "the connection to the database broke"),
        (psycopg.errors.UndefinedTable("no tickets.inc"), 2, "run fleettickets migrate"),
        (psycopg.errors.InsufficientPrivilege("for table inc"), 2, "fleettickets doctor"),
        (psycopg.errors.DivisionByZero("division by zero"), 1, "unexpected DivisionByZero"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_a_database_says_in_the_middle_of_a_command_has_its_exit_code(
    error: Exception, exit_code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def breaks() -> None:
        raise error

    assert run(breaks, []) == exit_code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("flags", "lines"), [((), 0), (("-v",), 1), (("-q",), 0)])
def test_a_log_gets_progress_only_when_it_is_asked_for(
    shell: Shell, tmp_path: Path, flags: tuple[str, ...], lines: int
) -> None:
    """Cron mails whatever stands on stderr: a run that went well says nothing there."""
    folder = tmp_path / "automations" / "inc" / "changes"
    folder.mkdir(parents=True)
    (folder / "2024-06-22T12-00-00.csv").write_bytes(sheet([closed("A", "2024-06-20 12:00:00")]))
    done = shell("fleettickets", *flags, "ingest", "inc", "--dir", str(tmp_path))
    assert (done.exit_code, len(done.err.splitlines())) == (0, lines)
