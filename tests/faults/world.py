"""A bucket, a database, the real command line, and an undisturbed twin to compare with."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import psycopg
from feed import Shelf, closed, key, sheet, ticket

from fleettickets import db
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import INC
from fleettickets.demo.installation import find_installation
from fleettickets.pipeline import Order, ingest

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator, Mapping

    from fleettickets.source.bucket import Bucket

ROOT: Final = Path(__file__).parents[2]
IMPORT: Final = ("python", "-m", "inc.import_inc", "--from-bucket", "--apply")
MIGRATE: Final = ("python", "run_migrations.py")
LIMIT_S: Final = 90.0
_HOURS: Final = ("06", "07", "08", "09", "10")
_TICKETS: Final = (
    "SELECT ticket_id, raw, geo_source, source_exported_at, source_modified, source_etag, source_line "
    "FROM tickets.inc ORDER BY ticket_id"
)
_LEDGER: Final = (
    "SELECT key, etag, last_modified, size_bytes, state, export_type, rows_read, rows_new, rows_changed, "
    "rows_unchanged, rows_stale, rows_duplicate, rows_alarm, rows_sentinel, rows_rejected "
    "FROM tickets.import_files ORDER BY key, last_modified, etag"
)
_SIGHTINGS: Final = (
    "SELECT ticket_id, exported_at, modified, etag, line, is_alarm, makes_ticket, raw, state "
    "FROM tickets.row_versions ORDER BY ticket_id, exported_at, modified, etag"
)
_EVENTS: Final = (
    "SELECT 'closed', to_jsonb(event) FROM tickets.closure_events AS event "
    "UNION ALL SELECT 'reopened', to_jsonb(event) FROM tickets.reopen_events AS event "
    "UNION ALL SELECT 'left', to_jsonb(event) FROM tickets.exit_events AS event "
    "UNION ALL SELECT 'open', to_jsonb(spell) FROM tickets.open_spells AS spell ORDER BY 1, 2"
)
_DAYS: Final = (
    "SELECT day, as_of, content_as_of, source_max_key, open, breached FROM tickets.inc_daily_snapshot "
    "WHERE method = 'replayed' ORDER BY day"
)
_WATERMARK: Final = "SELECT metadata FROM tickets.import_meta"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed and returned, and how long it took."""

    exit_code: int
    out: str
    err: str
    took_s: float


@dataclass(slots=True)
class Running:
    """A command under way."""

    process: subprocess.Popen[str]
    secrets: tuple[str, ...]
    printed: list[str]
    began: float = field(default_factory=time.monotonic)

    def finish(self, timeout_s: float = LIMIT_S) -> Outcome:
        """Its outcome; a command that hangs is killed and fails the test, and so does one that tells a secret."""
        try:
            out, err = self.process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"still running after {timeout_s:.0f} s: {out}{err}") from None
        self.printed.append(out + err)
        assert not [secret for secret in self.secrets if secret in out + err], "a secret was printed"
        assert "Traceback" not in err, err
        return Outcome(self.process.returncode, out, err, time.monotonic() - self.began)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)


