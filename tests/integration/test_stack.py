"""The private PostgreSQL and S3 servers: real ones, shared by the tests of this file."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psycopg
import pytest

from fleettickets.demo import installation, seaweed, stack
from fleettickets.demo.stack import S3Access, Stack
from fleettickets.errors import FleetticketsError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

linux_only = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home that every user may enter, unlike pytest's own temporary directories."""
    top = Path(tempfile.mkdtemp(prefix="fleettickets-test-"))
    top.chmod(0o755)
    yield top / "deep folder, with a comma" / ".fleettickets"
    remove(top / "deep folder, with a comma" / ".fleettickets")
    shutil.rmtree(top)


@pytest.fixture
def running(home: Path) -> Stack:
    return stack.up(home)


@pytest.fixture
def other_home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / ".fleettickets"
    remove(tmp_path / ".fleettickets")


def remove(home: Path) -> None:
    stack.down(home)
    data = (home / "postgres").resolve()
    if data.parent != home:
        shutil.rmtree(data.parent)
    shutil.rmtree(home, ignore_errors=True)


def database(running: Stack) -> psycopg.Connection:
    assert running.database_url
    return psycopg.connect(running.database_url, autocommit=True)


def access(running: Stack) -> S3Access:
    assert running.s3
    return running.s3


def client(running: Stack) -> "S3Client":
    s3 = access(running)
    return boto3.client(
        "s3",
        endpoint_url=s3.endpoint_url,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
        region_name=s3.region,
    )


def pids(home: Path) -> dict[str, int]:
    known: dict[str, dict[str, Any]] = json.loads((home / "stack.json").read_text())
    return {name: server["pid"] for name, server in known.items()}


def ports(running: Stack) -> tuple[int, int]:
    assert running.database_url
    return (
        int(running.database_url.rsplit(":", 1)[1].split("/")[0]),
        int(access(running).endpoint_url.rsplit(":", 1)[1]),
    )


def write_something(running: Stack, word: str) -> None:
    with database(running) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS words (word text PRIMARY KEY)")
        connection.execute("INSERT INTO words VALUES (%s)", [word])
    client(running).put_object(Bucket=access(running).bucket, Key=f"automations/{word}.csv", Body=word.encode())


def reads_back(running: Stack, word: str) -> bool:
    with database(running) as connection:
        kept = connection.execute("SELECT count(*) FROM words WHERE word = %s", [word]).fetchone()
    stored = client(running).get_object(Bucket=access(running).bucket, Key=f"automations/{word}.csv")
    return kept == (1,) and stored["Body"].read() == word.encode()


def test_both_servers_work_for_what_the_project_needs(running: Stack) -> None:
    """The database takes PostGIS and is UTF-8; the bucket exists and more can be added."""
    with database(running) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        assert connection.execute("SELECT current_database()").fetchone() == ("fleettickets",)
    s3 = client(running)
    for n in range(12):
        s3.create_bucket(Bucket=f"more-{n}")
        s3.put_object(Bucket=f"more-{n}", Key="a.csv", Body=b"a")
    assert "isptickets" in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}


def test_up_again_reuses_the_servers_at_once(home: Path, running: Stack) -> None:
    """A second `up` changes nothing and takes less than a tenth of a second."""
    before = pids(home)
    began = time.perf_counter()
    again = stack.up(home)
    assert time.perf_counter() - began < 0.1
    assert again == running == stack.current(home)
    assert pids(home) == before


