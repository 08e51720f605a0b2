"""The store answers wrongly, slowly, partly or not at all: nothing wrong is applied, and the next run goes on."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from faults.proxy import Fault, TcpProxy
from faults.store import Rule, StoreProxy
from faults.world import World, assert_archived, assert_undisturbed
from feed import key, sheet, ticket

from fleettickets.datasets import INC

if TYPE_CHECKING:
    from fleettickets import db

DEADLINE_S = 2
GIVEN_UP_S = 30.0
SECOND = "T07-00-00"


def test_the_proxy_alone_changes_nothing(world: World, twin: db.Connection) -> None:
    """Signed requests pass byte for byte."""
    world.fill()
    with StoreProxy(world.store_port) as proxy:
        assert world.run(store=proxy.port).exit_code == 0
    assert {kind for kind, _ in proxy.log.requests} == {"LIST", "GET", "HEAD", "COPY", "DELETE"}
    assert_undisturbed(world, twin)


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        *((kind, (503, "SlowDown")) for kind in ("LIST", "GET", "HEAD", "COPY", "DELETE")),
        ("GET", (500, "InternalError")),
    ],
)
def test_twice_refused_then_fine_the_same_run_succeeds(
    world: World, twin: db.Connection, kind: str, answer: tuple[int, str]
) -> None:
    """Passing faults are tried again within the run."""
    world.fill(2)
    with StoreProxy(world.store_port, Rule(kind, times=2, answer=answer)) as proxy:
        assert world.run(store=proxy.port).exit_code == 0
    assert_undisturbed(world, twin)


def test_500_on_every_get_ends_with_7_and_the_next_run_resumes(world: World, twin: db.Connection) -> None:
    """Nothing was applied, nothing moved; the files are still pending."""
    world.fill(2)
    with StoreProxy(world.store_port, Rule("GET", answer=(500, "InternalError"))) as proxy:
        assert world.run(store=proxy.port).exit_code == 7
    assert (world.owners(), set(world.states().values())) == ({}, {"failed"})
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


def test_a_store_that_fails_every_file_is_left_alone_after_three(world: World, twin: db.Connection) -> None:
    """The run does not knock on every door of a house that burns."""
    world.fill(5)
    with StoreProxy(world.store_port, Rule("GET", answer=(403, "AccessDenied"))) as proxy:
        assert world.run(store=proxy.port).exit_code == 7
    assert len(world.states()) == 3
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


DAMAGE = {
    "short, Content-Length kept": Rule("GET", SECOND, shorten="kept"),
    "short, Content-Length dropped": Rule("GET", SECOND, shorten="dropped"),
    "a flipped bit": Rule("GET", SECOND, flip=True),
    "dripping": Rule("GET", SECOND, drip_bytes_per_s=50),
    "never answered": Rule("GET", SECOND, silent=True),
    "refused": Rule("GET", SECOND, answer=(403, "AccessDenied")),
    "answered without a word": Rule("GET", SECOND, answer=(500, "")),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_body_is_never_applied(world: World, twin: db.Connection, name: str) -> None:
    """The file stays pending, the others go on, exit 5; the next run takes it whole."""
    rule = DAMAGE[name]
    rule.met = 0
    world.fill()
    with StoreProxy(world.store_port, rule) as proxy:
        hurt = world.run(store=proxy.port, timeout_s=GIVEN_UP_S, deadline_s=DEADLINE_S)
    assert hurt.exit_code == 5
    assert world.states()["2026-06-22T07-00-00.csv"] == "failed"
    assert "hour 07" not in world.owners().values()
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin, counts=False)


def test_a_wrong_etag_on_the_answer_changes_nothing(world: World, twin: db.Connection) -> None:
    """What counts is the checksum of the bytes, not what the answer calls them."""
    world.fill(2)
    with StoreProxy(world.store_port, Rule("GET", etag="0" * 32)) as proxy:
        assert world.run(store=proxy.port).exit_code in {0, 5, 7}
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


@pytest.mark.parametrize("kind", ["HEAD", "COPY", "DELETE"])
def test_while_files_cannot_be_moved_the_data_is_right_and_the_next_run_archives(
    world: World, twin: db.Connection, kind: str
) -> None:
    """Archiving refused: exit 5, every ticket there; the ledger knows what is left to do."""
    world.fill()
    with StoreProxy(world.store_port, Rule(kind, answer=(403, "AccessDenied"))) as proxy:
        refused = world.run(store=proxy.port)
    assert refused.exit_code == 5
    assert "not archived" in refused.out
    assert len(world.owners()) == 5
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


def test_a_copy_that_fails_for_one_run_is_made_by_the_next(world: World, twin: db.Connection) -> None:
    """500 on COPY, more often than one run tries."""
    world.fill(2)
    with StoreProxy(world.store_port, Rule("COPY", SECOND, answer=(500, "InternalError"))) as proxy:
        assert world.run(store=proxy.port).exit_code == 5
    assert [at for at in world.objects() if at.startswith(INC.changes)] == [world.put_at[1][0]]
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


@pytest.mark.parametrize("kind", ["COPY", "DELETE"])
def test_a_store_that_goes_silent_while_archiving_does_not_hold_the_run(
    world: World, twin: db.Connection, kind: str
) -> None:
    """The data is committed; the run says what was not archived and ends."""
    world.fill(2)
    with StoreProxy(world.store_port, Rule(kind, silent=True)) as proxy:
        assert world.run(store=proxy.port, timeout_s=GIVEN_UP_S, deadline_s=DEADLINE_S).exit_code == 5
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


REFUSALS = {
    "NoSuchBucket": (404, 2),
    "AccessDenied": (403, 2),
    "RequestTimeTooSkewed": (403, 2),
    "InvalidAccessKeyId": (403, 2),
    "InternalError": (500, 7),
    "SlowDown": (503, 7),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_a_listing_that_is_refused_says_why_and_touches_nothing(world: World, code: str) -> None:
    """One line on stderr with what to do; no ticket, no ledger row."""
    status, exit_code = REFUSALS[code]
    world.fill(1)
    with StoreProxy(world.store_port, Rule("LIST", answer=(status, code))) as proxy:
        refused = world.run(store=proxy.port)
    assert (refused.exit_code, refused.out, world.states()) == (exit_code, "", {})
    assert len(refused.err.splitlines()) == 1


@pytest.mark.parametrize("page", [b"", b"<html><body>Please log in</body></html>"], ids=["empty", "login"])
def test_a_page_in_place_of_a_listing_is_not_an_empty_bucket(world: World, page: bytes) -> None:
    """A gateway answers 200 for the store: nothing new would be a lie."""
    world.fill(1)
    with StoreProxy(world.store_port, Rule("LIST", page=page)) as proxy:
        refused = world.run(store=proxy.port)
    assert (refused.exit_code, refused.out, world.states()) == (7, "", {})
    assert "is no store: check RUSTFS_ENDPOINT_URL" in refused.err


@pytest.mark.parametrize("kind", ["GET", "HEAD", "COPY", "DELETE"])
def test_a_page_in_place_of_an_answer_loses_nothing(world: World, twin: db.Connection, kind: str) -> None:
    """Whatever a gateway says in the store's name, the next run finds the files and finishes."""
    world.fill(1)
    with StoreProxy(world.store_port, Rule(kind, page=b"<html><body>Please log in</body></html>")) as proxy:
        assert world.run(store=proxy.port).exit_code in {0, 5, 7}
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


