"""A private PostgreSQL cluster with PostGIS at hand: created once, started, stopped."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fleettickets.demo import processes, state
from fleettickets.demo.installation import Installation, find_installation
from fleettickets.demo.processes import LOOPBACK, Account
from fleettickets.demo.state import Secrets, Server
from fleettickets.errors import FleetticketsError

if TYPE_CHECKING:
    import psycopg

KEY = "postgres"
PORTS = range(23_000, 25_000)
USER = DATABASE = "fleettickets"
# A server that ends at once lost its port to somebody, or waits for the last sessions of a killed one.
PAUSES_S = (0.2, 1.0, 3.0, 8.0, 0.0)
STOP_GRACE_S = 30
PORT_LINE, STATUS_LINE = 3, 7  # of postmaster.pid
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # the path of a socket is limited to 107 bytes, that of a home is not
    "shared_buffers": "128MB",
    "max_connections": "60",
    "max_wal_size": "2GB",
}


def check_installed(home: Path) -> None:
    """Raise a UsageError that says what to install, unless the server runs or can be started."""
    if not running(home):
        find_installation(_major(home))


def start(home: Path, secrets: Secrets, say: Callable[[str], None]) -> None:
    """Make the cluster of this home run and answer, creating it first if there is none."""
    server = running(home)
    if server and server.ready and processes.accepts(server.port):
        return
    if server and _becomes_ready(home, server, secrets):
        return
    installation = find_installation(_major(home))
    data = _data(home) if _major(home) else _create(home, installation, secrets, say)
    say(f"Starting PostgreSQL {installation.major} in {data}")
    for port, pause_s in zip(processes.free_blocks(home, PORTS), PAUSES_S, strict=False):
        if _becomes_ready(home, _launch(home, installation, data, port), secrets):
            say(f"PostgreSQL answers on {LOOPBACK}:{port}")
            return
        time.sleep(pause_s)
    raise FleetticketsError(f"PostgreSQL did not start. {processes.ending(_log(home))}")


def running(home: Path) -> Server | None:
    """Return the server of this home, `ready` or not; one on our data that nobody wrote down counts too."""
    lines = _postmaster_lines(_data(home))
    known = state.server(home, KEY)
    if known or len(lines) <= STATUS_LINE or not _serves(int(lines[0]), _data(home)):
        return known
    return Server(int(lines[0]), processes.began(int(lines[0])), int(lines[PORT_LINE]))


def stop(server: Server) -> None:
    """Stop in fast mode: open transactions are rolled back, nothing committed is lost."""
    processes.stop(server.process, first=signal.SIGINT, grace_s=STOP_GRACE_S, last=signal.SIGQUIT)


def url(server: Server, secrets: Secrets, database: str = DATABASE) -> str:
    """Return what to connect to, password included."""
    return f"postgresql://{USER}:{secrets.postgres_password}@{LOOPBACK}:{server.port}/{database}"


def _create(home: Path, installation: Installation, secrets: Secrets, say: Callable[[str], None]) -> Path:
    """Create the cluster aside and rename it: a directory with the final name is always complete."""
    if (home / "postgres").exists():
        raise FleetticketsError(f"{home / 'postgres'} is no PostgreSQL cluster; move it away and try again.")
    account = _account()
    room = _room(home, account)
    say(f"Creating a PostgreSQL {installation.major} cluster in {room}")
    fresh, password = room / "postgres.new", room / "password.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    password.unlink(missing_ok=True)
    password.touch(mode=0o600)
    password.write_text(secrets.postgres_password)
    if account.uid is not None and account.gid is not None:
        os.chown(fresh, account.uid, account.gid)
        os.chown(password, account.uid, account.gid)
    try:
        _initdb(installation, fresh, password, account, _log(home))
    finally:
        password.unlink()
    data = fresh.rename(room / "postgres")
    if room != home:
        (home / "postgres").unlink(missing_ok=True)
        (home / "postgres").symlink_to(data)
    return data


def _initdb(installation: Installation, fresh: Path, password: Path, account: Account, log: Path) -> None:
    command = [
        installation.program("initdb"),
        f"--pgdata={fresh}",
        f"--pwfile={password}",
        f"--username={USER}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        f"--locale={'C.UTF-8' if sys.platform == 'linux' else 'C'}",
    ]
    with log.open("ab") as output:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=_environment(),
            user=account.uid,
            group=account.gid,
            extra_groups=account.groups,
            check=False,
        )
    if done.returncode:
        raise FleetticketsError(f"PostgreSQL's initdb failed. {processes.ending(log)}")


def _launch(home: Path, installation: Installation, data: Path, port: int) -> Server:
    _disown_stale_pid(data)
    settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
    process = processes.spawn(
        [installation.program("postgres"), "-D", str(data), "-p", str(port), *settings],
        log=_log(home),
        cwd=Path("/"),
        env=_environment(),
        account=_account(data),
    )
    server = Server(process.pid, process.began, port)
    state.remember(home, KEY, server)
    return server


def _becomes_ready(home: Path, server: Server, secrets: Secrets) -> bool:
    """Wait for the health check (SELECT 1 in our database); False when the server ended before."""
    data = _data(home)
    if not processes.wait_until(lambda: _says_ready(data, server.pid), server.process, log=_log(home)):
        return False
    import psycopg  # noqa: PLC0415  slow to import, and not needed to find a running server

    try:
        _select_1(server, secrets)
    except psycopg.OperationalError as error:
        raise FleetticketsError(
            f"PostgreSQL runs but refuses us; `fleettickets down`, remove {home} and start afresh. "
            f"{processes.ending(_log(home))}"
        ) from error
    state.remember(home, KEY, replace(server, ready=True))
    return True


def _select_1(server: Server, secrets: Secrets) -> None:
    with _connect(url(server, secrets, "postgres")) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if not found:
            connection.execute(f'CREATE DATABASE "{DATABASE}"')
    with _connect(url(server, secrets)) as connection:
        connection.execute("SELECT 1")


def _connect(target: str) -> "psycopg.Connection":
    import psycopg  # noqa: PLC0415  slow to import, and not needed to find a running server

    return psycopg.connect(target, autocommit=True, connect_timeout=5)


def _says_ready(data: Path, pid: int) -> bool:
    """True when postmaster.pid is this server's and its last line says that sessions are welcome."""
    lines = _postmaster_lines(data)
    return len(lines) > STATUS_LINE and lines[0] == str(pid) and lines[STATUS_LINE].strip() == "ready"


