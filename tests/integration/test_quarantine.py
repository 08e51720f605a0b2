"""What could not be used is seen, read again at its own place in time, or discarded; on a real bucket and database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, Any

import pytest
from feed import closed, key, sheet, ticket
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleettickets import db
from fleettickets.clean import rows as rules
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import INC
from fleettickets.errors import UpstreamError
from fleettickets.load.quarantine import held, versions
from fleettickets.pipeline import Order, ingest
from fleettickets.source.again import Again

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fleettickets.db import Connection
    from fleettickets.report import RunReport
    from fleettickets.source.bucket import Bucket
    from fleettickets.source.files import FileVersion, Source

    Shell = Callable[..., Any]

NOW = datetime(2026, 6, 25, 9, tzinfo=UTC)
EARLY, LATE, FUTURE = "2026-06-22 10:00:00", "2026-06-22 12:00:00", "2026-06-30 10:00:00"
IMPOSSIBLE = f"{INC.changes}2026-13-45T99-99-99.csv"
HTML = b"<html>\x1b[31m502 Bad Gateway</html>\n"
STATE = """
    SELECT ticket_id, raw, geo_source, source_exported_at, source_modified, source_etag, source_line
    FROM tickets.inc
    ORDER BY ticket_id
"""


def put(bucket: Bucket, when: str, body: bytes) -> str:
    name = when if when.startswith(INC.root) else key(INC, when)
    bucket.client.put_object(Bucket=bucket.name, Key=name, Body=body)
    return name.rpartition("/")[2]


def run(
    source: Source, database_url: str, now: datetime = NOW, *, again: bool = False, apply: bool = True
) -> RunReport:
    order = Order(INC, "test", apply=apply, again=again)
    return ingest(order, source, lambda: db.connect(database_url), now, NOBODY)


def retry(
    bucket: Source, database_url: str, now: datetime = NOW, *, accept_future: bool = False, apply: bool = True
) -> RunReport:
    with db.connect(database_url) as connection:
        chosen = {one.file_id for one in held(connection, discarded=True)}
        found = versions(connection, sorted(chosen), now, accept_future=accept_future)
    return run(Again(bucket, tuple(found["inc"])), database_url, now, again=True, apply=apply)


def keys(bucket: Bucket) -> set[str]:
    pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name)
    return {item["Key"] for page in pages for item in page.get("Contents", [])}


def ledger(connection: Connection, *columns: str) -> list[tuple[Any, ...]]:
    query = f"SELECT {', '.join(columns)} FROM tickets.import_files ORDER BY key"  # noqa: S608  # a test's own columns
    return connection.execute(query).fetchall()


def ids(connection: Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT ticket_id FROM tickets.inc").fetchall()}


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes a rule of the cleaner narrower than it is; a later version of the code is the usual one."""

    def narrow(columns: int = 500, id_bytes: int = 200) -> None:
        monkeypatch.setattr(rules, "_MOST_COLUMNS", columns)
        monkeypatch.setattr(rules, "_LONGEST_ID_BYTES", id_bytes)

    return narrow


@pytest.mark.parametrize("upload", ["plain", "multipart"])
def test_a_file_that_is_usable_after_a_change_of_the_rules_is_released(
    bucket: Bucket, connection: Connection, database_url: str, strict: Callable[..., None], upload: str
) -> None:
    """It is applied with its own time, moves from quarantine/ to processed/, and the next run finds nothing to do."""
    strict(columns=3)
    name = key(INC, EARLY)
    body = sheet([ticket("A1", owner="old"), ticket("A2", owner="only here")])
    if upload == "plain":
        put(bucket, EARLY, body)
    else:
        begun = bucket.client.create_multipart_upload(Bucket=bucket.name, Key=name)["UploadId"]
        target: dict[str, Any] = {"Bucket": bucket.name, "Key": name, "UploadId": begun}
        part = bucket.client.upload_part(**target, PartNumber=1, Body=body)
        parts: Any = [{"ETag": part["ETag"], "PartNumber": 1}]
        bucket.client.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    assert run(bucket, database_url).exit_code == 3
    strict()
    put(bucket, LATE, sheet([ticket("A1", owner="new")]))
    run(bucket, database_url)
    report = retry(bucket, database_url)
    assert (report.exit_code, report.rows.new, report.rows.stale, report.archived) == (0, 1, 1, 1)
    assert keys(bucket) == {INC.processed + name.rpartition("/")[2], INC.processed + key(INC, LATE).rpartition("/")[2]}
    assert ledger(connection, "state", "attempts", "archived_at IS NOT NULL", "archive_key LIKE '%processed%'") == [
        ("applied", 2, True, True),
        ("applied", 1, True, True),
    ]
    owners = connection.execute("SELECT ticket_id, owner FROM tickets.inc ORDER BY 1").fetchall()
    assert owners == [("A1", "new"), ("A2", "only here")]
    again = run(bucket, database_url)
    assert (again.exit_code, again.rows.read, again.to_archive) == (0, 0, 0)