def test_a_bucket_that_does_not_exist_is_named(world: World) -> None:
    """The real store's answer, not the proxy's."""
    missing = world.run(RUSTFS_BUCKET="nobody-made-this")
    assert missing.exit_code == 2
    assert "'nobody-made-this'" in missing.err


def test_a_wrong_secret_key_is_refused_without_showing_it(world: World) -> None:
    """The real store's answer; the wrong key is a secret too."""
    wrong = "c4n4ry-wrong-key"
    refused = world.run(RUSTFS_SECRET_KEY=wrong)
    assert refused.exit_code == 2
    assert wrong not in refused.out + refused.err


@pytest.mark.parametrize("fault", [Fault("drop"), Fault("cut")], ids=lambda fault: fault.kind)
def test_a_store_that_cannot_be_reached_ends_the_run_in_time(world: World, fault: Fault) -> None:
    """Taken and never answered, or reset: exit 7 within the deadline and its retries."""
    world.fill(1)
    with TcpProxy(world.store_port, fault) as proxy:
        ended = world.run(store=proxy.port, timeout_s=GIVEN_UP_S, deadline_s=DEADLINE_S)
    assert (ended.exit_code, world.states()) == (7, {})


def test_a_listing_that_drips_ends_by_our_own_clock(world: World, twin: db.Connection) -> None:
    """Each byte restarts a socket timeout: only a clock of our own ends it."""
    world.fill(2)
    with StoreProxy(world.store_port, Rule("LIST", drip_bytes_per_s=20)) as proxy:
        assert world.run(store=proxy.port, timeout_s=15, deadline_s=DEADLINE_S).exit_code == 7
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


