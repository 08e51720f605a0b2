"""What goes wrong at the edges: one clear line, the right exit code, no secret, and nothing half done."""

from __future__ import annotations

import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from feed import key, sheet, ticket
from psycopg import conninfo, sql

from fleettickets.datasets import CRQ, DATASETS, FEED_COLUMNS, INC

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleettickets.datasets import Dataset
    from fleettickets.db import Connection
    from fleettickets.demo.stack import Stack
    from fleettickets.source.bucket import Bucket

    Shell = Callable[..., Any]

CANARY = "c4n4ry-S3cret"
FIRST, SECOND = "2024-06-22 06:00:00", "2024-06-22 07:00:00"
PROGRESS = re.compile(r"(inc|crq): .*")

DATABASE_COMMANDS = [
    ("python", "run_migrations.py"),
    ("python", "-m", "crq.import_crq", "--from-bucket", "--apply"),
    ("fleettickets", "status"),
]
BUCKET_COMMANDS = [
    ("python", "import_tickets.py", "--from-bucket", "--apply"),
    ("fleettickets", "ingest", "all", "--apply"),
]
AS_TYPED: dict[str, Any] = {"ids": lambda value: " ".join(value) if isinstance(value, tuple) else None}

WRONG_DATABASES: dict[str, tuple[dict[str, str | None], int, str]] = {
    "not set": ({}, 2, "DATABASE_URL is not set: set it (see .env.example)"),
    "no URL": ({"url": CANARY}, 2, "cannot be read as a PostgreSQL address"),
    "another scheme": ({"url": f"mysql://u:{CANARY}@127.0.0.1/d"}, 2, "cannot be read as a PostgreSQL address"),
    "wrong host": ({"host": "database.invalid"}, 7, "at database.invalid:"),
    "wrong port": ({"port": "1"}, 7, ":1 cannot be used: "),
    "wrong user": ({"user": "nobody"}, 2, "cannot be used: "),
    "wrong password": ({}, 2, "password authentication failed"),
    "wrong database": ({"dbname": "nothing_here", "password": None}, 2, "the database 'nothing_here' at "),
}
"""What is wrong: what to change in the right address, the exit code, the words that tell it."""

WRONG_STORES: dict[str, tuple[dict[str, str | None], int, str]] = {
    "no endpoint": ({"RUSTFS_ENDPOINT_URL": None}, 2, "RUSTFS_ENDPOINT_URL is not set: set it"),
    "endpoint that is no URL": ({"RUSTFS_ENDPOINT_URL": "nonsense"}, 2, "'nonsense' is no address like http://"),
    "nobody listens": ({"RUSTFS_ENDPOINT_URL": "http://127.0.0.1:1"}, 7, "check RUSTFS_ENDPOINT_URL"),
    "unknown host": ({"RUSTFS_ENDPOINT_URL": "http://store.invalid"}, 7, "check RUSTFS_ENDPOINT_URL"),
    "no access key": ({"RUSTFS_ACCESS_KEY": None}, 2, "RUSTFS_ACCESS_KEY is not set"),
    "no secret key": ({"RUSTFS_SECRET_KEY": ""}, 2, "RUSTFS_SECRET_KEY is not set"),
    "wrong access key": ({"RUSTFS_ACCESS_KEY": CANARY}, 2, "set RUSTFS_ACCESS_KEY"),
    "wrong secret key": ({"RUSTFS_SECRET_KEY": CANARY}, 2, "set RUSTFS_SECRET_KEY"),
    "missing bucket": ({"RUSTFS_BUCKET": "nothing-here"}, 2, "create it or set RUSTFS_BUCKET"),
}
"""What is wrong: the setting, the exit code, the words that say what to type."""


def put(bucket: Bucket, dataset: Dataset, when: str, body: bytes | None = None) -> None:
    """Upload one export: one ticket, unless other bytes are given."""
    body = sheet([ticket(f"{dataset.name.upper()}-{when[11:13]}")]) if body is None else body
    bucket.client.put_object(Bucket=bucket.name, Key=key(dataset, when), Body=body)


