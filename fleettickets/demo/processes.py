"""Starts servers that outlive the command, tells them from strangers, stops them."""

import os
import signal
import socket
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fleettickets.errors import FleetticketsError

LOOPBACK = "127.0.0.1"
START_TIMEOUT_S = 60.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Account:
    """The system account a server runs as; both None is the caller's own."""

    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        """No further groups for a borrowed account; the caller keeps theirs."""
        return None if self.uid is None else []


@dataclass(frozen=True, slots=True)
class Process:
    """One process, told from a later one with the same number by the moment it began."""

    pid: int
    began: str

    @property
    def alive(self) -> bool:
        """True while this very process runs."""
        return bool(self.began) and began(self.pid) == self.began


def spawn(
    command: Sequence[str], *, log: Path, cwd: Path, env: Mapping[str, str], account: Account | None = None
) -> Process:
    """Run the command detached from this one; its output goes to the log."""
    account = account or Account()
    with log.open("ab") as output:
        # The shell hands the server over to init: as our own child it would stay a zombie when it ends.
        launched = subprocess.run(
            ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            cwd=cwd,
            env=env,
            start_new_session=True,
            umask=0o077,
            user=account.uid,
            group=account.gid,
            extra_groups=account.groups,
            check=True,
        )
    pid = int(launched.stdout)
    return Process(pid, began(pid))


def began(pid: int) -> str:
    """When the process began, as a text to compare; empty when it is gone (or gone but for its parent)."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _ps(pid, "lstart")
    threads, ticks = int(fields[16]), fields[18]
    # A dying process is a zombie before its last threads end, and those still hold its ports.
    return "" if state in "ZX" and threads <= 1 else f"{boot} {ticks}"


def command_line(pid: int) -> str:
    """What the process was started with; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _ps(pid, "command")


def _ps(pid: int, column: str) -> str:
    listed = subprocess.run(
        ["ps", "-ww", "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip()


def wait_until(ready: Callable[[], bool], process: Process, *, log: Path) -> bool:
    """Ask until the server is ready; False when it ended before that."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.alive:
        if ready():
            return True
        if time.monotonic() > deadline:
            raise FleetticketsError(
                f"Process {process.pid} runs but did not answer in {START_TIMEOUT_S:.0f} s; "
                f"stop it with `fleettickets down` and try again. {ending(log)}"
            )
        time.sleep(POLL_S)
    return False


def stop(process: Process, *, first: signal.Signals, grace_s: float, last: signal.Signals) -> None:
    """Ask with the first signal, insist with the last one, return when the process is gone."""
    for wish, patience_s in ((first, grace_s), (last, START_TIMEOUT_S)):
        deadline = time.monotonic() + patience_s
        if process.alive:
            with suppress(ProcessLookupError):
                os.kill(process.pid, wish)
        while process.alive and time.monotonic() < deadline:
            time.sleep(POLL_S)


def free_blocks(home: Path, ports: range, *, also: int = 0) -> Iterator[int]:
    """First ports of free blocks (`ports.step` wide), beginning where this home's path points to.

    A home so gets its old ports again when they are free, and other homes begin elsewhere. `also` is the
    distance of a second port that goes with each.
    """
    start = zlib.crc32(bytes(home)) % len(ports)
    for first in (*ports[start:], *ports[:start]):
        block = range(first, first + ports.step)
        if all(_is_free(port) and (not also or _is_free(port + also)) for port in block):
            yield first


def _is_free(port: int) -> bool:
    # Both addresses: where SO_REUSEADDR is generous (macOS), only an equal address clashes.
    return all(_can_bind(address, port) for address in (LOOPBACK, ""))


def _can_bind(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """True when something takes connections on this loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2):
            return True
    except OSError:
        return False


def ending(log: Path, lines: int = 12) -> str:
    """Return the path of the log and its last lines, for a message."""
    with log.open("rb") as output:
        output.seek(max(0, output.seek(0, os.SEEK_END) - 8_000))
        last = output.read().decode(errors="replace").splitlines()[-lines:]
    return "\n  ".join([f"{log} ends:", *last])
