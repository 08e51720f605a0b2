"""fleettickets doctor as the person on call types it: each thing that is broken is named with its remedy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from fleettickets.datasets import INC
from fleettickets.source.bucket import Bucket
from fleettickets.source.probe import probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleettickets.db import Connection

    Shell = Callable[..., Any]

GUEST = "let-me-in"
SUBJECTS = [
    "database", "postgis", "time zone", "database clock", "schema", "rights", "store inc", "store crq",
    "store conditions", "store clock", "geocoder gazetteer", "disk",
]  # fmt: skip


def look(shell: Shell, **env: str | None) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code and the checks by subject."""
    done = shell("fleettickets", "--json", "doctor", env=env)
    document = json.loads(done.out)
    assert document["exit_code"] == done.exit_code
    return done.exit_code, {one["subject"]: one for one in document["checks"]}


def failing(checks: dict[str, dict[str, Any]]) -> list[str]:
    return [subject for subject, one in checks.items() if one["status"] == "fail"]


def test_where_all_is_well_every_line_says_so_and_nothing_is_left_behind(shell: Shell, bucket: Bucket) -> None:
    done = shell("fleettickets", "doctor")
    assert (done.exit_code, done.err) == (0, "")
    assert [line[:5].strip() for line in done.out.splitlines()] == ["ok"] * len(SUBJECTS)
    assert [line[6:26].strip() for line in done.out.splitlines()] == SUBJECTS
    assert bucket.client.list_objects_v2(Bucket=bucket.name)["KeyCount"] == 0


def test_a_database_that_is_away_does_not_hide_the_rest(shell: Shell) -> None:
    code, checks = look(shell, DATABASE_URL="postgresql://nobody:c4n4ry@127.0.0.1:1/none")
    assert (code, failing(checks)) == (7, ["database"])
    assert "set DATABASE_URL" in checks["database"]["detail"]
    assert "c4n4ry" not in json.dumps(checks)
    assert checks["store inc"]["status"] == "ok"


def test_a_bucket_that_is_missing_is_named_for_each_stream(shell: Shell) -> None:
    code, checks = look(shell, RUSTFS_BUCKET="nowhere")
    assert (code, failing(checks)) == (2, ["store inc", "store crq"])
    assert "create it or set RUSTFS_BUCKET" in checks["store inc"]["detail"]


def test_a_database_without_the_schema_says_what_to_type(shell: Shell, empty_database_url: str) -> None:
    code, checks = look(shell, DATABASE_URL=empty_database_url)
    assert (code, failing(checks)) == (5, ["schema"])
    assert checks["schema"]["detail"].endswith("pending: fleettickets migrate")
    assert "rights" not in checks


@pytest.mark.parametrize(("member_of", "expected"), [(None, ["rights"]), ("fleettickets_ingest", [])])
def test_a_user_without_the_rights_of_an_ingest_is_told_the_grant(
    shell: Shell, connection: Connection, database_url: str, member_of: str | None, expected: list[str]
) -> None:
    connection.execute("DROP ROLE IF EXISTS doctor_guest")
    connection.execute(sql.SQL("CREATE ROLE doctor_guest LOGIN PASSWORD {}").format(GUEST))
    try:
        connection.execute("GRANT dashboard_ro TO doctor_guest")
        if member_of:
            connection.execute(sql.SQL("GRANT {} TO doctor_guest").format(sql.Identifier(member_of)))
        address = psycopg.conninfo.make_conninfo(database_url, user="doctor_guest", password=GUEST)
        _, checks = look(shell, DATABASE_URL=address)
        assert failing(checks) == expected
        assert bool(expected) == ("GRANT fleettickets_ingest TO doctor_guest" in checks["rights"]["detail"])
    finally:
        connection.execute("DROP ROLE doctor_guest")


def test_a_store_that_ignores_conditions_is_found_out(bucket: Bucket) -> None:
    """A gateway that drops If-Match looks well until a file is written again while it is archived."""

    class Deaf:
        """The real client, behind something that drops every condition."""

        def __getattr__(self, name: str) -> Any:
            ask = getattr(bucket.client, name)
            return lambda **given: ask(**{key: value for key, value in given.items() if "Match" not in key})

    assert probe(bucket, INC).ignored == ()
    deaf: Any = Deaf()
    assert probe(Bucket(deaf, bucket.name, bucket.deadline_s), INC).ignored == (
        "GET If-Match", "copy If-None-Match", "copy source If-Match", "DELETE If-Match",
    )  # fmt: skip
    assert bucket.client.list_objects_v2(Bucket=bucket.name)["KeyCount"] == 0


def test_a_key_that_the_geocoder_refuses_is_said(shell: Shell) -> None:
    code, checks = look(
        shell,
        GEOCODER_PROVIDER="locationiq,gazetteer",
        LOCATIONIQ_API_KEY="pk.c4n4ry",
        GEOCODER_BASE_URL="locationiq=http://127.0.0.1:1",
    )
    assert (code, failing(checks)) == (7, ["geocoder locationiq"])
    assert "check LOCATIONIQ_API_KEY" in checks["geocoder locationiq"]["detail"]


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion(shell: Shell, name: str) -> None:
    done = shell("fleettickets", "completion", name)
    assert done.exit_code == 0
    assert "_FLEETTICKETS_COMPLETE" in done.out


def test_completion_knows_commands_and_options(shell: Shell) -> None:
    asked = {"_FLEETTICKETS_COMPLETE": "bash_complete", "COMP_WORDS": "fleettickets ingest --re", "COMP_CWORD": "2"}
    assert shell("fleettickets", env=asked).out.split() == ["plain,--reseed"]


@pytest.mark.parametrize("line", [("nope",), ("--nope",), ("sla", "explain", "NOBODY"), ("-v", "sla", "explain", "NO")])
def test_log_format_json_makes_every_line_a_document(shell: Shell, line: tuple[str, ...]) -> None:
    """Also of a command line that cannot be understood, and of a traceback."""
    done = shell("fleettickets", *line, "--log-format", "json")
    documents = [json.loads(text) for text in done.err.splitlines()]
    assert documents
    assert {tuple(document) for document in documents} == {("at", "level", "message")}
    assert documents[-1]["level"] == "error"
    assert documents[-1]["message"].startswith("fleettickets: ")


def test_quality_is_exported_with_the_clocks_of_the_instant_it_speaks_of(shell: Shell) -> None:
    """An export about the past that carried today's clocks would lie about its age."""
    done = shell("fleettickets", "export", "quality", "--format", "json", "--dataset", "inc", "--at", "2024-06-22")
    document = json.loads(done.out)
    assert {row["dataset"] for row in document["rows"]} == {"inc"}
    assert {"rule", "count", "of", "share"} <= set(document["rows"][0])
    assert document["clocks"]["now"] == "2024-06-22T00:00:00+03:00"
    assert document["clocks"]["inc"]["file_ts"] is None
    refused = shell("fleettickets", "export", "quality", "--format", "geojson")
    assert (refused.exit_code, "quality has no places" in refused.err) == (2, True)
