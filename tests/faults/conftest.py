"""The world of a fault test: the session's real servers, a fresh database, an empty bucket, a twin database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from faults.world import World, environment

from fleettickets import db

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fleettickets.demo.stack import Stack
    from fleettickets.source.bucket import Bucket


@pytest.fixture
def world(tmp_path: Path, servers: Stack, bucket: Bucket, database_url: str) -> World:
    """Nothing uploaded, nothing loaded."""
    return world_of(tmp_path, servers, bucket, database_url)


@pytest.fixture(scope="session")
def twin(servers: Stack, template: str) -> Iterator[db.Connection]:
    """A second database, for the same files with nothing going wrong."""
    assert servers.database_url
    with db.connect(servers.database_url) as admin:
        admin.execute(f"CREATE DATABASE faults_twin TEMPLATE {template} STRATEGY file_copy")
    with db.connect(psycopg.conninfo.make_conninfo(servers.database_url, dbname="faults_twin")) as connection:
        yield connection
    with db.connect(servers.database_url) as admin:
        admin.execute("DROP DATABASE faults_twin WITH (FORCE)")


def world_of(home: Path, servers: Stack, bucket: Bucket, database_url: str) -> World:
    """A world on these servers."""
    assert servers.s3
    store = {
        "RUSTFS_ENDPOINT_URL": servers.s3.endpoint_url,
        "RUSTFS_ACCESS_KEY": servers.s3.access_key,
        "RUSTFS_SECRET_KEY": servers.s3.secret_key,
        "RUSTFS_BUCKET": servers.s3.bucket,
    }
    return World(bucket, database_url, environment(home, database_url, store))
