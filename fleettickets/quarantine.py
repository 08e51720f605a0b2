"""What a person decides about files and rows that could not be used: read them again or discard them, written down."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fleettickets.datasets import DATASETS
from fleettickets.errors import FleetticketsError, UsageError, printable
from fleettickets.load import quarantine
from fleettickets.load.quarantine import held
from fleettickets.pipeline import Order, ingest
from fleettickets.report import RunReport
from fleettickets.source.again import Again

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from fleettickets.db import Connection
    from fleettickets.load.quarantine import Held
    from fleettickets.pipeline import Watcher
    from fleettickets.source.files import FileVersion, Source

    Watching = Callable[[str], AbstractContextManager[Watcher]]


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides, when, and whether for real."""

    who: str | None
    now: datetime
    apply: bool


@dataclass(frozen=True, slots=True)
class Retried:
    """What reading again came to: a report a dataset, and an outcome a reference."""

    reports: list[RunReport]
    outcomes: dict[str, str]


def chosen(
    connection: Connection, references: Sequence[str], *, everything: bool = False, discarded: bool = False
) -> list[Held]:
    """What the references mean; one that means nothing, or more than one file, is a UsageError."""
    if everything == bool(references):
        raise UsageError("name what you mean (fleettickets quarantine list), or give --all")
    if everything:
        return held(connection)
    meant: dict[str, Held] = {}
    for reference in references:
        match = re.fullmatch(r"(.+?)(?::(\d{1,18}))?", reference, re.DOTALL)
        file, line = (match[1], match[2]) if match else (reference, None)
        found = held(connection, reference=file, line=int(line) if line else None, discarded=discarded)
        if not found:
            raise UsageError(f"{printable(reference)} is not in quarantine: see fleettickets quarantine list")
        if len({one.file_id for one in found}) > 1:
            numbers = ", ".join(str(file_id) for file_id in sorted({one.file_id for one in found}))
            raise UsageError(f"{printable(reference)} means several files: name one by its number ({numbers})")
        meant |= {one.reference: one for one in found}
    return list(meant.values())


def retry(  # the parts of a run
    connect: Callable[[], Connection],
    source: Callable[[], Source],
    what: Sequence[Held],
    by: Decider,
    watching: Watching,
    *,
    accept_future: bool = False,
    deadline_s: float = 60.0,
) -> Retried:
    """Read the files of these again, each at its own place in time; a row that still cannot be used is exit 3."""
    with connect() as connection:
        file_ids = sorted({one.file_id for one in what})
        by_dataset = quarantine.versions(connection, file_ids, by.now, accept_future=accept_future)
    reports = [
        _read_again(connect, source, dataset, found, by, watching, deadline_s) for dataset, found in by_dataset.items()
    ]
    if any(one.line is not None for one in what):
        for report in reports:
            _judge(report)
    with connect() as connection, connection.transaction():
        outcomes = _outcomes(connection, what, reports) if by.apply else {}
        _note(connection, what, by, "retry", outcomes)
    return Retried(reports, outcomes)


def discard(connection: Connection, what: Sequence[Held], by: Decider) -> None:
    """Note that these are of no use, in the caller's transaction; nothing is deleted, and they can be read again."""
    quarantine.discard(connection, what, by.who)
    _note(connection, what, by, "discard", {one.reference: "discarded" for one in what})


def _read_again(
    connect: Callable[[], Connection],
    source: Callable[[], Source],
    dataset: str,
    versions: Sequence[FileVersion],
    by: Decider,
    watching: Watching,
    deadline_s: float,
) -> RunReport:
    order = Order(DATASETS[dataset], "quarantine retry", apply=by.apply, again=True, deadline_s=deadline_s)
    try:
        with watching(dataset) as watcher:
            return ingest(order, Again(source(), tuple(versions)), connect, by.now, watcher)
    except FleetticketsError as error:
        return RunReport(dataset, by.apply, exit_code=error.exit_code, error=str(error))


def _judge(report: RunReport) -> None:
    if report.exit_code == 0 and report.rows.rejected:
        report.exit_code = 3
        rows = "1 row" if report.rows.rejected == 1 else f"{report.rows.rejected:,} rows"
        report.error = f"{rows} still cannot be used"


def _outcomes(connection: Connection, what: Sequence[Held], reports: Sequence[RunReport]) -> dict[str, str]:
    """What became of each: used, still held with its reason, or why nothing was read."""
    still = {
        one.reference: f"still held: {one.reason or 'no reason'}"
        for one in held(connection, file_ids=sorted({one.file_id for one in what}), discarded=True)
    }
    failed = {report.dataset: f"not read: {report.error}" for report in reports if report.exit_code not in (0, 3)}
    return {one.reference: failed.get(one.dataset) or still.get(one.reference, "used") for one in what}


def _note(connection: Connection, what: Sequence[Held], by: Decider, action: str, outcomes: dict[str, str]) -> None:
    rows: list[list[Any]] = [
        [by.now, by.who, action, one.dataset, one.file_id, one.line, one.key, one.reason, outcomes[one.reference]]
        for one in what
        if one.reference in outcomes
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO tickets.quarantine_decisions (at, who, action, dataset, file_id, line, key, reason, outcome) "
            "VALUES (%s, coalesce(%s, session_user), %s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
