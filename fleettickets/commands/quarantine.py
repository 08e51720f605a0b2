"""fleettickets quarantine: what could not be used, to be seen, read again or discarded."""

from __future__ import annotations

import os
import re
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from fleettickets.commands.app import plural, shown_time
from fleettickets.commands.ending import printable
from fleettickets.commands.progress import follow
from fleettickets.commands.summary import show_reports
from fleettickets.datasets import DATASETS
from fleettickets.errors import FleetticketsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleettickets.commands.app import App
    from fleettickets.db import Connection
    from fleettickets.load.quarantine import Held
    from fleettickets.report import RunReport
    from fleettickets.source.files import FileVersion

_HEAD_BYTES = 500
_NOTHING = "nothing is in quarantine"


@click.group()
def command() -> None:
    """Files and rows that could not be used: see them, read them again, discard them.

    A file is named by its number or its name, a row by FILE:LINE.
    """


@command.command("list")
@click.argument("dataset", type=click.Choice([*DATASETS, "all"]), default="all")
@click.option("--discarded", is_flag=True, help="Discarded ones too.")
@click.option("--limit", "most", default=50, show_default=True, type=click.IntRange(1), help="Of each kind at most.")
@click.pass_obj
def list_(app: App, *, dataset: str, discarded: bool, most: int) -> None:
    """Quarantined files and rejected rows with reason, key and line, newest first."""
    from fleettickets.load.quarantine import held  # noqa: PLC0415  # psycopg is loaded when it is needed

    with app.connector()() as connection:
        found = held(connection, dataset=None if dataset == "all" else dataset, discarded=discarded, most=most)
    files, rows = _by_kind(found)
    total = {"files": files[0].total if files else 0, "rows": rows[0].total if rows else 0}
    document = {"files": [_as_dict(one) for one in files], "rows": [_as_dict(one) for one in rows], "total": total}
    app.answer(document, lambda: _show_list(files, rows, total))


@command.command()
@click.argument("reference")
@click.pass_obj
def show(app: App, *, reference: str) -> None:
    """A file with the beginning of its content, or rows with their records; control characters made visible."""
    with app.connector()() as connection:
        found = _chosen(connection, [reference], discarded=True)
        files, rows = _by_kind(found)
        document = {
            "files": [{**_as_dict(one), "beginning": _beginning(app, connection, one)} for one in files],
            "rows": [_as_dict(one) for one in rows],
        }

    def lines() -> None:
        for one in found:
            _show_one(one)
        for text in (each["beginning"] for each in document["files"]):
            _show_text(text or "")

    app.answer(document, lines)


