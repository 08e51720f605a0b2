"""Real servers for the tests: one private PostgreSQL and S3 server a session, one fresh database a test."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from geocoder import Geocoder, serving
from geoworld import PLACES, GeoWorld
from hypothesis import HealthCheck, settings
from psycopg import sql

from fleettickets import db
from fleettickets.demo import stack
from fleettickets.migrate import migrate
from fleettickets.source.bucket import Bucket, open_bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fleettickets.demo.stack import Stack

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 6, 25, 9, tzinfo=UTC)
"""The wall clock of the tests: Thu 25 Jun 2026, 12:00 East Africa Time."""

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")  # how long an example takes says how busy the machine is, not whether a rule holds

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The private servers of this test session."""
    home = tmp_path_factory.mktemp("servers")
    running = stack.up(home)
    try:
        with db.connect(running.database_url or "") as admin:  # a lost machine would cost nothing here; disks cost time
            admin.execute("ALTER SYSTEM SET fsync = off")
            admin.execute("SELECT pg_reload_conf()")
        yield running
    finally:
        stack.remove(home)


@pytest.fixture(scope="session")
def template(servers: Stack) -> str:
    """The name of a migrated database to clone."""
    assert servers.database_url
    with db.connect(servers.database_url) as connection:
        connection.execute("CREATE DATABASE template_fleettickets")
    with db.connect(_address(servers, "template_fleettickets")) as connection:
        migrate(connection)
    return "template_fleettickets"


@pytest.fixture(scope="session")
def new_database(servers: Stack) -> Callable[[], contextlib.AbstractContextManager[str]]:
    """Gives the address of an empty database that lives as long as the block."""
    return lambda: _database(servers, None)


@pytest.fixture(scope="session")
def migrated_database(servers: Stack, template: str) -> Callable[[], contextlib.AbstractContextManager[str]]:
    """Gives the address of a migrated database that lives as long as the block."""
    return lambda: _database(servers, template)


@pytest.fixture
def empty_database_url(servers: Stack) -> Iterator[str]:
    """The address of a database without any schema of ours."""
    with _database(servers, None) as url:
        yield url


@pytest.fixture
def database_url(servers: Stack, template: str) -> Iterator[str]:
    """The address of a fresh migrated database."""
    with _database(servers, template) as url:
        yield url


@pytest.fixture
def connection(database_url: str) -> Iterator[db.Connection]:
    """A connection to a fresh migrated database."""
    with db.connect(database_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def shared_database_url(servers: Stack, template: str) -> Iterator[str]:
    """The address of one migrated database for tests that change nothing, or roll back."""
    with _database(servers, template) as url:
        yield url


@pytest.fixture(scope="session")
def shared_connection(shared_database_url: str) -> Iterator[db.Connection]:
    """A connection to that database."""
    with db.connect(shared_database_url) as opened:
        yield opened


@pytest.fixture
def bucket(servers: Stack) -> Iterator[Bucket]:
    """The real bucket, empty before and after."""
    assert servers.s3
    s3 = servers.s3
    opened = open_bucket(s3.endpoint_url, s3.access_key, s3.secret_key, s3.bucket, s3.region)
    _empty(opened)
    yield opened
    _empty(opened)
    opened.client.close()


@pytest.fixture
def geo(database_url: str, tmp_path: Path) -> GeoWorld:
    """A fresh database to geocode in, with a clock that does not wait."""
    return GeoWorld(database_url, tmp_path, NOW)


@pytest.fixture
def geocoder() -> Iterator[Geocoder]:
    """A geocoder on this machine that knows a few places."""
    with serving(places=PLACES) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed and returned."""

    exit_code: int
    out: str
    err: str


@pytest.fixture
def shell(tmp_path: Path, servers: Stack, database_url: str) -> Callable[..., Outcome]:
    """Runs a command line as a person would: a process of its own, settings in the environment."""
    assert servers.s3
    s3 = servers.s3
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
        "COLUMNS": "100",
        "FLEETTICKETS_EMBEDDED": "never",
        "DATABASE_URL": database_url,
        "RUSTFS_ENDPOINT_URL": s3.endpoint_url,
        "RUSTFS_ACCESS_KEY": s3.access_key,
        "RUSTFS_SECRET_KEY": s3.secret_key,
        "RUSTFS_BUCKET": s3.bucket,
    }

    def run(*command: str, env: dict[str, str | None] | None = None, cwd: Path = ROOT) -> Outcome:
        merged = {name: value for name, value in {**environ, **(env or {})}.items() if value is not None}
        done = subprocess.run(command, env=merged, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


def rows_of(connection: db.Connection, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return connection.execute(query, parameters or None).fetchall()


@contextlib.contextmanager
def _database(servers: Stack, template: str | None) -> Iterator[str]:
    assert servers.database_url
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with db.connect(servers.database_url) as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log").format(
                sql.Identifier(name), sql.Identifier(template or "template0")
            )
        )
        try:
            yield _address(servers, name)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _address(servers: Stack, database: str) -> str:
    return psycopg.conninfo.make_conninfo(servers.database_url or "", dbname=database)


def _empty(bucket: Bucket) -> None:
    for page in bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name):
        for item in page.get("Contents", []):
            bucket.client.delete_object(Bucket=bucket.name, Key=item["Key"])