def test_a_listing_of_thousands_is_read_to_its_end(world: World) -> None:
    """2,300 keys come in three pages; the exports on the last one count as much as the first key."""
    start = datetime.fromisoformat("2026-06-01 00:00:00")
    times = [str(start + timedelta(minutes=n)) for n in range(100)]
    bodies = {key(INC, when): sheet([]) for when in times} | {f"{INC.changes}{n:04}.txt": b"" for n in range(2_200)}
    bodies[key(INC, times[-1])] = sheet([ticket("LAST")])

    def put(at: str) -> None:
        world.bucket.client.put_object(Bucket=world.bucket.name, Key=at, Body=bodies[at])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, bodies))
    done = world.run("fleettickets", "ingest", "inc", "--apply", "--max-files-per-tx", "50")
    assert done.exit_code == 0
    assert world.query(
        "SELECT state, count(*), count(archived_at) FROM tickets.import_files GROUP BY 1 ORDER BY 1"
    ) == [("applied", 100, 100), ("unexpected", 2_200, 0)]
    assert set(world.owners()) == {"LAST"}
    objects = world.objects()
    assert (len(objects), sum(at.startswith(INC.processed) for at in objects)) == (2_300, 100)


def test_names_with_an_impossible_or_future_time_are_quarantined_unread(world: World) -> None:
    """Impossible and future times are quarantined unread; names that are no export are left and counted."""
    body = sheet([ticket("BAD")])
    for name in ("2026-13-45T99-99-99.csv", "2126-01-01T00-00-00.csv", "notes.txt", "sub/2026-06-22T06-00-00.csv"):
        world.bucket.client.put_object(Bucket=world.bucket.name, Key=INC.changes + name, Body=body)
    world.put("2026-06-22 06:00:00", "GOOD")
    assert world.run().exit_code == 3
    assert set(world.owners()) == {"GOOD"}
    found = dict(world.query("SELECT state, count(*) FROM tickets.import_files GROUP BY 1"))
    assert found == {"applied": 1, "quarantined": 2, "unexpected": 2}
    folders = sorted(at.removeprefix(INC.root) for at in world.objects())
    assert folders == [
        "changes/notes.txt",
        "changes/sub/2026-06-22T06-00-00.csv",
        "processed/2026-06-22T06-00-00.csv",
        "quarantine/2026-13-45T99-99-99.csv",
        "quarantine/2126-01-01T00-00-00.csv",
    ]
    assert world.query("SELECT metadata ->> 'source_max_key' FROM tickets.import_meta") == [(world.put_at[0][0],)]