def test_a_file_that_is_still_unusable_stays_in_quarantine_whole(
    bucket: Bucket, connection: Connection, database_url: str
) -> None:
    """Reading it again must not move it onto itself and delete the only copy."""
    name = put(bucket, EARLY, HTML)
    run(bucket, database_url)
    for attempts in (2, 3):
        assert retry(bucket, database_url).exit_code == 3
        assert ledger(connection, "state", "reason", "attempts", "archive_key", "archived_at IS NOT NULL") == [
            ("quarantined", "no_header", attempts, INC.quarantine + name, True)
        ]
    stored = bucket.client.get_object(Bucket=bucket.name, Key=INC.quarantine + name)["Body"].read()
    assert (stored, keys(bucket)) == (HTML, {INC.quarantine + name})


def test_a_dry_retry_changes_nothing(
    bucket: Bucket, connection: Connection, database_url: str, strict: Callable[..., None]
) -> None:
    strict(columns=3)
    name = put(bucket, EARLY, sheet([ticket("A1")]))
    run(bucket, database_url)
    strict()
    before = connection.execute("SELECT xmin, f FROM tickets.import_files AS f").fetchall()
    report = retry(bucket, database_url, apply=False)
    assert (report.exit_code, report.rows.new, report.to_archive) == (0, 1, 1)
    assert connection.execute("SELECT xmin, f FROM tickets.import_files AS f").fetchall() == before
    assert (ids(connection), keys(bucket)) == (set(), {INC.quarantine + name})


def test_a_file_from_the_future_is_released_when_its_time_has_come_or_by_decision(
    bucket: Bucket, connection: Connection, database_url: str
) -> None:
    put(bucket, FUTURE, sheet([ticket("A1")]))
    put(bucket, IMPOSSIBLE, sheet([ticket("A2")]))
    assert run(bucket, database_url).watermark_to is None
    assert retry(bucket, database_url).exit_code == 3
    assert ledger(connection, "state", "reason") == [
        ("quarantined", "file_from_future"),
        ("quarantined", "impossible_time"),
    ]
    report = retry(bucket, database_url, NOW + timedelta(days=7))
    assert (report.exit_code, report.watermark_to) == (3, key(INC, FUTURE))
    assert ids(connection) == {"A1"}
    assert ledger(connection, "state") == [("applied",), ("quarantined",)]


def test_a_decision_releases_a_file_before_its_time(bucket: Bucket, connection: Connection, database_url: str) -> None:
    put(bucket, FUTURE, sheet([ticket("A1")]))
    run(bucket, database_url)
    assert retry(bucket, database_url, accept_future=True).exit_code == 0
    assert ids(connection) == {"A1"}


@dataclass
class Unmoving:
    """The bucket, which moves nothing: as if the process had ended after the commit."""

    bucket: Bucket
    archives: bool = True

    def listing(self, *arguments: Any) -> list[FileVersion]:
        return self.bucket.listing(*arguments)

    def fetch(self, version: FileVersion) -> IO[bytes]:
        return self.bucket.fetch(version)

    def archive(self, version: FileVersion, folder: str) -> str | None:
        raise UpstreamError(f"not now: {version.key} to {folder}")


