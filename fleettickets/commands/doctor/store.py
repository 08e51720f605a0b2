"""The bucket as a run needs it: its rights below each stream's folder, its conditions, its clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleettickets.commands.doctor.finding import Finding, clock
from fleettickets.datasets import DATASETS
from fleettickets.errors import FleetticketsError
from fleettickets.source.probe import Probed, probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets.commands.app import App


def store(app: App) -> Iterator[Finding]:
    """Each stream by itself: a policy may allow one folder and not the other."""
    bucket = app.bucket()
    probed: Probed | None = None
    for dataset in DATASETS.values():
        try:
            probed = probe(bucket, dataset)
        except FleetticketsError as error:
            yield Finding(f"store {dataset.name}", "fail", str(error), error.exit_code)
        else:
            yield Finding(f"store {dataset.name}", "ok", f"list, put, get and delete below {dataset.root}")
    if probed is None:
        return
    if probed.ignored:
        lost = (
            f"ignores {', '.join(probed.ignored)}: a file written again while it is archived could be lost; upgrade it"
        )
        yield Finding("store conditions", "warn", lost)
    else:
        yield Finding("store conditions", "ok", "conditional requests are honoured")
    yield clock("store clock", probed.skew_s)
