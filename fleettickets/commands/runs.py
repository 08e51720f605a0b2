"""fleettickets runs: what each run did."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from fleettickets.commands.app import plural, shown_time
from fleettickets.datasets import DATASETS
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from fleettickets.commands.app import App


@click.group(invoke_without_command=True)
@click.option("--dataset", type=click.Choice(list(DATASETS)), help="Only the runs of this one.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500), help="So many at most.")
@click.pass_context
def command(ctx: click.Context, *, dataset: str | None, limit: int) -> None:
    """The newest runs, one a line; `show ID` for one with its files."""
    if ctx.invoked_subcommand:
        return
    app: App = ctx.obj
    with app.connector()() as connection:
        row = connection.execute("SELECT reporting.fn_runs(%s, %s)", [dataset, limit]).fetchone()
    document = row[0] if row else {"runs": []}
    app.answer(document, partial(_show_list, document["runs"]))


@command.command()
@click.argument("run_id", metavar="ID", type=int)
@click.pass_obj
def show(app: App, *, run_id: int) -> None:
    """One run: when, how it ended, and each file with its rows."""
    with app.connector()() as connection:
        row = connection.execute("SELECT reporting.fn_run(%s)", [run_id]).fetchone()
    document = row[0] if row else None
    if document is None:
        raise UsageError(f"there is no run {run_id}: see fleettickets runs")
    app.answer(document, partial(_show, document))


def _show_list(runs: list[dict[str, Any]]) -> None:
    if not runs:
        click.echo("no run yet: fleettickets ingest all --apply")
    for run in runs:
        click.echo(_line(run))


def _line(run: dict[str, Any]) -> str:
    began = datetime.fromisoformat(run["started_at"])
    took = ""
    if run["finished_at"]:
        took = f"{(datetime.fromisoformat(run['finished_at']) - began).total_seconds():.1f} s"
    rows = int((run["counts"].get("rows") or {}).get("read", 0))
    ending = f"exit {run['exit_code']}" if run["exit_code"] is not None else "running, or killed"
    parts = [f"{run['run_id']:>6}", run["dataset"], shown_time(began), took, plural(rows, "row"), ending, run["error"]]
    return "  ".join(part for part in parts if part)


def _show(run: dict[str, Any]) -> None:
    click.echo(f"{_line(run)}  ({run['command']})")
    for file in run["files"]:
        marks = [
            word for word, is_true in (("late", file["is_late"]), ("cut short", file["export_truncated"])) if is_true
        ]
        counts = ", ".join(
            f"{file[name]:,} {name.removeprefix('rows_')}"
            for name in ("rows_new", "rows_changed", "rows_unchanged", "rows_stale", "rows_alarm", "rows_rejected")
            if file[name]
        )
        told = "; ".join(filter(None, [file["reason"], *marks, counts]))
        click.echo(f"  {file['key']}  {file['state']}{'  ' + told if told else ''}")