def keys(bucket: Bucket) -> set[str]:
    """Every key of the bucket."""
    pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name)
    return {item["Key"] for page in pages for item in page.get("Contents", [])}


def tickets(connection: Connection, dataset: Dataset) -> set[str]:
    """The ids in the dataset's table."""
    query = sql.SQL("SELECT ticket_id FROM {}").format(sql.Identifier(*dataset.table))
    return {ticket_id for (ticket_id,) in connection.execute(query)}


def runs(connection: Connection) -> list[tuple[Any, ...]]:
    """Dataset and exit code of every run."""
    return connection.execute("SELECT dataset, exit_code FROM tickets.runs ORDER BY run_id").fetchall()


def hold(connection: Connection, dataset: Dataset) -> None:
    """Take the stream's lock in the transaction under way, as a run does."""
    name = f"fleettickets:{dataset.name}"
    assert connection.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name]).fetchone() == (True,)


def is_one_clear_line(done: Any, exit_code: int, said: str) -> None:
    """One line of ours on stderr beside progress, nothing on stdout, no traceback, no secret."""
    assert CANARY not in done.out + done.err
    lines = [line for line in done.err.splitlines() if not PROGRESS.fullmatch(line)]
    assert len(lines) == 1, done.err
    assert lines[0].startswith("fleettickets: ")
    assert said in lines[0]
    assert (done.exit_code, done.out) == (exit_code, "")


@pytest.mark.parametrize(("wrong", "line"), [*zip(WRONG_DATABASES, cycle(DATABASE_COMMANDS), strict=False)], **AS_TYPED)
def test_a_wrong_database_is_one_clear_line(
    shell: Shell, database_url: str, tmp_path: Path, wrong: str, line: tuple[str, ...]
) -> None:
    """Exit 2 for an address that cannot be meant or is refused, 7 for one that does not answer; no password seen."""
    changes, exit_code, said = WRONG_DATABASES[wrong]
    right = conninfo.conninfo_to_dict(database_url)
    parts = {name: quote(str(value), safe="") for name, value in (right | {"password": CANARY} | changes).items()}
    if changes.get("password", CANARY) is None:
        parts["password"] = str(right["password"])
    url = changes.get("url") or "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**parts)
    script = line[1] if line[1].startswith("-") else str(Path(__file__).parents[2] / line[1])
    command = (line[0], script, *line[2:]) if line[0] == "python" else line
    done = shell(*command, env={"DATABASE_URL": None if wrong == "not set" else url}, cwd=tmp_path)
    is_one_clear_line(done, exit_code, said)
    assert "set DATABASE_URL=postgresql://" in done.err or wrong == "not set"
    assert parts["password"] not in done.err


@pytest.mark.parametrize(("wrong", "line"), [*zip(WRONG_STORES, cycle(BUCKET_COMMANDS), strict=False)], **AS_TYPED)
def test_a_wrong_store_is_one_clear_line(
    shell: Shell, bucket: Bucket, connection: Connection, wrong: str, line: tuple[str, ...]
) -> None:
    """The line names the setting to change; nothing was begun, no key is shown."""
    put(bucket, INC, FIRST)
    env, exit_code, said = WRONG_STORES[wrong]
    done = shell(*line, env={"RUSTFS_SECRET_KEY": CANARY} | env if exit_code == 7 else env)
    is_one_clear_line(done, exit_code, said)
    assert (tickets(connection, INC), runs(connection), keys(bucket)) == (set(), [], {key(INC, FIRST)})


def test_a_wrong_region_is_not_told_as_a_wrong_endpoint(shell: Shell) -> None:
    """The line names the setting that is wrong."""
    is_one_clear_line(shell(*BUCKET_COMMANDS[0], env={"RUSTFS_REGION": "east africa"}), 2, "RUSTFS_REGION")