def test_the_next_run_moves_what_was_released_and_not_moved(
    bucket: Bucket, connection: Connection, database_url: str, strict: Callable[..., None]
) -> None:
    strict(columns=3)
    name = put(bucket, EARLY, sheet([ticket("A1")]))
    run(bucket, database_url)
    strict()
    assert retry(Unmoving(bucket), database_url).exit_code == 5
    assert (ids(connection), keys(bucket)) == ({"A1"}, {INC.quarantine + name})
    report = run(bucket, database_url)
    assert (report.rows.read, report.archived, keys(bucket)) == (0, 1, {INC.processed + name})
    assert ledger(connection, "state", "archive_key") == [("applied", INC.processed + name)]


def test_what_cannot_be_read_now_stays_quarantined(bucket: Bucket, connection: Connection, database_url: str) -> None:
    """A store that fails, or lost the object, changes nothing in the ledger."""
    name = put(bucket, EARLY, HTML)
    run(bucket, database_url)
    before = ledger(connection, "state", "reason", "attempts", "archive_key")
    bucket.client.delete_object(Bucket=bucket.name, Key=INC.quarantine + name)
    report = retry(bucket, database_url)
    assert (report.exit_code, dict(report.files)) == (7, {"failed": 1})
    run(bucket, database_url)
    assert ledger(connection, "state", "reason", "attempts", "archive_key") == before


def test_rejected_rows_that_are_usable_after_a_change_of_the_rules_are_released(
    bucket: Bucket, connection: Connection, database_url: str, strict: Callable[..., None]
) -> None:
    """Their file is read again where it lies: a newer file still wins, rows already merged do not change."""
    strict(id_bytes=4)
    rows = [ticket("LONGER-1", owner="old"), ticket("A1"), ticket("LONGER-2")]
    name = put(bucket, EARLY, sheet(rows) + b"A3,cut\n")
    assert run(bucket, database_url).rows.rejected == 3
    strict()
    put(bucket, LATE, sheet([closed("LONGER-1", owner="new")]))
    run(bucket, database_url)
    report = retry(bucket, database_url)
    assert (report.rows.new, report.rows.stale, report.rows.unchanged, report.rows.rejected) == (1, 1, 1, 1)
    assert [(one.line, one.reason) for one in held(connection)] == [(5, "ragged")]
    owners = connection.execute("SELECT ticket_id, owner FROM tickets.inc ORDER BY 1").fetchall()
    assert owners == [("A1", None), ("LONGER-1", "new"), ("LONGER-2", None)]
    assert INC.processed + name in keys(bucket)


def test_rows_that_are_merged_stay_merged_when_a_rule_becomes_narrower(
    bucket: Bucket, connection: Connection, database_url: str, strict: Callable[..., None]
) -> None:
    name = put(bucket, EARLY, sheet([ticket("A1")]) + b"A3,cut\n")
    run(bucket, database_url)
    strict(columns=3)
    report = retry(bucket, database_url)
    assert [note.rpartition(": ")[2] for note in report.notes] == ["too_many_columns"]
    assert ledger(connection, "state", "rows_rejected") == [("applied", 1)]
    assert (keys(bucket), ids(connection)) == ({INC.processed + name}, {"A1"})


def test_a_reseed_leaves_quarantine_alone(bucket: Bucket, connection: Connection, database_url: str) -> None:
    put(bucket, EARLY, HTML)
    run(bucket, database_url)
    order = Order(INC, "test", apply=True, reseed=True)
    ingest(order, bucket, lambda: db.connect(database_url), NOW, NOBODY)
    assert [one.reason for one in held(connection)] == ["no_header"]


def test_the_ingest_role_may_do_all_of_it(
    bucket: Bucket, database_url: str, connection: Connection, strict: Callable[..., None]
) -> None:
    strict(id_bytes=4)
    put(bucket, EARLY, sheet([ticket("LONGER-1"), ticket("A1")]))
    run(bucket, database_url)
    strict()

    def connect() -> Connection:
        opened = db.connect(database_url)
        opened.execute("SET ROLE fleettickets_ingest")
        return opened

    with connect() as worker:
        found = versions(worker, [one.file_id for one in held(worker)], NOW)
    order = Order(INC, "test", apply=True, again=True)
    report = ingest(order, Again(bucket, tuple(found["inc"])), connect, NOW, NOBODY)
    assert (report.exit_code, report.error, ids(connection)) == (0, None, {"LONGER-1", "A1"})