@dataclass(slots=True)
class World:
    """The two servers as one test uses them."""

    bucket: Bucket
    database_url: str = field(repr=False)
    environ: dict[str, str] = field(repr=False)
    shelf: Shelf = field(default_factory=Shelf)
    put_at: list[tuple[str, str]] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    root: Path = ROOT

    def put(self, when: str, *ids: str, note: str = "", closes: str = "", body: bytes | None = None) -> str:
        """Upload an export with these tickets, one of them closed, and remember it for the twin; its key."""
        rows = [(closed if one == closes else ticket)(one, owner=note or when) for one in ids]
        content = sheet(rows) if body is None else body
        at = key(INC, when)
        self.bucket.client.put_object(Bucket=self.bucket.name, Key=at, Body=content)
        self.note(when, content)
        return at

    def note(self, when: str, body: bytes) -> None:
        """Tell the twin of an upload that stands in the bucket now."""
        at = key(INC, when)
        head = self.bucket.client.head_object(Bucket=self.bucket.name, Key=at)
        self.shelf.put(INC, when, body, head["LastModified"].replace(microsecond=0))
        self.put_at.append((at, hashlib.md5(body, usedforsecurity=False).hexdigest()))

    def fill(self, files: int = 3) -> None:
        """Overlapping exports: each repeats a ticket, closes one and brings a new one."""
        for n, hour in enumerate(_HOURS[:files]):
            self.put(f"2026-06-22 {hour}:00:00", "SAME", f"T{n}", f"T{n + 1}", note=f"hour {hour}", closes=f"T{n}")

    def start(self, *command: str, store: int | None = None, database: int | None = None, **env: str) -> Running:
        """Start a command line, by way of the proxies on these ports if given."""
        environ = self.environ | env
        if store:
            environ["RUSTFS_ENDPOINT_URL"] = f"http://127.0.0.1:{store}"
        if database:
            environ["DATABASE_URL"] = with_port(environ["DATABASE_URL"], database)
        process = subprocess.Popen(
            command or IMPORT,
            env=environ,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return Running(process, self.secrets, self.printed)

    def run(
        self,
        *command: str,
        store: int | None = None,
        database: int | None = None,
        timeout_s: float = LIMIT_S,
        deadline_s: int | None = None,
        **env: str,
    ) -> Outcome:
        """Run a command line to its end."""
        if deadline_s:
            env["FLEETTICKETS_DEADLINE_S"] = str(deadline_s)
        return self.start(*command, store=store, database=database, **env).finish(timeout_s)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no output may contain: passwords and keys as they are in use."""
        password = str(psycopg.conninfo.conninfo_to_dict(self.database_url)["password"])
        return password, self.environ["RUSTFS_SECRET_KEY"]

    @property
    def database_port(self) -> int:
        """Where PostgreSQL listens."""
        return int(psycopg.conninfo.conninfo_to_dict(self.database_url)["port"] or 0)

    @property
    def store_port(self) -> int:
        """Where the store listens."""
        return urlsplit(self.environ["RUSTFS_ENDPOINT_URL"]).port or 0

    def query(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows, by a connection of its own."""
        with db.connect(self.database_url) as connection:
            return connection.execute(query, parameters or None).fetchall()

    def execute(self, *statements: str) -> None:
        """Do this in the database, by a connection of its own."""
        with db.connect(self.database_url) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def objects(self) -> dict[str, str]:
        """Every key below automations/ with its ETag."""
        pages = self.bucket.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket.name)
        return {item["Key"]: item["ETag"].strip('"') for page in pages for item in page.get("Contents", [])}

    def states(self) -> dict[str, str]:
        """Each file's name with its state, of the newest version."""
        found = self.query("SELECT key, state FROM tickets.import_files ORDER BY last_modified, file_id")
        return {at.rpartition("/")[2]: state for at, state in found}

    def owners(self) -> dict[str, str]:
        """Each ticket with the note of the file that wrote it."""
        return dict(self.query("SELECT ticket_id, raw ->> 'owner' FROM tickets.inc"))


def assert_undisturbed(world: World, twin: db.Connection, *, counts: bool = True, days: bool = True) -> None:
    """Table, ledger and bucket are those of one run that nothing disturbed.

    Without `counts` the files came in more than one run: what each changed depends on the order, its rows do not.
    Without `days` a run had a clock of its own.
    """
    expected = undisturbed(world, twin)
    with db.connect(world.database_url) as connection:
        found = _books(connection)
        unarchived = connection.execute("SELECT key FROM tickets.import_files WHERE archived_at IS NULL").fetchall()
        texts = connection.execute(
            "SELECT coalesce(reason, '') FROM tickets.import_files "
            "UNION ALL SELECT coalesce(error, '') || counts::text FROM tickets.runs"
        ).fetchall()
    assert found["tickets"] == expected["tickets"]
    assert found["watermark"] == expected["watermark"]
    assert found["sightings"] == expected["sightings"]
    assert not counts or found["events"] == expected["events"]
    assert not days or found["days"] == expected["days"]
    width = None if counts else 4
    assert [row[:width] for row in found["ledger"]] == [row[:width] for row in expected["ledger"]]
    assert {row[4] for row in found["ledger"]} <= {"applied"}
    assert sum(row[7] for row in found["ledger"]) == len(found["tickets"]), "a ticket is new once"
    assert not unarchived
    assert not [text for (text,) in texts if any(secret in text for secret in world.secrets)]
    assert_archived(world)


