"""Odd keys and archiving in the real bucket: nothing is fetched by a wrong name, nothing is overwritten or left."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from feed import sheet, ticket

from fleettickets import db
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import INC
from fleettickets.pipeline import Order, ingest
from fleettickets.source.files import FileUnusableError, Model

if TYPE_CHECKING:
    from fleettickets.report import RunReport
    from fleettickets.source.bucket import Bucket

NOW = datetime(2026, 6, 25, 9, tzinfo=UTC)
NAME = "2026-06-22T10-00-00.csv"
GOOD = "2026-06-22T11-00-00.csv"
ODD = [
    "2026-06-22T10-00-00.CSV",
    "2026-06-22T10-00-00.csv.gz",
    "2026-06-22T10-00-00.csv.tmp",
    "2026-06-22 10:00:00.csv",
    "2026-06-22T10-00-00Z.csv",
    "2026-6-22T10-00-00.csv",
    "x2026-06-22T10-00-00.csv",
    "nested/2026-06-22T10-00-00.csv",
    "nested/",
    "..2026-06-22T10-00-00.csv",
    "2026-06-22T10-00-00.csv\n",
    "2026-06-22T10-00-00\n.csv",
    "2026-06-22T10-00-00.csv'; DROP TABLE tickets.inc; --",
    '2026-06-22T10-00-00".csv',
    "٢٠٢٦-06-22T10-00-00.csv",
    "Zoë.csv",
    "🎫.csv",
    "%2e%2e.csv",
    "a+b c&d=e?f#g.csv",
    "manifest.json",
]


def put(bucket: Bucket, name: str, body: bytes, folder: str = INC.changes) -> None:
    bucket.client.put_object(Bucket=bucket.name, Key=folder + name, Body=body)


def run(bucket: Bucket, database_url: str, now: datetime = NOW) -> RunReport:
    return ingest(Order(INC, "test", apply=True), bucket, lambda: db.connect(database_url), now, NOBODY)


def objects(bucket: Bucket) -> dict[str, bytes]:
    found = {}
    for item in bucket.client.list_objects_v2(Bucket=bucket.name, MaxKeys=1000).get("Contents", []):
        found[item["Key"]] = bucket.client.get_object(Bucket=bucket.name, Key=item["Key"])["Body"].read()
    return found


def files(connection: db.Connection) -> dict[str, dict[str, Any]]:
    return dict(connection.execute("SELECT key, to_jsonb(f) FROM tickets.import_files AS f").fetchall())


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_a_name_that_is_no_export_is_recorded_once_and_left_alone(
    name: str, bucket: Bucket, connection: db.Connection, database_url: str
) -> None:
    put(bucket, name, sheet([ticket("ODD")]))
    put(bucket, GOOD, sheet([ticket("A1")]))
    reports = [run(bucket, database_url), run(bucket, database_url)]
    entry = files(connection)[INC.changes + name]
    assert (entry["state"], entry["reason"], entry["attempts"]) == ("unexpected", "unexpected_name", 1)
    assert set(objects(bucket)) == {INC.changes + name, INC.processed + GOOD}
    assert connection.execute("SELECT ticket_id FROM tickets.inc").fetchall() == [("A1",)]
    assert [report.files["unexpected"] for report in reports] == [1, 0]
    assert [report.exit_code for report in reports] == [0, 0]


def test_the_folder_marker_is_no_file(bucket: Bucket, connection: db.Connection, database_url: str) -> None:
    bucket.client.put_object(Bucket=bucket.name, Key=INC.changes, Body=b"")
    put(bucket, GOOD, sheet([ticket("A1")]))
    assert run(bucket, database_url).exit_code == 0
    assert set(files(connection)) == {INC.changes + GOOD}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("2026-13-45T99-99-99.csv", "impossible_time"),
        ("2026-02-30T10-00-00.csv", "impossible_time"),
        ("0000-00-00T00-00-00.csv", "impossible_time"),
        ("2031-01-01T00-00-00.csv", "file_from_future"),
        ("9999-12-31T23-59-59.csv", "file_from_future"),
        ("2026-06-25T13-00-01.csv", "file_from_future"),
    ],
)
def test_a_time_that_cannot_be_is_quarantined_unread_and_moves_nothing(
    name: str, reason: str, bucket: Bucket, connection: db.Connection, database_url: str
) -> None:
    body = sheet([ticket("ODD")])
    put(bucket, name, body)
    put(bucket, GOOD, sheet([ticket("A1")]))
    report = run(bucket, database_url)
    assert (report.exit_code, report.watermark_to) == (3, INC.changes + GOOD)
    entry = files(connection)[INC.changes + name]
    assert (entry["state"], entry["reason"], entry["rows_read"]) == ("quarantined", reason, 0)
    assert objects(bucket)[INC.quarantine + name] == body
    assert set(objects(bucket)) == {INC.quarantine + name, INC.processed + GOOD}
    assert connection.execute("SELECT ticket_id FROM tickets.inc").fetchall() == [("A1",)]


def test_a_clock_up_to_an_hour_ahead_is_tolerated(bucket: Bucket, connection: db.Connection, database_url: str) -> None:
    put(bucket, "2026-06-25T13-00-00.csv", sheet([ticket("A1")]))
    assert run(bucket, database_url).files["applied"] == 1
    assert connection.execute("SELECT ticket_id FROM tickets.inc").fetchall() == [("A1",)]


def test_identical_bytes_put_again_are_archived_not_left_behind(
    bucket: Bucket, connection: db.Connection, database_url: str
) -> None:
    body = sheet([ticket("A1")])
    for _ in range(2):
        put(bucket, NAME, body)
        assert run(bucket, database_url).files["applied"] == 1
        assert objects(bucket) == {INC.processed + NAME: body}
        time.sleep(1.1)  # last-modified has whole seconds
    assert connection.execute("SELECT count(*) FROM tickets.import_files").fetchone() == (2,)


def test_other_content_under_an_archived_name_gets_a_name_of_its_own(
    bucket: Bucket, connection: db.Connection, database_url: str
) -> None:
    bodies = [sheet([ticket("A1", owner=owner)]) for owner in ("one", "two", "three")]
    for body in bodies:
        put(bucket, NAME, body)
        assert run(bucket, database_url).exit_code == 0
        time.sleep(1.1)  # the version with the later upload wins
    found = objects(bucket)
    assert sorted(found.values()) == sorted(bodies)
    assert found[INC.processed + NAME] == bodies[0]
    assert all(key.startswith(INC.processed) for key in found)
    keys = connection.execute("SELECT archive_key FROM tickets.import_files").fetchall()
    assert {key for (key,) in keys} == set(found)
    assert connection.execute("SELECT owner FROM tickets.inc").fetchall() == [("three",)]


def test_a_foreign_object_under_the_archive_name_is_not_overwritten(bucket: Bucket, database_url: str) -> None:
    body = sheet([ticket("A1")])
    put(bucket, NAME, b"somebody else's", INC.processed)
    put(bucket, NAME, b"<html>", INC.changes)
    put(bucket, NAME, b"theirs too", INC.quarantine)
    put(bucket, GOOD, body)
    assert run(bucket, database_url).exit_code == 3
    found = objects(bucket)
    assert found[INC.processed + NAME] == b"somebody else's"
    assert found[INC.quarantine + NAME] == b"theirs too"
    assert sorted(found.values()) == sorted([b"somebody else's", b"theirs too", b"<html>", body])
    assert not [key for key in found if key.startswith(INC.changes)]


def test_a_multipart_upload_is_read_and_archived(bucket: Bucket, connection: db.Connection, database_url: str) -> None:
    body = sheet([ticket(f"A{at}", owner="x" * 500_000) for at in range(12)])
    to = {"Bucket": bucket.name, "Key": INC.changes + NAME}
    upload = bucket.client.create_multipart_upload(**to)["UploadId"]  # type: ignore[arg-type]
    parts = []
    for number, part in enumerate((body[: 5 << 20], body[5 << 20 :]), start=1):
        answer = bucket.client.upload_part(**to, UploadId=upload, PartNumber=number, Body=part)  # type: ignore[arg-type]
        parts.append({"ETag": answer["ETag"], "PartNumber": number})
    bucket.client.complete_multipart_upload(**to, UploadId=upload, MultipartUpload={"Parts": parts})  # type: ignore[arg-type,typeddict-item]
    assert run(bucket, database_url).files["applied"] == 1
    assert files(connection)[INC.changes + NAME]["etag"].endswith("-2")
    assert objects(bucket) == {INC.processed + NAME: body}
    assert run(bucket, database_url).exit_code == 0


def test_an_object_too_large_is_refused_before_it_is_read(bucket: Bucket) -> None:
    put(bucket, NAME, b"x")
    (version,) = bucket.listing(INC, Model.CHANGES, NOW)
    with pytest.raises(FileUnusableError, match="larger than 4 GiB"):
        bucket.fetch(replace(version, size_bytes=5 << 30))


def test_running_again_changes_neither_bucket_nor_books(
    bucket: Bucket, connection: db.Connection, database_url: str
) -> None:
    for name, body in {NAME: b"", GOOD: sheet([ticket("A1")]), "odd.txt": b"?"}.items():
        put(bucket, name, body)
    run(bucket, database_url)
    query = "SELECT xmin::text, ctid::text, f::text FROM tickets.import_files AS f ORDER BY file_id"
    before = objects(bucket), connection.execute(query).fetchall()
    assert run(bucket, database_url).exit_code == 0
    assert (objects(bucket), connection.execute(query).fetchall()) == before