def test_up_again_imports_no_clients(home: Path, running: Stack) -> None:
    """Finding running servers needs neither boto3 nor psycopg."""
    code = (
        "import sys, pathlib; from fleettickets.demo import stack; "
        "stack.up(pathlib.Path(sys.argv[1])); print({'boto3', 'botocore', 'psycopg'} & set(sys.modules))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code, str(home)], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert printed.stdout == "set()\n"
    assert stack.current(home) == running


def test_another_bucket_is_added_to_the_running_server(home: Path, running: Stack) -> None:
    before = pids(home)
    other = stack.up(home, bucket="another")
    assert access(other).bucket == "another"
    assert client(other).list_objects_v2(Bucket="another")["KeyCount"] == 0
    assert pids(home) == before
    assert stack.up(home) == running


@pytest.mark.parametrize("whole_group", [False, True])
def test_data_survives_kill_9(home: Path, running: Stack, *, whole_group: bool) -> None:
    """`up` starts again after the servers were killed, and finds what was written."""
    word = f"killed-{whole_group}"
    write_something(running, word)
    for pid in pids(home).values():
        if whole_group:
            os.killpg(os.getpgid(pid), signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    wait_for_end(pids(home))
    assert stack.current(home) == Stack(home=running.home, database_url=None, s3=None)
    assert reads_back(stack.up(home), word)


def wait_for_end(processes: dict[str, int]) -> None:
    deadline = time.monotonic() + 5
    for pid in processes.values():
        while time.monotonic() < deadline:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                break
            time.sleep(0.01)


def test_a_server_nobody_wrote_down_is_found_by_its_data(home: Path, running: Stack) -> None:
    """An `up` killed before it could note the database leaves a server that the next one adopts."""
    before = pids(home)
    known = json.loads((home / "stack.json").read_text())
    (home / "stack.json").write_text(json.dumps({"s3": known["s3"]}))
    assert stack.up(home) == running
    assert pids(home) == before


def test_down_leaves_nothing_running_and_keeps_the_data(home: Path, running: Stack) -> None:
    write_something(running, "down")
    before = ports(running)
    assert stack.down(home) == ("PostgreSQL", "S3")
    assert not any(listens(port) for port in before)
    assert not (home / "stack.json").exists()
    assert stack.current(home).s3 is None
    assert stack.down(home) == ()
    assert reads_back(stack.up(home), "down")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_down_of_a_home_that_never_was_does_nothing(tmp_path: Path) -> None:
    assert stack.down(tmp_path / "none") == ()
    assert stack.current(tmp_path / "none").database_url is None
    assert not (tmp_path / "none").exists()


def test_a_taken_port_is_left_to_its_owner(home: Path, running: Stack) -> None:
    """When somebody else took the ports meanwhile, the servers move and the data comes along."""
    write_something(running, "moved")
    stack.down(home)
    strangers = [socket.create_server(("127.0.0.1", port)) for port in ports(running)]
    try:
        moved = stack.up(home)
        assert not set(ports(moved)) & set(ports(running))
        assert reads_back(moved, "moved")
    finally:
        for stranger in strangers:
            stranger.close()
        stack.down(home)


def test_a_stranger_with_a_remembered_number_is_left_alone(home: Path, running: Stack) -> None:
    """Process numbers are used again: neither `up` nor `down` takes a stranger for a server."""
    write_something(running, "stranger")
    data = (home / "postgres").resolve()
    owner = data.stat().st_uid if os.geteuid() == 0 else None
    known, lock = (home / "stack.json").read_text(), (data / "postmaster.pid").read_text()
    stack.down(home)
    with subprocess.Popen(["sleep", "600"], user=owner) as stranger:
        for name, pid in {key: server["pid"] for key, server in json.loads(known).items()}.items():
            known = known.replace(f'"pid": {pid}', f'"pid": {stranger.pid}')
            lock = lock.replace(str(pid), str(stranger.pid)) if name == "postgres" else lock
        (home / "stack.json").write_text(known)
        (data / "postmaster.pid").write_text(lock)
        assert stack.down(home) == ()
        (home / "stack.json").write_text(known)
        assert reads_back(stack.up(home), "stranger")
        assert stack.down(home) == ("PostgreSQL", "S3")
        assert stranger.poll() is None
        stranger.kill()


def test_two_ups_at_once_start_one_of_each(home: Path) -> None:
    stack.down(home)
    said: list[str] = []
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda _: stack.up(home, say=said.append), range(2))
    assert first == second
    assert sum(line.startswith("Starting") for line in said) == 2


def test_only_the_servers_asked_for_are_started(home: Path) -> None:
    stack.down(home)
    assert stack.up(home, postgres=False).database_url is None
    assert stack.up(home, s3=False).s3, "the running S3 server is still reported"
    assert set(pids(home)) == {"postgres", "s3"}


def test_secrets_are_seen_by_their_owner_only(home: Path, running: Stack) -> None:
    for name in ("secrets.json", "stack.json"):
        assert (home / name).stat().st_mode & 0o777 == 0o600
    s3 = access(running)
    password = str(running.database_url).split(":")[2].split("@")[0]
    assert not {password, s3.secret_key} & set(repr(running).replace("'", " ").split())
    assert all(secret not in (home / "postgres.log").read_text() for secret in (password, s3.secret_key))
    assert s3.secret_key not in (home / "s3.log").read_text()


@linux_only
def test_no_command_line_shows_a_secret(running: Stack) -> None:
    password = str(running.database_url).split(":")[2].split("@")[0].encode()
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            shown = process.read_bytes()
        except OSError:
            continue
        assert password not in shown
        assert access(running).secret_key.encode() not in shown


@linux_only
def test_nothing_listens_beyond_loopback(home: Path, running: Stack) -> None:
    """Every port is on 127.0.0.1 and below the range the system hands out to clients."""
    addresses = [address for pid in pids(home).values() for address in listening(pid)]
    assert set(ports(running)) <= {port for _, port in addresses}
    assert all(host == "0100007F" and port < 32_768 for host, port in addresses)


def listening(pid: int) -> Iterator[tuple[str, int]]:
    """Addresses as the kernel lists them: hexadecimal, 0A is LISTEN."""
    sockets = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                host, _, port = fields[1].partition(":")
                yield host, int(port, 16)


def test_a_home_that_others_cannot_enter_works(other_home: Path) -> None:
    """As root, PostgreSQL runs as another user; a clone below a private directory works all the same."""
    other_home.parent.chmod(0o700)
    running = stack.up(other_home, s3=False)
    with database(running) as connection:
        connection.execute("CREATE TABLE kept ()")
    stack.down(other_home)
    with database(stack.up(other_home, s3=False)) as connection:
        assert connection.execute("SELECT to_regclass('kept') IS NOT NULL").fetchone() == (True,)


def test_a_half_made_cluster_is_made_again(other_home: Path) -> None:
    half = other_home / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("15\n")
    with database(stack.up(other_home, s3=False)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_missing_postgresql_says_what_to_type(other_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way out is named for each system, and no server is left running."""
    monkeypatch.setattr(installation, "PLACES", ())
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError) as raised:
        stack.up(other_home)
    for command in ("apt-get install postgresql-15 postgresql-15-postgis-3", "dnf", "brew", "docker"):
        assert command in "\n".join(raised.value.__notes__)
    assert stack.down(other_home) == ()


def test_postgresql_is_found_where_the_working_folder_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own programs fail there; looking for them does not."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert installation.find_installation().major >= installation.OLDEST


def test_a_failed_start_shows_the_end_of_the_log(other_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = other_home.parent / "weed"
    broken.write_text("#!/bin/sh\necho no space left on device\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(seaweed, "_weed", lambda: str(broken))
    with pytest.raises(FleetticketsError, match="did not start") as raised:
        stack.up(other_home, postgres=False)
    assert str(other_home / "s3.log") in str(raised.value)
    assert "no space left on device" in str(raised.value)
