"""The demo's feed: broken, its exports wait at the exporter; mended, all of them come, each once."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fleettickets.commands.progress import NOBODY
from fleettickets.demo import scene
from fleettickets.demo.play import Demo

if TYPE_CHECKING:
    from pathlib import Path

    from fleettickets.demo.stack import Stack
    from fleettickets.pipeline import Watcher
    from fleettickets.source.bucket import Bucket

NOON = datetime(2026, 6, 25, 9, tzinfo=UTC)


def test_a_broken_feed_delivers_nothing_and_a_mended_one_everything(
    servers: Stack, database_url: str, bucket: Bucket, tmp_path: Path
) -> None:
    """The clock runs on, runs find no file, no file is lost, and no row is taken twice."""
    demo = Demo(tmp_path, NOON, 300, 1, 1, lambda _: None, "fleettickets")
    demo.running = replace(servers, database_url=database_url)
    demo.begin(nobody)
    demo.replay(nobody)
    hours = demo.live(0.0, nobody)
    assert [sum(one.files.total() for one in next(hours)) for _ in range(2)] == [2, 2]
    began = demo.now
    scene.break_feed(tmp_path, broken=True)
    assert [sum(one.files.total() for one in next(hours)) for _ in range(3)] == [0, 0, 0]
    assert (demo.now - began).total_seconds() == 3 * 3600
    assert scene.told(tmp_path).now == demo.now.replace(microsecond=0)
    scene.break_feed(tmp_path, broken=False)
    assert [sum(one.files.total() for one in next(hours)) for _ in range(2)] == [8, 2]
    with demo.connect() as connection:
        clocks = connection.execute("SELECT run_at FROM tickets.clocks('inc', NULL, 'known')").fetchone()
        assert clocks == (demo.now,)
        for name, count in demo.counts().items():
            applied = connection.execute(
                "SELECT count(*) FROM tickets.import_files WHERE dataset = %s AND state = 'applied'", [name]
            ).fetchone()
            assert applied == (count.files,) == (32,)
    assert (
        list(bucket.client.list_objects_v2(Bucket=bucket.name, Prefix="automations/inc/changes/").get("Contents", []))
        == []
    )


def nobody(_: str) -> nullcontext[Watcher]:
    """Nobody watches."""
    return nullcontext(NOBODY)