def _disown_stale_pid(data: Path) -> None:
    """Make a left-over postmaster.pid harmless.

    Its number may belong to another program by now, or to a zombie that no init collects; PostgreSQL would
    take either for a server. The file itself stays: its shared memory key is how PostgreSQL finds sessions
    of a killed server that still write.
    """
    lines = _postmaster_lines(data)
    if lines and not _serves(int(lines[0]), data):
        never_a_process = str(2**31 - 1)
        (data / "postmaster.pid").write_text("\n".join([never_a_process, *lines[1:]]) + "\n")


def _serves(pid: int, data: Path) -> bool:
    """True when this process is a PostgreSQL on this data: they all work in their data directory."""
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink()) == str(data)
    except OSError:
        return f"-D {data} " in processes.command_line(pid)


def _postmaster_lines(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, PermissionError):
        return []


def _room(home: Path, account: Account) -> Path:
    """Return where to put the data: home, or a place of its own when the account cannot go there."""
    reachable = subprocess.run(
        ["test", "-x", str(home)],
        cwd="/",
        user=account.uid,
        group=account.gid,
        extra_groups=account.groups,
        check=False,
    )
    if reachable.returncode == 0 or account.uid is None or account.gid is None:
        return home
    lasting = Path("/var/tmp")  # noqa: S108  mkdtemp makes the name; unlike /tmp it survives a reboot
    room = Path(tempfile.mkdtemp(prefix="fleettickets-", dir=lasting if lasting.is_dir() else None))
    os.chown(room, account.uid, account.gid)
    return room


def _account(data: Path | None = None) -> Account:
    """Return whom the server runs as: the owner of existing data; never root, PostgreSQL refuses that."""
    if os.geteuid() != 0:
        return Account()
    if data:
        return Account(data.stat().st_uid, data.stat().st_gid)
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    return Account(entry.pw_uid, entry.pw_gid)


def _environment() -> dict[str, str]:
    """Return no PG* variables of the caller; a fixed locale (macOS refuses to start without one)."""
    return {"LC_ALL": "C"} | {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}


def _data(home: Path) -> Path:
    return (home / "postgres").resolve()


def _major(home: Path) -> int | None:
    version = _data(home) / "PG_VERSION"
    return int(version.read_text()) if version.is_file() else None


def _log(home: Path) -> Path:
    return home / "postgres.log"