def test_a_database_in_place_of_the_store_is_one_clear_line(shell: Shell, servers: Stack) -> None:
    """Two addresses mixed up: something answers, and it is no S3."""
    port = conninfo.conninfo_to_dict(servers.database_url or "")["port"]
    done = shell(*BUCKET_COMMANDS[1], env={"RUSTFS_ENDPOINT_URL": f"http://127.0.0.1:{port}"})
    is_one_clear_line(done, 7, "check RUSTFS_ENDPOINT_URL")


@pytest.mark.parametrize("line", [*DATABASE_COMMANDS[1:], BUCKET_COMMANDS[1]], **AS_TYPED)
def test_without_migrations_the_line_says_what_to_type(
    shell: Shell, bucket: Bucket, empty_database_url: str, line: tuple[str, ...]
) -> None:
    """An empty database is a usage error, and the files stay."""
    put(bucket, INC, FIRST)
    is_one_clear_line(shell(*line, env={"DATABASE_URL": empty_database_url}), 2, "run python run_migrations.py")
    assert keys(bucket) == {key(INC, FIRST)}


def test_a_line_break_or_escape_sequence_in_a_key_or_header_writes_no_line_of_our_log(
    shell: Shell, bucket: Bucket, connection: Connection
) -> None:
    """What the producer names is shown escaped, on the line of ours that tells of it."""
    evil = "\n\x1b[2J\x1b]0;owned\x07fleettickets: all is well\r"
    bucket.client.put_object(Bucket=bucket.name, Key=f"{INC.changes}a{evil}.csv", Body=b"")
    put(bucket, INC, FIRST, sheet([ticket("A1", **{f"b{evil}": "x"})], [*FEED_COLUMNS, f"b{evil}"]))
    put(bucket, INC, SECOND, b"")
    done = shell("fleettickets", "ingest", "inc", "--apply")
    printed = done.out + done.err
    assert done.exit_code == 3
    assert printed.count("all is well") == 2, printed
    assert not [text for text in printed.splitlines() if text.lstrip().startswith("fleettickets: all is well")]
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", printed)
    assert tickets(connection, INC) == {"A1"}


@pytest.mark.parametrize("as_json", [False, True], ids=["lines", "--json"])
def test_a_failure_with_json_is_one_document(shell: Shell, *, as_json: bool) -> None:
    """With --json stdout holds exactly the error and the exit code; stderr is the same either way."""
    env = {"DATABASE_URL": f"postgresql://u:{CANARY}@127.0.0.1:1/d"}
    done = shell("fleettickets", *(["--json"] if as_json else []), "ingest", "all", "--apply", env=env)
    message = done.err.removeprefix("fleettickets: ").rstrip("\n")
    assert done.exit_code == 7
    assert message.startswith("the database 'd' at 127.0.0.1:1 cannot be used")
    assert CANARY not in done.out + done.err
    assert (json.loads(done.out) if as_json else done.out) == ({"error": message, "exit_code": 7} if as_json else "")


@pytest.mark.parametrize(
    "line",
    [
        ("python", "-m", "inc.import_inc", "--inc-csv"),
        ("python", "-m", "crq.import_crq", "--crq-csv"),
        ("fleettickets", "ingest", "inc", "--csv"),
        ("fleettickets", "ingest", "inc", "--dir"),
    ],
    **AS_TYPED,
)
def test_a_missing_file_is_one_clear_line(shell: Shell, tmp_path: Path, line: tuple[str, ...]) -> None:
    """Nothing is begun without the file."""
    path = tmp_path / "missing.csv"
    kind = "folder" if line[-1] == "--dir" else "CSV export"
    is_one_clear_line(shell(*line, str(path), "--apply"), 2, f"{path} does not exist: give the path of a {kind}")


