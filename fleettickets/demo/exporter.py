"""The exporter of one dataset: writes the simulated files into the bucket, and counts what it wrote."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from fleettickets.demo import export
from fleettickets.demo.count import Count, Tally
from fleettickets.demo.plan import ExportFile, Plan, eat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from fleettickets.source.bucket import Bucket

_LIVE_STEP_MINUTES: Final = 60


class Exporter:
    """Runs once an hour of the demo's clock; what it cannot deliver waits for the next time."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._files = _endless(plan)
        self._waiting: list[ExportFile] = []
        self._uncounted: list[ExportFile] = []
        self._tally = Tally()

    def run(self, times: int = 1) -> datetime:
        """Write the next files, which wait for their delivery; the time of the newest."""
        self._waiting += [_held(file) for file in islice(self._files, times)]
        return self._waiting[-1].exported_at

    def deliver(self, bucket: Bucket) -> int:
        """Put everything that waits into the bucket; the number of files."""
        sent, self._waiting = self._waiting, []
        self._uncounted += sent
        return export.upload(sent, bucket.client, bucket.name)

    def count(self) -> Count:
        """What the files delivered so far say."""
        for file in self._uncounted:
            self._tally.add(file)
        self._uncounted.clear()
        return self._tally.total()


def _endless(plan: Plan) -> Iterator[ExportFile]:
    start = eat(plan.newest_s) + timedelta(minutes=_LIVE_STEP_MINUTES)
    return chain(export.files(plan), export.live(plan, start, _LIVE_STEP_MINUTES))


def _held(file: ExportFile) -> ExportFile:
    """The file with its bytes at hand: it is sent and counted, and told only once."""
    return ExportFile(file.key, file.exported_at, partial(iter, tuple(file.chunks())))