@pytest.mark.parametrize("name", ["../processed/2026-06-21T06-00-00.csv", "//a.csv"])
def test_a_key_that_climbs_out_of_its_folder_is_noted_and_never_asked_for(world: World, name: str) -> None:
    """Libraries fold '..' away: the request would go elsewhere, so there must be none."""
    stand_in = "x" * len(name)
    world.bucket.client.put_object(Bucket=world.bucket.name, Key=INC.changes + stand_in, Body=sheet([ticket("BAD")]))
    world.put("2026-06-22 06:00:00", "GOOD")
    swapped = (f"{INC.changes}{stand_in}".encode(), f"{INC.changes}{name}".encode())
    with StoreProxy(world.store_port, Rule("LIST", swap=swapped)) as proxy:
        assert [world.run(store=proxy.port).exit_code for _ in range(2)] == [0, 0]
    assert world.states() == {name.rpartition("/")[2]: "unexpected", "2026-06-22T06-00-00.csv": "applied"}
    assert world.query("SELECT attempts FROM tickets.import_files WHERE state = 'unexpected'") == [(1,)]
    asked = {path.partition("?")[0] for kind, path in proxy.log.requests if kind != "LIST"}
    assert {path.rpartition("/")[2] for path in asked} == {"2026-06-22T06-00-00.csv"}
    assert set(world.owners()) == {"GOOD"}


BIG = sheet([ticket(f"BIG{n}", owner=f"{n:04}" * 1_000) for n in range(3_000)])


@pytest.mark.parametrize("body", [BIG, gzip.compress(BIG, 1)], ids=["as it comes", "unpacked"])
def test_no_room_for_temporary_files_costs_the_large_file_only(world: World, twin: db.Connection, body: bytes) -> None:
    """The disk the process writes to is full: the file stays pending and the line says why, the others go on."""
    world.fill(1)
    world.put("2026-06-22 07:00:00", body=body)
    world.put("2026-06-22 08:00:00", "SAME", note="hour 08")
    small = ("sh", "-c", "ulimit -f 2048; exec python -m inc.import_inc --from-bucket --apply")
    full = world.run(*small)
    assert full.exit_code == 5, full
    assert "no temporary file could be written" in full.out
    assert "TMPDIR" in full.out
    assert world.states()["2026-06-22T07-00-00.csv"] == "failed"
    assert world.owners() == {"SAME": "hour 08", "T0": "hour 06", "T1": "hour 06"}
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin, counts=False)


def test_a_multipart_upload_is_verified_and_archived_like_any_other(world: World) -> None:
    """Its ETag is no MD5 and ends in -2; its copy may have another."""
    at = key(INC, "2026-06-22 06:00:00")
    body = sheet([ticket(f"M{n}", owner="x" * 50_000) for n in range(120)])
    client, bucket = world.bucket.client, world.bucket.name
    upload = client.create_multipart_upload(Bucket=bucket, Key=at)["UploadId"]
    tags = [
        client.upload_part(Bucket=bucket, Key=at, UploadId=upload, PartNumber=n, Body=part)["ETag"]
        for n, part in enumerate((body[: 5 << 20], body[5 << 20 :]), 1)
    ]
    client.complete_multipart_upload(
        Bucket=bucket,
        Key=at,
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, 1)]},
    )
    assert world.objects()[at].endswith("-2")
    assert world.run().exit_code == 0
    assert len(world.owners()) == 120
    moved = at.replace("changes", "processed")
    assert list(world.objects()) == [moved]
    kept = world.bucket.client.get_object(Bucket=world.bucket.name, Key=at.replace("changes", "processed"))[
        "Body"
    ].read()
    assert kept == body


def test_the_same_name_archived_before_with_other_content_is_never_overwritten(
    world: World, twin: db.Connection
) -> None:
    """The archive's name is taken: the new file goes beside it under a name of its own."""
    old = sheet([ticket("OLD")])
    taken = key(INC, "2026-06-22 06:00:00").replace("changes", "processed")
    world.bucket.client.put_object(Bucket=world.bucket.name, Key=taken, Body=old)
    old_etag = world.objects()[taken]
    world.fill(2)
    assert world.run().exit_code == 0
    assert world.objects()[taken] == old_etag
    world.put_at.append((key(INC, "2026-06-22 06:00:00"), old_etag))
    assert_archived(world)
    assert_undisturbed(world, twin)