@pytest.mark.parametrize(
    ("option", "given"), [("--csv", "folder"), ("--dir", "folder/a.csv")], ids=["folder as file", "file as folder"]
)
def test_a_folder_is_no_file_and_a_file_no_folder(shell: Shell, tmp_path: Path, option: str, given: str) -> None:
    """Whoever asks for one file does not get a folder of them applied."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.csv").write_bytes(sheet([ticket("INC-1")]))
    done = shell("fleettickets", "ingest", "inc", option, str(tmp_path / given), "--apply")
    is_one_clear_line(done, 2, str(tmp_path / given))


def test_a_folder_named_like_a_file_is_one_clear_line(shell: Shell, connection: Connection, tmp_path: Path) -> None:
    """What cannot be read is named, and nothing else of the folder is loaded before it is known."""
    (tmp_path / "exports" / "b.csv").mkdir(parents=True)
    (tmp_path / "exports" / "a.csv").write_bytes(sheet([ticket("INC-1")]))
    done = shell("fleettickets", "ingest", "inc", "--dir", str(tmp_path / "exports"), "--apply")
    is_one_clear_line(done, 2, f"{tmp_path / 'exports' / 'b.csv'} cannot be read: Is a directory")
    assert tickets(connection, INC) == set()


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that fails when it is read")
def test_a_file_that_fails_when_read_is_one_clear_line(shell: Shell) -> None:
    """An input/output error is no traceback."""
    done = shell("python", "-m", "inc.import_inc", "--inc-csv", "/proc/self/mem", "--apply")
    is_one_clear_line(done, 2, "/proc/self/mem cannot be read: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_is_one_clear_line(shell: Shell, tmp_path: Path) -> None:
    """The line names the file and the reason."""
    path = tmp_path / "a.csv"
    path.write_bytes(sheet([ticket("INC-1")]))
    path.chmod(0)
    done = shell("python", "-m", "inc.import_inc", "--inc-csv", str(path), "--apply")
    is_one_clear_line(done, 2, f"{path} cannot be read: Permission denied")


@pytest.mark.parametrize(
    "line",
    [
        ("python", "-m", "inc.import_inc", "--from-bucket", "--apply"),
        ("python", "-m", "inc.import_inc", "--from-bucket"),
        ("fleettickets", "ingest", "inc", "--reseed", "--apply"),
    ],
    **AS_TYPED,
)
def test_a_second_runner_says_so_and_changes_nothing(
    shell: Shell, bucket: Bucket, connection: Connection, line: tuple[str, ...]
) -> None:
    """While the stream's lock is held, exit 6; when it is free, the work is done."""
    put(bucket, INC, FIRST)
    with connection.transaction():
        hold(connection, INC)
        is_one_clear_line(shell(*line), 6, "another run holds the inc stream")
        assert (tickets(connection, INC), runs(connection), keys(bucket)) == (set(), [], {key(INC, FIRST)})
    assert shell(*line).exit_code == 0
    assert tickets(connection, INC) == ({"INC-06"} if "--apply" in line else set())


@pytest.mark.parametrize(
    "line",
    [
        ("./run_ingest.sh",),
        pytest.param(
            ("fleettickets", "ingest", "all", "--apply"),
        ),
    ],
    **AS_TYPED,
)
def test_one_busy_stream_does_not_keep_the_other_waiting(
    shell: Shell, bucket: Bucket, connection: Connection, line: tuple[str, ...]
) -> None:
    """Exit 6 for the stream that is held, and the other one is drained."""
    for dataset in DATASETS.values():
        put(bucket, dataset, FIRST)
    with connection.transaction():
        hold(connection, INC)
        done = shell(*line)
    assert done.exit_code == 6
    assert "another run holds the inc stream" in done.err
    assert (tickets(connection, INC), tickets(connection, CRQ)) == (set(), {"CRQ-06"})


