"""The private database and S3 server of one folder: up, down, and what runs now."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from fleettickets.demo import postgres as pg
from fleettickets.demo import seaweed, state
from fleettickets.demo.processes import LOOPBACK


@dataclass(frozen=True, slots=True)
class S3Access:
    """What an S3 client needs to reach the bucket."""

    endpoint_url: str
    access_key: str
    secret_key: str = field(repr=False)
    bucket: str
    region: str


@dataclass(frozen=True, slots=True)
class Stack:
    """The servers that run for one home; None for one that does not."""

    home: Path
    database_url: str | None = field(repr=False)
    s3: S3Access | None


def _nothing(_line: str) -> None:
    """Keep quiet."""


def up(
    home: Path,
    *,
    postgres: bool = True,
    s3: bool = True,
    bucket: str = "isptickets",
    say: Callable[[str], None] = _nothing,
) -> Stack:
    """Start what does not run, keep what does, and return how to reach it once it answers."""
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    with state.locked(home):
        # Before anything starts: nothing should be left running when a program is missing.
        if postgres:
            pg.check_installed(home)
        if s3:
            seaweed.check_installed(home)
        secrets = state.make_secrets(home)
        with ThreadPoolExecutor() as pool:
            starting = [pool.submit(pg.start, home, secrets, say)] if postgres else []
            starting += [pool.submit(seaweed.start, home, secrets, bucket, say)] if s3 else []
        for each in starting:
            each.result()
    return current(home)


def down(home: Path, *, say: Callable[[str], None] = _nothing) -> tuple[str, ...]:
    """Stop what this home started and return the names of it; the data stays."""
    home = home.resolve()
    if not home.is_dir():
        return ()
    with state.locked(home), ThreadPoolExecutor() as pool:
        stopping = {}
        if database := pg.running(home):
            stopping["PostgreSQL"] = pool.submit(pg.stop, database)
        if store := seaweed.running(home):
            stopping["S3"] = pool.submit(seaweed.stop, store)
        for name, each in stopping.items():
            each.result()
            say(f"Stopped {name}")
        state.forget(home)
    return tuple(stopping)


def remove(home: Path) -> None:
    """Stop what this home started and delete it with all its data, wherever that lies."""
    down(home)
    data = home / "postgres"
    if data.is_symlink():  # its room elsewhere holds nothing else
        shutil.rmtree(data.resolve().parent, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


def current(home: Path) -> Stack:
    """Return what runs and has passed its health check, without starting or waiting for anything."""
    home = home.resolve()
    secrets = state.secrets_of(home)
    database, store = pg.running(home), seaweed.running(home)
    return Stack(
        home=home,
        database_url=pg.url(database, secrets) if secrets and database and database.ready else None,
        s3=S3Access(
            endpoint_url=f"http://{LOOPBACK}:{store.port}",
            access_key=secrets.s3_access_key,
            secret_key=secrets.s3_secret_key,
            bucket=store.bucket,
            region=seaweed.REGION,
        )
        if secrets and store and store.ready
        else None,
    )
