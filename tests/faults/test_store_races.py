"""The producer writes, rewrites and removes files while a run is under way: no version is lost or deleted unseen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from faults.store import Rule, StoreProxy
from faults.world import World, abandon, assert_undisturbed, loading, wait_until
from feed import key, sheet, ticket

from fleettickets.datasets import INC

if TYPE_CHECKING:
    from fleettickets import db

FIRST, SECOND = "2026-06-22 06:00:00", "2026-06-22 07:00:00"
A_SECOND = 1.1
"""What two uploads of one key must lie apart to be two versions: the store tells whole seconds."""


def corrected(world: World) -> None:
    """The producer writes the second export again, with other content."""
    world.put(SECOND, "SAME", "T1", "T2", note="corrected")


def again(world: World) -> None:
    """The producer puts the same bytes again, as a new version."""
    time.sleep(A_SECOND)
    world.put(SECOND, "SAME", "T1", "T2", note="hour 07")


def test_removed_between_list_and_get_is_noted_and_the_others_go_on(world: World) -> None:
    """The file is gone: superseded, not failed, and no reason to stop."""
    world.fill()
    gone = world.put_at[1][0]
    remove = Rule(
        "GET",
        gone,
        times=1,
        meanwhile=lambda: world.bucket.client.delete_object(Bucket=world.bucket.name, Key=gone),
    )
    with StoreProxy(world.store_port, remove) as proxy:
        assert world.run(store=proxy.port).exit_code == 0
    assert sorted(world.states().values()) == ["applied", "applied", "superseded"]
    assert set(world.owners().values()) == {"hour 06", "hour 08"}
    assert world.run().exit_code == 0


def test_a_failed_file_that_its_producer_removed_is_no_failure_any_more(world: World) -> None:
    """Nothing is left to read: the next complete listing settles it."""
    world.fill(2)
    gone = world.put_at[0][0]
    with StoreProxy(world.store_port, Rule("GET", gone, answer=(403, "AccessDenied"))) as proxy:
        assert world.run(store=proxy.port).exit_code == 5
    assert sorted(world.states().values()) == ["applied", "failed"]
    world.bucket.client.delete_object(Bucket=world.bucket.name, Key=gone)
    assert world.run().exit_code == 0
    assert sorted(world.states().values()) == ["applied", "superseded"]


def test_listed_twice_is_applied_once(world: World, twin: db.Connection) -> None:
    """A store that lists while it is written to may name a key on two pages."""
    body, store, name = sheet([ticket("SAME"), ticket("T1")]), world.bucket.client, world.bucket.name
    keys, uploaded = (key(INC, FIRST), key(INC, SECOND)), set[object]()
    while len(uploaded) != 1:  # in one second, so that the two entries are one version
        for at in keys:
            store.put_object(Bucket=name, Key=at, Body=body)
        uploaded = {store.head_object(Bucket=name, Key=at)["LastModified"].replace(microsecond=0) for at in keys}
    world.note(FIRST, body)
    world.note(SECOND, body)
    with StoreProxy(world.store_port, Rule("LIST", swap=(keys[1].encode(), keys[0].encode()))) as proxy:
        assert world.run(store=proxy.port).exit_code == 0
    assert world.states() == {"2026-06-22T06-00-00.csv": "applied"}
    assert world.query("SELECT rows_new, rows_read FROM tickets.import_files") == [(2, 2)]
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)


def test_replaced_between_list_and_get_only_the_new_content_is_applied(world: World, twin: db.Connection) -> None:
    """The listed version is superseded, the new one is applied by the next run."""
    world.put(FIRST, "SAME", "T0", note="hour 06")
    at = key(INC, SECOND)
    world.bucket.client.put_object(Bucket=world.bucket.name, Key=at, Body=sheet([ticket("T9", owner="never")]))
    replace = Rule("GET", at, times=1, meanwhile=lambda: corrected(world))
    with StoreProxy(world.store_port, replace) as proxy:
        assert world.run(store=proxy.port).exit_code == 0
    assert world.query("SELECT count(*) FROM tickets.import_files WHERE state = 'superseded'") == [(1,)]
    assert world.run().exit_code == 0
    assert "T9" not in world.owners()
    world.execute("DELETE FROM tickets.import_files WHERE state = 'superseded'")
    assert_undisturbed(world, twin, counts=False)


def test_overwritten_while_it_loads_the_new_version_survives(world: World) -> None:
    """The archive step finds another ETag and leaves it; the next run applies and archives it."""
    world.put(FIRST, "SAME", "T0", note="hour 06")
    world.put(SECOND, "SAME", "T1", note="hour 07")
    with loading(world, "precommit:sleep:2") as running:
        corrected(world)
        assert running.finish().exit_code == 0
    _archived_by_hand_if_gone_before(world)
    assert world.run().exit_code == 0
    assert world.owners()["T1"] == "corrected"
    assert world.run().exit_code == 0


STEPS = {"before the copy": ("COPY", "T07"), "before the delete": ("DELETE", "T07")}


@pytest.mark.parametrize("step", STEPS)
def test_overwritten_while_it_is_archived_the_new_version_survives(
    world: World, twin: db.Connection, step: str
) -> None:
    """Copy and delete are conditional on the ETag: what was not read is not moved or deleted."""
    world.put(FIRST, "SAME", "T0", note="hour 06")
    world.put(SECOND, "SAME", "T1", note="hour 07")
    rule = Rule(*STEPS[step], times=1, meanwhile=lambda: corrected(world))
    with StoreProxy(world.store_port, rule) as proxy:
        assert world.run(store=proxy.port).exit_code in {0, 5}
    assert rule.met == 1
    assert world.run().exit_code == 0
    assert world.owners()["T1"] == "corrected"
    if step == "before the copy":  # the first content was overwritten by its producer before anybody copied it
        world.put_at.remove(world.put_at[1])
    assert_undisturbed(world, twin, counts=False)


def test_the_same_bytes_put_again_while_archiving_are_a_new_version(world: World, twin: db.Connection) -> None:
    """Equal ETag, later upload: the HEAD before the delete sees it; the next run settles it."""
    world.put(FIRST, "SAME", "T0", note="hour 06")
    world.put(SECOND, "SAME", "T1", "T2", note="hour 07")
    running = world.start(FLEETTICKETS_FAILPOINT="copied:sleep:4")
    try:
        wait_until(lambda: any(at.startswith(INC.processed) for at in world.objects()))
        time.sleep(A_SECOND)
        world.put(FIRST, "SAME", "T0", note="hour 06")
        assert running.finish().exit_code == 0
    finally:
        abandon(running)
    assert world.put_at[0][0] in world.objects(), "a version nobody had seen was deleted"
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin, counts=False)


def test_the_same_bytes_put_again_later_are_applied_and_archived(world: World, twin: db.Connection) -> None:
    """A version is (key, ETag, last-modified): the second one is not ignored for ever."""
    world.put(SECOND, "SAME", "T1", "T2", note="hour 07")
    assert world.run().exit_code == 0
    again(world)
    assert world.run().exit_code == 0
    assert world.query("SELECT count(*) FROM tickets.import_files WHERE state = 'applied'") == [(2,)]
    assert_undisturbed(world, twin, counts=False)


def test_late_and_corrected_files_find_their_place(world: World, twin: db.Connection) -> None:
    """The watermark is no filter: an older file is applied under the last-writer rule."""
    world.put("2026-06-22 09:00:00", "SAME", "NEW", note="hour 09")
    assert world.run().exit_code == 0
    world.put(FIRST, "SAME", "OLD", note="hour 06")
    assert world.run().exit_code == 0
    corrected(world)
    assert world.run().exit_code == 0
    assert world.owners()["SAME"] == "hour 09"
    assert {"OLD", "T1", "NEW"} <= set(world.owners())
    assert_undisturbed(world, twin, counts=False)


def test_an_unchanged_row_still_takes_the_newer_writer(world: World, twin: db.Connection) -> None:
    """A to B at 06:00 and again, unchanged, at 08:00: a late 07:00 file that says C does not win."""
    world.put(FIRST, "SAME", note="B")
    world.put("2026-06-22 08:00:00", "SAME", note="B")
    assert world.run().exit_code == 0
    world.put(SECOND, "SAME", note="C")
    assert world.run().exit_code == 0
    assert world.owners() == {"SAME": "B"}
    assert_undisturbed(world, twin, counts=False)


def _archived_by_hand_if_gone_before(world: World) -> None:
    """Nothing of the old content may be claimed as archived when its producer overwrote it first."""
    for at, etag in world.query("SELECT archive_key, etag FROM tickets.import_files WHERE archive_key IS NOT NULL"):
        assert world.objects()[at] == etag
