"""The files every contender gets, written once, and the truth they add up to."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from fleettickets.datasets import EAT, INC
from fleettickets.demo import export
from fleettickets.demo.plan import ExportFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

ROWS: Final = 34_849
"""The live feed's first baseline."""
DELTA_ROWS: Final = 131
"""Rows of a middling delta."""
PENDING: Final = 50
_CANDIDATES: Final = 12
_END: Final = datetime(2026, 6, 23, 12, tzinfo=EAT)
_DELTAS_A_DAY: Final = 24


@dataclass(frozen=True, slots=True)
class Round:
    """What one round adds to a table: a single delta, then fifty."""

    delta: ExportFile
    pending: list[ExportFile]


@dataclass(frozen=True, slots=True)
class Feed:
    """All files of a run, in order of time; the big baseline is the small one with other tickets below it."""

    baseline: ExportFile
    big_baseline: ExportFile
    rounds: list[Round]
    many: list[ExportFile]


@dataclass(slots=True)
class Truth:
    """Where each ticket stands after some files: when its newest row was written, and whether it is an alarm."""

    newest: dict[str, tuple[str, bool]] = field(default_factory=dict)

    def read(self, files: Iterable[ExportFile]) -> None:
        """Let the rows of these files win over those before; an alarm alone makes no ticket."""
        for file in files:
            for row in csv.DictReader(io.StringIO(body(file).decode())):
                ticket_id, is_alarm = row["ticket_id"], row["is_alarm"] == "true"
                if not ticket_id.startswith("EXPORT STOPPED") and (not is_alarm or ticket_id in self.newest):
                    self.newest[ticket_id] = row["updated_at"], is_alarm


def make(folder: Path, rounds: int, big_rows: int, many: int) -> Feed:
    """Write the files below `folder`, so that none of them lives in memory."""
    wanted = rounds * (_CANDIDATES + PENDING) + many
    plan = export.Plan(INC, rows=ROWS, days=-(-wanted // _DELTAS_A_DAY), end=_END)
    files = export.files(plan)
    baseline = _kept(next(files), folder / "small")
    big = ExportFile(baseline.key, baseline.exported_at, lambda: _with_others(baseline, big_rows, plan.days))
    big_baseline = _kept(big, folder / "big")
    deltas = [_kept(file, folder / "small") for file in itertools.islice(files, wanted)]
    return Feed(baseline, big_baseline, [_round(deltas, n) for n in range(rounds)], deltas[-many:])


def body(file: ExportFile) -> bytes:
    """The whole file."""
    return b"".join(file.chunks())


def rows_of(file: ExportFile) -> int:
    """Data rows; no simulated value holds a line end."""
    return sum(chunk.count(b"\n") for chunk in file.chunks()) - 1


def _round(deltas: list[ExportFile], n: int) -> Round:
    """Of the next dozen deltas the one nearest to the middling size, then the fifty after the dozen."""
    start = n * (_CANDIDATES + PENDING)
    pending = start + _CANDIDATES
    delta = min(deltas[start:pending], key=lambda file: abs(rows_of(file) - DELTA_ROWS))
    return Round(delta, deltas[pending : pending + PENDING])


def _with_others(baseline: ExportFile, big_rows: int, days: int) -> Iterator[bytes]:
    """The baseline, then other tickets (their own prefix) up to `big_rows`: a delta does the same work on both."""
    yield from baseline.chunks()
    others = export.Plan(INC, rows=big_rows - ROWS, days=days, seed=2, end=_END, quirks=False)
    chunks = next(export.files(others)).chunks()
    for n, chunk in enumerate(chunks):
        lines = chunk.partition(b"\n")[2] if n == 0 else chunk
        yield lines.replace(b'"INC', b'"OLD')


def _kept(file: ExportFile, folder: Path) -> ExportFile:
    path = folder / file.key
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        target.writelines(file.chunks())
    return ExportFile(file.key, file.exported_at, lambda: _chunks(path))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while chunk := source.read(1 << 20):
            yield chunk