ROWS = st.lists(
    st.builds(
        ticket,
        st.sampled_from(["A1", "A2", "LONGER-1", "LONGER-2"]),
        owner=st.sampled_from(["x", "y", "z"]),
        is_alarm=st.sampled_from(["true", "false", "false"]),
    ),
    max_size=4,
)
FILES = st.lists(
    st.tuples(st.integers(0, 23), ROWS, st.sampled_from(["good", "wide", "future"])),
    min_size=1,
    max_size=5,
    unique_by=lambda file: file[0],
)


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES, released_after=st.integers(0, 5))
def test_releasing_equals_having_accepted_at_its_own_place(
    bucket: Bucket,
    connection: Connection,
    database_url: str,
    files: list[tuple[int, list[dict[str, str]], str]],
    released_after: int,
) -> None:
    """Whatever was held back for its width, its time or its rows, and whenever it is released: the same tickets."""
    connection.execute(
        "TRUNCATE tickets.inc, tickets.alarm_rows, tickets.import_files, tickets.rejected_rows, tickets.import_meta"
    )
    for name in keys(bucket):
        bucket.client.delete_object(Bucket=bucket.name, Key=name)
    later = NOW + timedelta(days=30)
    for at, (hour, rows, kind) in enumerate(files):
        with pytest.MonkeyPatch.context() as patch:
            if at < released_after:
                patch.setattr(rules, "_LONGEST_ID_BYTES", 4)
                patch.setattr(rules, "_MOST_COLUMNS", 40)
            day = "2026-07-01" if kind == "future" else "2026-06-22"
            columns = [*ticket("x"), *(f"more_{n}" for n in range(20))] if kind == "wide" else [*ticket("x")]
            put(bucket, f"{day} {hour:02}:00:00", sheet(rows, columns))
            run(bucket, database_url, NOW)
        if at >= released_after and held(connection):
            retry(bucket, database_url, later)
    if held(connection):
        retry(bucket, database_url, later)
    assert held(connection) == []
    released = connection.execute(STATE).fetchall()
    watermark = connection.execute("SELECT metadata FROM tickets.import_meta").fetchall()
    stored = versions(connection, [file_id for (file_id,) in ledger(connection, "file_id")], later)
    connection.execute("TRUNCATE tickets.inc, tickets.alarm_rows, tickets.import_files, tickets.import_meta")
    accepted = Again(bucket, tuple(stored["inc"]))
    assert run(accepted, database_url, later, again=True).exit_code == 0
    assert connection.execute(STATE).fetchall() == released
    assert connection.execute("SELECT metadata FROM tickets.import_meta").fetchall() == watermark


