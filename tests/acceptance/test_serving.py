"""The commands around the HTTP API, as a person types them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from apiserver import fill

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Outcome

    from fleettickets.db import Connection

    Shell = Callable[..., Outcome]

FLEET = (sys.executable, "-c", "from fleettickets.cli import main; main()")


def test_a_token_is_shown_once_listed_without_its_secret_and_revoked_once(shell: Shell) -> None:
    made = shell(*FLEET, "token", "create", "wallboard", "--scope", "pii", "--days", "30")
    secret = made.out.strip()
    assert re.fullmatch(r"ft_[\w-]{43}", secret)
    listed = shell(*FLEET, "token", "list", "--json")
    assert secret not in listed.out + listed.err
    (token,) = json.loads(listed.out)["tokens"]
    assert (token["name"], token["scopes"]) == ("wallboard", ["pii", "read"])
    assert shell(*FLEET, "token", "revoke", str(token["token_id"])).exit_code == 0
    again = shell(*FLEET, "token", "revoke", str(token["token_id"]))
    assert (again.exit_code, "token list" in again.err) == (2, True)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
def test_a_token_needs_a_readable_name(shell: Shell, name: str) -> None:
    assert shell(*FLEET, "token", "create", name).exit_code == 2


def test_without_a_token_only_loopback_is_served(shell: Shell) -> None:
    refused = shell(*FLEET, "serve", "--host", "0.0.0.0", "--port", "0")  # noqa: S104  # what is refused
    assert refused.exit_code == 2
    assert "fleettickets token create" in refused.err


def test_a_port_in_use_is_one_sentence(shell: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = shell(*FLEET, "serve", "--port", str(taken.getsockname()[1]))
    assert refused.exit_code == 2
    assert "--port" in refused.err
    assert "Traceback" not in refused.err


def test_a_database_without_our_schema_is_one_sentence(shell: Shell, empty_database_url: str) -> None:
    refused = shell(*FLEET, "serve", "--port", "0", env={"DATABASE_URL": empty_database_url})
    assert (refused.exit_code, "fleettickets migrate" in refused.err) == (2, True)


def test_serve_answers_and_stops_when_asked_to(database_url: str, tmp_path: Path) -> None:
    command = [*FLEET, "--json", "serve", "--port", "0"]
    environ = {**os.environ, "DATABASE_URL": database_url, "PYTHONWARNINGS": "error"}
    with (tmp_path / "log").open("w+") as log:
        process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout
        url = json.loads(process.stdout.readline())["url"]
        with httpx.stream("GET", f"{url}/api/events", timeout=30) as stream:
            assert next(stream.iter_lines()).startswith("retry")
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in {0, 143}
        process.stdout.close()
        log.seek(0)
        told = log.read()
    assert "serving on http://127.0.0.1" in told
    assert "Traceback" not in told


def test_two_thousand_live_readers_are_served_and_the_next_is_told_to_come_back(
    database_url: str, tmp_path: Path, connection: Connection
) -> None:
    """Each hears of a commit, and the memory of the server stays small."""
    allowed_files(4096)
    with (tmp_path / "log").open("w") as log:
        command = [*FLEET, "--json", "serve", "--port", "0"]
        environ = {**os.environ, "DATABASE_URL": database_url}
        process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout
            url = json.loads(process.stdout.readline())["url"]
            asyncio.run(many_readers(url, connection))
            memory = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
            assert memory is not None
            assert int(memory[1]) < 300_000
        finally:
            process.terminate()
            process.communicate(timeout=60)


async def many_readers(url: str, connection: Connection) -> None:
    address = (url.rpartition("/")[2].split(":")[0], int(url.rpartition(":")[2]))
    readers = []
    for _ in range(2000):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        readers.append((reader, writer))
    for reader, _ in readers:
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        await reader.readuntil(b"event: clocks")
    refused = await asyncio.to_thread(httpx.get, f"{url}/api/events")
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert int(refused.headers["retry-after"]) > 0
    connection.execute("SELECT tickets.advance_revision('inc', '{}')")
    for reader, writer in readers:
        await reader.readuntil(b"event: revision")
        writer.close()


def allowed_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this machine allows {hard} open files")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@pytest.mark.parametrize("what", ["open", "closed", "history", "quality"])
def test_exports_are_files_that_others_read(shell: Shell, database_url: str, tmp_path: Path, what: str) -> None:
    fill(database_url)
    rows = list(csv.DictReader(io.StringIO(shell(*FLEET, "export", what).out)))
    document: Any = json.loads(shell(*FLEET, "export", what, "--format", "json").out)
    assert len(rows) == len(document["rows"]) > 0
    assert all(row["export_now"] and row["content_as_of"] for row in rows)
    assert document["clocks"].keys() == {"now", "inc", "crq"}
    out = tmp_path / "x.parquet"
    assert shell(*FLEET, "export", what, "--format", "geoparquet", "--out", str(out)).exit_code == 0
    assert out.read_bytes()[:4] == b"PAR1"
    past: Any = json.loads(shell(*FLEET, "export", what, "--format", "json", "--at", "2026-06-21").out)
    assert past["clocks"]["now"] == "2026-06-21T00:00:00+03:00"
    assert sum(row.get("count", 1) for row in past["rows"]) == 0


@pytest.mark.parametrize("what", ["history", "quality"])
@pytest.mark.parametrize("form", ["geojson", "flatgeobuf"])
def test_what_has_no_places_is_no_map(shell: Shell, what: str, form: str) -> None:
    refused = shell(*FLEET, "export", what, "--format", form)
    assert (refused.exit_code, "--format csv" in refused.err) == (2, True)