@command.command()
@click.argument("references", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that the list shows.")
@click.option("--accept-future", is_flag=True, help="Also a file whose name lies in the future.")
@click.option("--apply", is_flag=True, help="Commit and move; without it everything is tried and rolled back.")
@click.pass_obj
def retry(app: App, *, references: tuple[str, ...], everything: bool, accept_future: bool, apply: bool) -> int:
    """Read files again, each at its own place in time: as if it had been accepted when it came.

    For a row its file is read again. Exit 3 when something still cannot be used.
    """
    from fleettickets.load.quarantine import versions  # noqa: PLC0415  # psycopg is loaded when it is needed

    with app.connector()() as connection:
        chosen = _chosen(connection, references, everything=everything, discarded=not everything)
        by_dataset = versions(connection, sorted({one.file_id for one in chosen}), app.now, accept_future=accept_future)
    reports = [_read_again(app, dataset, found, apply=apply) for dataset, found in by_dataset.items()]
    if any(one.line is not None for one in chosen):
        for report in reports:
            _judge(report)
    app.answer({"runs": [report.as_dict() for report in reports]}, lambda: show_reports(reports, "quarantine retry"))
    for report in reports:
        if report.error:
            click.echo(f"fleettickets: {report.dataset}: {printable(report.error)}", err=True)
    return max((report.exit_code for report in reports), default=0)


@command.command()
@click.argument("references", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that the list shows.")
@click.option("--by", "who", metavar="NAME", help="Who decides; your login if not given.")
@click.option("--apply", is_flag=True, help="Write it down; without it only tell what would be discarded.")
@click.pass_obj
def discard(app: App, *, references: tuple[str, ...], everything: bool, who: str | None, apply: bool) -> None:
    """Note who decided, and when, that these are of no use. Nothing is deleted; `retry` still works."""
    from fleettickets.load import quarantine  # noqa: PLC0415  # the command has this name

    who = who or os.environ.get("SUDO_USER") or os.environ.get("USER") or os.environ.get("LOGNAME")
    with app.connector()() as connection:
        chosen = [one for one in _chosen(connection, references, everything=everything) if one.discarded_at is None]
        if apply:
            with connection.transaction():
                quarantine.discard(connection, chosen, who)
    document = {"discarded": [one.reference for one in chosen], "applied": apply, "by": who}

    def lines() -> None:
        for one in chosen:
            click.echo(f"{one.reference:>12}  {printable(one.reason or '')}  {printable(one.key)}")
        files, rows = _by_kind(chosen)
        verb = "discarded" if apply else "would be discarded; add --apply"
        click.echo(f"{plural(len(files), 'file')} and {plural(len(rows), 'row')} {verb}")

    app.answer(document, lines)


def _chosen(
    connection: Connection, references: Sequence[str], *, everything: bool = False, discarded: bool = False
) -> list[Held]:
    """What the references mean; one that means nothing, or more than one file, is a UsageError."""
    from fleettickets.load.quarantine import held  # noqa: PLC0415  # psycopg is loaded when it is needed

    if everything == bool(references):
        raise UsageError("name what you mean (fleettickets quarantine list), or give --all")
    if everything:
        return held(connection)
    chosen: dict[str, Held] = {}
    for reference in references:
        match = re.fullmatch(r"(.+?)(?::(\d{1,18}))?", reference, re.DOTALL)
        file, line = (match[1], match[2]) if match else (reference, None)
        found = held(connection, reference=file, line=int(line) if line else None, discarded=discarded)
        if not found:
            raise UsageError(f"{printable(reference)} is not in quarantine: see fleettickets quarantine list")
        if len({one.file_id for one in found}) > 1:
            numbers = ", ".join(str(file_id) for file_id in sorted({one.file_id for one in found}))
            raise UsageError(f"{printable(reference)} means several files: name one by its number ({numbers})")
        chosen |= {one.reference: one for one in found}
    return list(chosen.values())


def _read_again(app: App, dataset: str, versions: Sequence[FileVersion], *, apply: bool) -> RunReport:
    from fleettickets.pipeline import Order, ingest  # noqa: PLC0415  # psycopg is loaded when it is needed
    from fleettickets.report import RunReport  # noqa: PLC0415  # the same
    from fleettickets.source.again import Again  # noqa: PLC0415  # the same

    order = Order(DATASETS[dataset], "quarantine retry", apply=apply, again=True, deadline_s=app.settings.deadline_s)
    try:
        with follow(app, dataset) as watcher:
            return ingest(order, Again(app.bucket(), tuple(versions)), app.connector(), app.now, watcher)
    except FleetticketsError as error:
        return RunReport(dataset, apply, exit_code=error.exit_code, error=str(error))


def _judge(report: RunReport) -> None:
    if report.exit_code == 0 and report.rows.rejected:
        report.exit_code = 3
        report.error = f"{plural(report.rows.rejected, 'row')} still cannot be used"


def _beginning(app: App, connection: Connection, one: Held) -> str | None:
    """The first bytes of a quarantined file, or None where its store does not hand them over."""
    from fleettickets.load.quarantine import versions  # noqa: PLC0415  # psycopg is loaded when it is needed

    try:
        ((version,),) = versions(connection, [one.file_id], app.now).values()
        with app.bucket().fetch(version) as body:
            return body.read(_HEAD_BYTES).decode("utf-8", "backslashreplace")
    except FleetticketsError as error:
        app.say(f"its content cannot be shown: {printable(str(error))}")
        return None


def _by_kind(found: Sequence[Held]) -> tuple[list[Held], list[Held]]:
    return [one for one in found if one.line is None], [one for one in found if one.line is not None]


def _as_dict(one: Held) -> dict[str, Any]:
    fields = asdict(one)
    del fields["total"]
    return {"reference": one.reference, **fields}


def _show_list(files: Sequence[Held], rows: Sequence[Held], total: dict[str, int]) -> None:
    if not files and not rows:
        click.echo(_NOTHING)
    for one in files:
        _line(one, one.key)
    for key, of_file in groupby(rows, key=lambda one: one.key):
        for one in of_file:
            _line(one, f"{key} line {one.line}")
    for kind, shown in (("file", files), ("row", rows)):
        if total[f"{kind}s"] > len(shown):
            click.echo(f"{len(shown)} of {plural(total[f'{kind}s'], kind)} shown; --limit shows more")


def _line(one: Held, what: str) -> None:
    ending = f"  discarded by {printable(one.discarded_by or '')}" if one.discarded_at else ""
    click.echo(
        f"{one.reference:>12}  {shown_time(one.since)}  {printable(one.reason or '')}  {printable(what)}{ending}"
    )


def _show_one(one: Held) -> None:
    size, times = plural(one.size_bytes, "byte"), plural(one.attempts, "time")
    facts = {
        "reference": one.reference,
        "dataset": one.dataset,
        "file": one.key if one.line is None else f"{one.key} line {one.line}",
        "lies at": one.archive_key or one.key,
        "reason": one.reason or "",
        "since": f"{shown_time(one.since)} EAT; file of {size}, read {times}",
    }
    if one.discarded_at:
        facts["discarded"] = f"{shown_time(one.discarded_at)} EAT by {one.discarded_by}"
    for name, value in facts.items():
        click.echo(f"{name:<10} {printable(value)}")
    _show_text(one.record or "")


def _show_text(text: str) -> None:
    for line in text.split("\n") if text else ():
        click.echo(f"  | {printable(line)}")