def document(done: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(done.out)
    return answer


@pytest.fixture
def filled(bucket: Bucket, database_url: str) -> str:
    """A quarantined file and a rejected row; the file's number."""
    put(bucket, EARLY, HTML)
    put(bucket, LATE, sheet([ticket("A1")]) + b"A3,\x1b[2Jcut\n")
    run(bucket, database_url)
    with db.connect(database_url) as connection:
        return str(held(connection)[0].file_id)


def test_the_list_names_file_row_reason_and_line(shell: Shell, filled: str) -> None:
    done = shell("fleettickets", "quarantine", "list")
    assert (done.exit_code, done.err) == (0, "")
    first, second = done.out.splitlines()
    assert first.split()[0] == filled
    assert first.endswith(f"no_header  {key(INC, EARLY)}")
    assert second.endswith(f"ragged  {key(INC, LATE)} line 3")
    found = document(shell("fleettickets", "quarantine", "list", "inc", "--json"))
    assert found["total"] == {"files": 1, "rows": 1}
    assert [one["reason"] for one in found["files"] + found["rows"]] == ["no_header", "ragged"]
    assert document(shell("fleettickets", "--json", "quarantine", "list", "crq"))["total"] == {"files": 0, "rows": 0}


def test_show_makes_control_characters_visible(shell: Shell, filled: str) -> None:
    """A hostile file does not move the cursor of whoever looks at it."""
    file = shell("fleettickets", "quarantine", "show", filled)
    row = shell("fleettickets", "quarantine", "show", f"{key(INC, LATE).rpartition('/')[2]}:3")
    assert (file.exit_code, row.exit_code) == (0, 0)
    assert r"  | <html>\x1b[31m502 Bad Gateway</html>" in file.out.splitlines()
    assert r"  | A3,\x1b[2Jcut" in row.out.splitlines()
    assert "\x1b" not in file.out + row.out
    assert document(shell("fleettickets", "--json", "quarantine", "show", filled))["files"][0]["reason"] == "no_header"


def test_discard_records_who_and_when_and_keeps_the_evidence(
    shell: Shell, bucket: Bucket, connection: Connection, filled: str
) -> None:
    """Dry first; then it is gone from list and status, and its record and object are where they were."""
    before = keys(bucket)
    dry = shell("fleettickets", "quarantine", "discard", "--all")
    assert dry.out.splitlines()[-1] == "1 file and 1 row would be discarded; add --apply"
    assert len(held(connection)) == 2
    done = shell("fleettickets", "quarantine", "discard", filled, "--by", "Jane", "--apply", "--json")
    assert document(done) == {"discarded": [filled], "applied": True, "by": "Jane"}
    assert [one.reason for one in held(connection)] == ["ragged"]
    (kept,) = held(connection, reference=filled, discarded=True)
    assert (kept.discarded_by, kept.discarded_at is not None) == ("Jane", True)
    shell("fleettickets", "quarantine", "discard", "--all", "--apply")
    assert shell("fleettickets", "quarantine", "list").out == "nothing is in quarantine\n"
    assert "discarded by Jane" in shell("fleettickets", "quarantine", "list", "--discarded").out
    status = document(shell("fleettickets", "--json", "status"))["datasets"]["inc"]
    assert (status["files"]["quarantined"], status["rejected_rows"]) == (0, 0)
    assert connection.execute("SELECT record FROM tickets.rejected_rows").fetchall() == [("A3,\x1b[2Jcut",)]
    assert keys(bucket) == before


def test_retry_is_dry_unless_told_and_says_what_is_left(
    shell: Shell, bucket: Bucket, connection: Connection, filled: str
) -> None:
    before = keys(bucket)
    dry = shell("fleettickets", "quarantine", "retry", filled)
    assert (dry.exit_code, "dry run: what --apply would do" in dry.out) == (3, True)
    assert ledger(connection, "attempts") == [(1,), (1,)]
    row = shell("fleettickets", "--json", "quarantine", "retry", key(INC, LATE), "--apply")
    (report,) = document(row)["runs"]
    assert (row.exit_code, report["error"], report["rows"]["unchanged"]) == (3, "1 row still cannot be used", 1)
    assert keys(bucket) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "999"), "999 is not in quarantine"),
        (("show", "1:1:x\x1b"), r"1:1:x\x1b is not in quarantine"),
        (("retry", "999", "--apply"), "999 is not in quarantine"),
        (("retry",), "or give --all"),
        (("retry", "1", "--all"), "or give --all"),
        (("discard", "no-such-file.csv"), "no-such-file.csv is not in quarantine"),
    ],
)
def test_what_is_not_in_quarantine_is_one_clear_line(shell: Shell, arguments: Iterable[str], words: str) -> None:
    done = shell("fleettickets", "quarantine", *arguments)
    assert (done.exit_code, done.out, done.err.count("\n")) == (2, "", 1)
    assert words in done.err


def test_a_file_of_a_local_folder_is_not_asked_from_the_store(shell: Shell, tmp_path: Any) -> None:
    (tmp_path / "2026-06-22T10-00-00.csv").write_bytes(HTML)
    shell("fleettickets", "ingest", "inc", "--dir", str(tmp_path), "--apply")
    done = shell("fleettickets", "quarantine", "retry", "--all", "--apply")
    assert done.exit_code == 2
    assert "repair that file and ingest it again" in done.err


def test_retry_waits_for_no_other_run(shell: Shell, connection: Connection, filled: str) -> None:
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('fleettickets:inc', 0))")
        done = shell("fleettickets", "quarantine", "retry", filled, "--apply")
    assert done.exit_code == 6
