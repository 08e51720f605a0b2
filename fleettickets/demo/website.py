"""The demo's HTTP server: a process of its own in front of the playground's database."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Final

from fleettickets.errors import FleetticketsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAIN: Final = "from fleettickets.demo.server import main; main()"
_LONGEST_START_S: Final = 30.0
_LONGEST_STOP_S: Final = 10.0
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""This machine's own address needs no proxy."""


@contextlib.contextmanager
def serving(database_url: str, port: int, home: Path) -> Iterator[str]:
    """The server's address while the block lasts; on another port when this one is taken."""
    log = home / "serve.log"
    process = _started(database_url, port, home, log)
    try:
        url = _address(process)
        if url is None and port:
            process.wait(_LONGEST_STOP_S)
            process = _started(database_url, 0, home, log)
            url = _address(process)
        if url is None:
            raise FleetticketsError(f"the demo's web server did not start: see {log}")
        _wait_until_ready(url, log)
        yield url
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LONGEST_STOP_S)
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def answer(url: str, path: str) -> Any:  # noqa: ANN401  # whatever JSON it is
    """What the server answers, as JSON."""
    with _OPENER.open(url + path, timeout=_LONGEST_START_S) as found:
        return json.load(found)


def _started(database_url: str, port: int, home: Path, log: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _MAIN, str(home), str(port)]
    environ = {**os.environ, "DATABASE_URL": database_url}
    with log.open("a") as errors:
        return subprocess.Popen(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # Ctrl-C is for the demo, which then ends the server
        )


def _address(process: subprocess.Popen[str]) -> str | None:
    """What the server says of itself, or None when it ended instead."""
    line = process.stdout.readline() if process.stdout else ""
    found = json.loads(line) if line.startswith("{") else {}
    return found.get("url")


def _wait_until_ready(url: str, log: Path) -> None:
    deadline_s = time.monotonic() + _LONGEST_START_S
    while True:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            if answer(url, "/readyz")["ready"]:
                return
        if time.monotonic() > deadline_s:
            raise FleetticketsError(f"the demo's web server does not become ready: see {log}")
        time.sleep(0.1)
