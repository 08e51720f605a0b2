"""What a home remembers of its servers, in files only their owner can read."""

import fcntl
import json
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fleettickets.demo.processes import Process
from fleettickets.errors import FleetticketsError, UsageError

_writing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Secrets:
    """The passwords of one home, made once and kept as long as its data."""

    postgres_password: str = field(repr=False)
    s3_access_key: str = field(repr=False)
    s3_secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Server:
    """A server this home started; `ready` once it passed its health check."""

    pid: int
    began: str
    port: int
    ready: bool = False
    bucket: str = ""

    @property
    def process(self) -> Process:
        """The process to ask whether it is still this one."""
        return Process(self.pid, self.began)


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the home for one command at a time."""
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def server(home: Path, name: str) -> Server | None:
    """Return the server of this name if it is running."""
    known = _read(home / "stack.json").get(name)
    found = Server(**known) if known else None
    return found if found and found.process.alive else None


def remember(home: Path, name: str, found: Server) -> None:
    """Write down a server, so that the next command finds it."""
    with _writing:
        _write(home / "stack.json", _read(home / "stack.json") | {name: asdict(found)})


def forget(home: Path) -> None:
    """Remove what is known about running servers; data and secrets stay."""
    (home / "stack.json").unlink(missing_ok=True)


def secrets_of(home: Path) -> Secrets | None:
    """Return the home's passwords; None when it has none yet."""
    known = _read(home / "secrets.json")
    return Secrets(**known) if known else None


def make_secrets(home: Path) -> Secrets:
    """Return the home's passwords, made up the first time."""
    known = secrets_of(home)
    if known:
        return known
    made = Secrets(*(secrets.token_hex(n) for n in (24, 10, 24)))
    _write(home / "secrets.json", asdict(made))
    return made


def _read(path: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise UsageError(f"{path} belongs to another user; run this as that user.") from error
    except ValueError as error:
        raise FleetticketsError(f"{path} is damaged; stop the servers of {path.parent} and delete it.") from error
    return known


def _write(path: Path, known: dict[str, Any]) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    with fresh.open("w") as output:
        json.dump(known, output)
        output.flush()
        os.fsync(output.fileno())
    fresh.replace(path)