def assert_archived(world: World) -> None:
    """changes/ is empty, and every content that was ever uploaded lies in processed/ under a name of its key."""
    objects = world.objects()
    assert [at for at in objects if at.startswith(INC.changes)] == []
    kept = {(at.removeprefix(INC.processed)[:19], etag) for at, etag in objects.items()}
    assert kept == {(at.removeprefix(INC.changes)[:19], etag) for at, etag in world.put_at}
    assert len(objects) == len(kept), "an archive holds each content once"


def undisturbed(world: World, twin: db.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """What one run over the same uploads gives in the twin database."""
    twin.execute(
        "TRUNCATE tickets.inc, tickets.crq, tickets.import_files, tickets.import_meta, tickets.rejected_rows, "
        "tickets.alarm_rows, tickets.runs, tickets.row_versions, tickets.closure_events, tickets.reopen_events, "
        "tickets.open_spells, tickets.exit_events, tickets.inc_daily_snapshot"
    )
    report = ingest(
        Order(INC, "twin", apply=True),
        world.shelf,
        lambda: db.connect(psycopg.conninfo.make_conninfo(twin.info.dsn, password=twin.info.password)),
        datetime.now(UTC),
        NOBODY,
    )
    assert report.exit_code == 0, report
    return _books(twin)


def _books(connection: db.Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        "tickets": connection.execute(_TICKETS).fetchall(),
        "ledger": connection.execute(_LEDGER).fetchall(),
        "watermark": connection.execute(_WATERMARK).fetchall(),
        "sightings": connection.execute(_SIGHTINGS).fetchall(),
        "events": connection.execute(_EVENTS).fetchall(),
        "days": connection.execute(_DAYS).fetchall(),
    }


def with_port(database_url: str, port: int) -> str:
    """The same database by way of another port."""
    return psycopg.conninfo.make_conninfo(database_url, port=port)


def environment(home: Path, database_url: str, store: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command, as a deployment sets it."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
        "COLUMNS": "100",
        "FLEETTICKETS_EMBEDDED": "never",
        "DATABASE_URL": database_url,
        **store,
    }


def wait_until(true: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Return once it is true."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s"
        time.sleep(0.02)


def holds(world: World, lock: str) -> bool:
    """Whether some session holds this lock: `fleettickets:inc` is a run's, `fleettickets:write:inc` a file's."""
    return bool(
        world.query(
            "SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
            "WHERE locktype = 'advisory' AND granted AND datname = current_database() "
            "AND (classid::bigint << 32) | objid::bigint = hashtextextended(%s, 0)",
            lock,
        )
    )


@contextmanager
def loading(world: World, failpoint: str, *command: str, **options: Any) -> Iterator[Running]:
    """A run that is inside a file's transaction, and will wait there, when the block begins."""
    running = world.start(*command, FLEETTICKETS_FAILPOINT=failpoint, **options)
    try:
        wait_until(lambda: holds(world, "fleettickets:write:inc"), 30)
        yield running
    finally:
        abandon(running)


def restart_at_once(home: Path) -> None:
    """`pg_ctl restart -m immediate`: every session is cut off, recovery at the start."""
    data = (home / "postgres").resolve()
    owner = data.stat()
    as_owner = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    subprocess.run(
        [find_installation().program("pg_ctl"), "restart", "-m", "immediate", "-w", "-D", data, "-l", "/dev/null"],
        check=True,
        cwd="/",
        timeout=60,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        **as_owner,  # type: ignore[call-overload]  # one of two sets of options
    )


def abandon(running: Running) -> None:
    """Leave no process behind, whatever became of the test."""
    with running.process as process:
        if process.poll() is None:
            process.kill()
