"""The command line without any server: help, imports, usage errors, and how a failure ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from fleettickets.cli import command as fleettickets
from fleettickets.commands.ending import run
from fleettickets.errors import (
    BusyError,
    FleetticketsError,
    PendingError,
    QualityGateError,
    StaleError,
    UpstreamError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Python = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).parents[2]
COMMANDS = [
    "check",
    "completion",
    "config",
    "demo",
    "dispatch",
    "doctor",
    "down",
    "export",
    "geocode",
    "history",
    "ingest",
    "migrate",
    "quarantine",
    "runs",
    "serve",
    "sla",
    "status",
    "token",
    "up",
]
SERVERS_OWN = {"psycopg", "boto3", "botocore", "orjson"}
SLOW_TO_LOAD = {*SERVERS_OWN, "rich", "dotenv"}
NEW_COMMAND = ["-c", "from fleettickets.cli import main; main()"]
ENTRY_POINTS = [
    ["-m", "inc.import_inc"],
    ["-m", "crq.import_crq"],
    [str(ROOT / "import_tickets.py")],
    [str(ROOT / "run_migrations.py")],
    NEW_COMMAND,
]


def entry_name(entry: list[str]) -> str:
    """How a test of this entry point is called."""
    return "fleettickets" if entry is NEW_COMMAND else Path(entry[-1]).name


@pytest.fixture
def python(tmp_path: Path) -> Python:
    """Runs Python in an empty folder, without any setting."""

    def start(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "PYTHONWARNINGS": "error",
                "FLEETTICKETS_EMBEDDED": "never",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return start


@pytest.fixture
def fleet(python: Python) -> Python:
    """Runs `fleettickets` as a process of its own."""
    return partial(python, *NEW_COMMAND)


@pytest.fixture(autouse=True)
def _usual_signals() -> Iterator[None]:
    """`run` takes SIGTERM for the process; a test gives it back."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


def test_help_lists_every_command(fleet: Python) -> None:
    """The first page names all there is, the global options and the exit codes."""
    done = fleet("--help")
    assert (done.returncode, done.stderr) == (0, "")
    listed = done.stdout.partition("Commands:\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "] == COMMANDS
    assert all(
        option in done.stdout for option in ("--json", "--log-format", "-q", "-v", "--now", "--env-file", "--version")
    )
    assert "Exit codes: 0 done" in done.stdout