def test_what_was_done_before_a_failure_is_reported(shell: Shell, bucket: Bucket, connection: Connection) -> None:
    """`ingest all` drained INC and found CRQ held: the document tells both."""
    for dataset in DATASETS.values():
        put(bucket, dataset, FIRST)
    with connection.transaction():
        hold(connection, CRQ)
        done = shell("fleettickets", "--json", "ingest", "all", "--apply")
    assert done.exit_code == 6
    assert [run["exit_code"] for run in json.loads(done.out)["runs"]] == [0, 6]


@pytest.mark.parametrize(
    "line", [("python", "-m", "inc.import_inc", "--from-bucket", "--apply"), ("./run_ingest.sh",)], **AS_TYPED
)
def test_a_quarantined_file_is_exit_3_and_the_stream_goes_on(
    shell: Shell, bucket: Bucket, connection: Connection, line: tuple[str, ...]
) -> None:
    """The unusable file is moved to quarantine/, the next one is loaded, and a second run is content."""
    put(bucket, INC, FIRST, b"<html><body>502 Bad Gateway</body></html>")
    put(bucket, INC, SECOND)
    done = shell(*line)
    assert done.exit_code == 3
    assert f"{key(INC, FIRST)}: quarantined: " in done.out
    assert "Traceback" not in done.err
    assert tickets(connection, INC) == {"INC-07"}
    name, second = (key(INC, when).rpartition("/")[2] for when in (FIRST, SECOND))
    assert keys(bucket) == {INC.quarantine + name, INC.processed + second}
    assert shell(*line).exit_code == 0


STOPPED = """
set -m
signal=$1; shift
"$@" >out 2>err &
for _ in $(seq 600); do [ -e now ] && break; sleep 0.05; done
kill -s "$signal" $!
wait $!
"""


def stop(shell: Shell, folder: Path, signal: str, *line: str, when: Callable[[], bool]) -> int:
    """Run the command, send it the signal as soon as `when` holds; its exit code."""
    with ThreadPoolExecutor(1) as beside:
        done = beside.submit(shell, "bash", "-c", STOPPED, "bash", signal, *line, cwd=folder)
        while not when() and not done.done():
            time.sleep(0.05)
        (folder / "now").touch()
        return int(done.result().exit_code)


@pytest.mark.parametrize(("signal", "exit_code"), [("INT", 130), ("TERM", 143)])
def test_watching_ends_with_the_code_of_its_signal(shell: Shell, tmp_path: Path, signal: str, exit_code: int) -> None:
    """Ctrl-C is 130, SIGTERM 143; one line says so."""
    out = tmp_path / "out"
    line = ("fleettickets", "status", "--watch")
    code = stop(shell, tmp_path, signal, *line, when=lambda: out.exists() and "rows rejected" in out.read_text())
    assert (tmp_path / "err").read_text().strip() == "fleettickets: stopped by request"
    assert code == exit_code


@pytest.mark.parametrize(("signal", "exit_code"), [("INT", 130), ("TERM", 143)])
def test_a_stopped_run_rolls_back_and_the_next_one_finishes(
    shell: Shell, bucket: Bucket, connection: Connection, tmp_path: Path, signal: str, exit_code: int
) -> None:
    """A signal while a file waits for its table: nothing of that file stays, and nothing is lost."""
    put(bucket, INC, FIRST)
    put(bucket, INC, SECOND)
    line = ("fleettickets", "ingest", "inc", "--apply")
    waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'tickets.inc'::regclass AND NOT granted)"
    with connection.transaction():
        connection.execute("LOCK TABLE tickets.inc IN EXCLUSIVE MODE")
        code = stop(shell, tmp_path, signal, *line, when=lambda: connection.execute(waiting).fetchone() == (True,))
    assert code == exit_code
    assert "fleettickets: inc: stopped by request" in (tmp_path / "err").read_text()
    assert tickets(connection, INC) == set()
    assert connection.execute("SELECT state, exit_code FROM tickets.runs").fetchall() == [("failed", exit_code)]
    assert shell(*line).exit_code == 0
    assert tickets(connection, INC) == {"INC-06", "INC-07"}
