"""Writes ticket exports as the real feed does: one baseline, then deltas of what changed.

    arrivals -> tickets -> story -> rows -> files -> a folder or a bucket
    when        what       order    text             sinks; read again by count

A file knows the tickets' story up to about two days before its own time. A delta holds the full row
of every ticket that changed in the stretch of the story which the file before did not know yet.
"""

from __future__ import annotations

import zlib
from functools import partial
from itertools import count as count_from
from typing import TYPE_CHECKING, Final

from fleettickets.demo.count import Count, count
from fleettickets.demo.plan import ExportFile, Plan, Rhythm, eat, epoch_s
from fleettickets.demo.rows import RowWriter, header, sentinel
from fleettickets.demo.sinks import upload, write_folder
from fleettickets.demo.story import Changes, Story
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

__all__ = ["Count", "ExportFile", "Plan", "count", "files", "live", "upload", "write_folder"]

ROWS_PER_CHUNK: Final = 1_000
FILES_A_SENTINEL: Final = 400


def files(plan: Plan) -> Iterator[ExportFile]:
    """Yield the baseline, then the deltas in order of time; the same bytes for the same plan."""
    story = Story(plan)
    writer = _writer(plan, story.rhythm.first_export_of)
    yield _file(plan, plan.baseline_s, lambda: _baseline_chunks(plan, story, writer))
    slots = range(plan.baseline_s + plan.every_s, plan.newest_s + 1, plan.every_s)
    yield from _deltas(plan, slots, story.rhythm, Changes(story, story.baseline_s), writer)


def live(plan: Plan, start: datetime, step_minutes: float = 60) -> Iterator[ExportFile]:
    """Yield deltas without end: the first at `start` tells all since `plan.end`, each next `step_minutes` more."""
    step_s = round(step_minutes * 60)
    start_s = epoch_s(start)
    if step_s < 1 or start_s <= plan.newest_s:
        raise UsageError(f"Live exports start after {eat(plan.newest_s)} and are at least a second apart.")
    story = Story(plan)
    rhythm = Rhythm(start_s, step_s, plan.seed)

    def first_export_of(instant_s: int) -> int:
        if instant_s <= story.end_s:
            return story.rhythm.first_export_of(instant_s)
        return max(start_s, rhythm.first_export_of(instant_s))

    writer = _writer(plan, first_export_of)
    return _deltas(plan, count_from(start_s, step_s), rhythm, Changes(story, story.end_s), writer)


def _writer(plan: Plan, first_export_of: Callable[[int], int]) -> RowWriter:
    odd_ticket = plan.rows * 2 // 3 if plan.quirks else None
    return RowWriter(plan.dataset.name, first_export_of, odd_ticket=odd_ticket)


def _file(plan: Plan, export_s: int, chunks: Callable[[], Iterator[bytes]]) -> ExportFile:
    exported_at = eat(export_s)
    return ExportFile(f"{plan.dataset.changes}{exported_at:%Y-%m-%dT%H-%M-%S}.csv", exported_at, chunks)


def _baseline_chunks(plan: Plan, story: Story, writer: RowWriter) -> Iterator[bytes]:
    lines = [header()]
    for ticket, step in story.at_baseline():
        lines.append(writer.row(ticket, step))
        if len(lines) == ROWS_PER_CHUNK:
            yield "".join(lines).encode()
            lines.clear()
    if plan.quirks:
        lines.append(sentinel(plan.rows))
    yield "".join(lines).encode()


def _deltas(
    plan: Plan, slots: Iterable[int], rhythm: Rhythm, changes: Changes, writer: RowWriter
) -> Iterator[ExportFile]:
    for export_s in slots:
        lines = [writer.row(ticket, step) for ticket, step in changes.until(rhythm.content_until(export_s))]
        if plan.quirks:
            _add_sentinel(lines, plan.seed, export_s)
        body = "".join((header(), *lines)).encode()
        yield _file(plan, export_s, partial(iter, (body,)))


def _add_sentinel(lines: list[str], seed: int, export_s: int) -> None:
    """Cut short, says one file in some hundreds; first or last, as it comes."""
    draw = zlib.crc32(f"{seed}:sentinel:{export_s}".encode())
    if draw % FILES_A_SENTINEL == 0:
        lines.insert(draw % 3 and len(lines), sentinel(len(lines)))
