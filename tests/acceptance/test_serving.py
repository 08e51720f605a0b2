"""The commands around the HTTP API, as a person types them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Outcome

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


@pytest.mark.parametrize("what", ["open", "closed", "history"])
def test_exports_are_files_that_others_read(shell: Shell, tmp_path: Path, what: str) -> None:
    told = shell(*FLEET, "export", what)
    assert told.exit_code == 0
    assert csv.reader(io.StringIO(told.out))
    document: Any = json.loads(shell(*FLEET, "export", what, "--format", "json").out)
    assert document["clocks"].keys() == {"now", "inc", "crq"}
    out = tmp_path / "x.parquet"
    assert shell(*FLEET, "export", what, "--format", "geoparquet", "--out", str(out)).exit_code == 0
    assert out.read_bytes()[:4] == b"PAR1"


def test_history_has_no_places(shell: Shell) -> None:
    assert shell(*FLEET, "export", "history", "--format", "geojson").exit_code == 2