def test_every_module_of_a_command_is_listed() -> None:
    """No command is forgotten in the list, and none is listed that cannot be loaded."""
    assert isinstance(fleettickets, click.Group)
    context = click.Context(fleettickets)
    assert fleettickets.list_commands(context) == COMMANDS
    for name in COMMANDS:
        found = fleettickets.get_command(context, name)
        assert found is not None
        assert found.get_short_help_str(200) or found.help, name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_help(fleet: Python, name: str) -> None:
    """`COMMAND --help` explains itself and needs no server."""
    done = fleet(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: fleettickets {name} ")


@pytest.mark.parametrize("entry", ENTRY_POINTS, ids=entry_name)
def test_help_loads_no_library_it_does_not_need(python: Python, entry: list[str]) -> None:
    """Nobody waits for the database driver, the S3 client or the table printer to read a help page."""
    done = python("-X", "importtime", *entry, "--help")
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert done.returncode == 0
    assert "Usage: " in done.stdout
    assert "fleettickets" in loaded
    assert loaded & (SLOW_TO_LOAD if entry is NEW_COMMAND else SERVERS_OWN) == set()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "No such command 'nope'."),
        (["--nope"], "No such option '--nope'"),
        (["ingest", "inc", "--nope"], "No such option '--nope'"),
        (["ingest", "nope"], "'nope' is not one of 'inc', 'crq', 'all'"),
        (["ingest", "inc", "--max-files-per-tx", "0"], "0 is not in the range x>=1"),
        (["ingest", "inc", "--csv", "a.csv", "--dir", "b"], "give one of --from-bucket, --csv FILE and --dir FOLDER"),
        (["ingest", "inc", "--max-bad", "many"], "give a number of rows (10) or a share (0.5%)"),
        (["ingest", "inc", "--until", "xyz"], "--until 'xyz' is no name of an export"),
        (["ingest", "inc", "--until", "2026-06-22\nall is well"], "--until '2026-06-22\\nall is well' is no name"),
        (["--now", "yesterday", "status"], "'yesterday' is no time"),
        (["--env-file", "missing.env", "status"], "missing.env is not a file"),
        (["status"], "DATABASE_URL is not set"),
        (["migrate"], "DATABASE_URL is not set"),
        (["ingest", "inc"], "DATABASE_URL is not set"),
        pytest.param(
            ["ingest"],
            "Missing argument '{inc|crq|all}'",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_usage_error_is_one_line_and_exit_2(fleet: Python, arguments: list[str], said: str) -> None:
    """What is wrong and what to type, on stderr, in one line, without a traceback."""
    done = fleet(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("fleettickets: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("group", [[], ["config"]], ids=["fleettickets", "config"])
def test_without_a_command_the_help_page_is_shown(fleet: Python, group: list[str]) -> None:
    """Exit 2, for nothing was done; on stderr, for it is no result."""
    done = fleet(*group)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == fleet(*group, "--help").stdout


@pytest.mark.parametrize("entry", ENTRY_POINTS, ids=entry_name)
def test_an_unknown_option_of_any_entry_point_is_exit_2(python: Python, entry: list[str]) -> None:
    """The older commands refuse a typo as the new one does."""
    done = python(*entry, "--aply")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("fleettickets: No such option '--aply'")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("module", "other"), [("inc.import_inc", "--crq-csv"), ("crq.import_crq", "--inc-csv")], ids=["inc", "crq"]
)
def test_an_importer_refuses_the_other_ones_file(python: Python, module: str, other: str) -> None:
    """A CRQ file does not become faults by a slip of the hand."""
    done = python("-m", module, other, "a.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("more", [[], ["--from-bucket", "--inc-csv", "a.csv"]], ids=["neither", "both"])
def test_an_importer_wants_one_source(python: Python, more: list[str]) -> None:
    """Bucket or file, and never a guess."""
    done = python("-m", "inc.import_inc", *more)
    assert (done.returncode, done.stdout) == (2, "")
    other = "--geocode-clusters, --geocode-locations, --capture-history"
    assert done.stderr == f"fleettickets: give one of --from-bucket and --inc-csv FILE, or {other}\n"


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["--json", "status"], 2),
        (["--json", "nope"], 2),
        (["--json", "status", "--watch"], 2),
        (["--json", "ingest", "all", "--apply"], 2),
        (["--json", "ingest", "all", "--max-files-per-tx", "0"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_failure_with_json_is_one_document(fleet: Python, arguments: list[str], exit_code: int) -> None:
    """A program reading stdout gets the error and the code; the person reads stderr."""
    done = fleet(*arguments)
    document = json.loads(done.stdout)
    assert document == {"error": done.stderr.removeprefix("fleettickets: ").rstrip("\n"), "exit_code": exit_code}
    assert done.returncode == exit_code


def test_config_show_needs_no_server(fleet: Python) -> None:
    """Looking at the settings starts nothing."""
    done = fleet("--json", "config", "show")
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert document["database_url"] == {"value": "(not set)", "origin": "default"}
    assert document["embedded"] == {"value": "never", "origin": "environment"}


@pytest.mark.parametrize("flag", ["-v", "--verbose"])
def test_verbose_shows_the_traceback(fleet: Python, flag: str) -> None:
    """For whoever looks for the cause."""
    done = fleet(flag, "status")
    assert done.returncode != 0
    assert "Traceback (most recent call last)" in done.stderr
    assert "UsageError: DATABASE_URL is not set" in done.stderr


def test_verbose_changes_neither_exit_code_nor_document(fleet: Python) -> None:
    """Cron and programs see the same with and without -v."""
    done = fleet("-v", "--json", "status")
    assert done.returncode == 2
    assert json.loads(done.stdout)["exit_code"] == 2


def failing(error: BaseException) -> click.Command:
    """A command that ends in this error."""

    @click.command(context_settings={"ignore_unknown_options": True})
    @click.argument("rest", nargs=-1)
    def fails(rest: tuple[str, ...]) -> None:  # noqa: ARG001  # takes whatever is given
        raise error

    return fails


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (FleetticketsError("it is so"), 1),
        (UsageError("it is so"), 2),
        (QualityGateError("it is so"), 3),
        (StaleError("it is so"), 4),
        (PendingError("it is so"), 5),
        (BusyError("it is so"), 6),
        (UpstreamError("it is so"), 7),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_error_has_its_exit_code(error: Exception, exit_code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The code of errors.py reaches the shell, the message stderr."""
    assert run(failing(error), []) == exit_code
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "fleettickets: it is so\n")


def test_an_unexpected_error_names_its_kind_and_not_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    """A library's message may hold anything, a password too."""
    assert run(failing(ValueError("password=c4n4ry-S3cret")), ["--json"]) == 1
    printed = capsys.readouterr()
    assert printed.err == "fleettickets: unexpected ValueError; run again with -v for its traceback\n"
    assert json.loads(printed.out)["exit_code"] == 1
    assert "c4n4ry" not in printed.out


@pytest.mark.parametrize(
    ("stop", "exit_code"),
    [
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        pytest.param(
            KeyboardInterrupt(143),
            143,
        ),
    ],
    ids=["SIGINT", "abort", "SIGTERM"],
)
def test_a_stop_has_its_exit_code(stop: BaseException, exit_code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """130 for Ctrl-C, 143 for SIGTERM, and a word on stderr."""
    assert run(failing(stop), []) == exit_code
    assert capsys.readouterr().err.strip() == "fleettickets: stopped by request"
