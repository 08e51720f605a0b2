"""fleettickets quarantine: what could not be used, to be seen, read again or discarded."""

from __future__ import annotations

import os
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from fleettickets.commands.app import plural, shown_time
from fleettickets.commands.progress import follow
from fleettickets.commands.summary import show_reports
from fleettickets.datasets import DATASETS
from fleettickets.errors import FleetticketsError, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleettickets.commands.app import App
    from fleettickets.db import Connection
    from fleettickets.load.quarantine import Held
    from fleettickets.quarantine import Decider

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
    from fleettickets import quarantine  # noqa: PLC0415  # psycopg is loaded when it is needed

    with app.connector()() as connection:
        found = quarantine.chosen(connection, [reference], discarded=True)
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
@click.option("--by", "who", metavar="NAME", help="Who decides; your login if not given.")
@click.option("--apply", is_flag=True, help="Commit and move; without it everything is tried and rolled back.")
@click.pass_obj
def retry(  # one parameter an option
    app: App, *, references: tuple[str, ...], everything: bool, accept_future: bool, who: str | None, apply: bool
) -> int:
    """Read files again, each at its own place in time: as if it had been accepted when it came.

    For a row its file is read again. Exit 3 when something still cannot be used.
    """
    from fleettickets import quarantine  # noqa: PLC0415  # psycopg is loaded when it is needed

    connect = app.connector()
    with connect() as connection:
        what = quarantine.chosen(connection, references, everything=everything, discarded=not everything)
    done = quarantine.retry(
        connect,
        app.bucket,
        what,
        _decider(app, who, apply=apply),
        lambda dataset: follow(app, dataset),
        accept_future=accept_future,
        deadline_s=app.settings.deadline_s,
    )
    reports = done.reports
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
    from fleettickets import quarantine  # noqa: PLC0415  # psycopg is loaded when it is needed

    by = _decider(app, who, apply=apply)
    with app.connector()() as connection:
        chosen = [
            one for one in quarantine.chosen(connection, references, everything=everything) if one.discarded_at is None
        ]
        if apply:
            with connection.transaction():
                quarantine.discard(connection, chosen, by)
    document = {"discarded": [one.reference for one in chosen], "applied": apply, "by": by.who}

    def lines() -> None:
        for one in chosen:
            click.echo(f"{one.reference:>12}  {printable(one.reason or '')}  {printable(one.key)}")
        files, rows = _by_kind(chosen)
        verb = "discarded" if apply else "would be discarded; add --apply"
        click.echo(f"{plural(len(files), 'file')} and {plural(len(rows), 'row')} {verb}")

    app.answer(document, lines)


def _decider(app: App, who: str | None, *, apply: bool) -> Decider:
    from fleettickets.quarantine import Decider  # noqa: PLC0415  # psycopg is loaded when it is needed

    return Decider(
        who or os.environ.get("SUDO_USER") or os.environ.get("USER") or os.environ.get("LOGNAME"), app.now, apply
    )


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
