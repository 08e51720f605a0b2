"""fleettickets status: one screen of both datasets."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from fleettickets.commands.app import shown_time
from fleettickets.errors import UsageError, printable

if TYPE_CHECKING:
    from fleettickets.commands.app import App
    from fleettickets.db import Connection

_WATCH_EVERY_S = 5.0


@click.command()
@click.option("--watch", is_flag=True, help="Show it again every few seconds until Ctrl-C.")
@click.pass_obj
def command(app: App, *, watch: bool) -> None:
    """One screen: the clocks, the backlog, quarantine, the last runs."""
    if watch and app.as_json:
        raise UsageError("--watch is for people: leave it out with --json")
    with app.connector()() as connection:
        while True:
            document = _read(connection, app.now)
            if watch:
                click.clear()
            app.answer(document, partial(_show, document))
            if not watch:
                return
            time.sleep(_WATCH_EVERY_S)
            app.now += timedelta(seconds=_WATCH_EVERY_S)


def _read(connection: Connection, now: datetime) -> dict[str, Any]:
    import psycopg  # noqa: PLC0415  # loaded with the connection

    try:
        row = connection.execute("SELECT reporting.fn_status(%s)", [now]).fetchone()
    except (psycopg.errors.UndefinedFunction, psycopg.errors.InvalidSchemaName):
        raise UsageError("the database has no fleettickets schema yet: run python run_migrations.py") from None
    return row[0] if row else {}


def _show(document: dict[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415  # not needed for --json
    from rich.table import Table  # noqa: PLC0415  # the same

    now = datetime.fromisoformat(document["now"])
    console = Console()
    console.print(f"now {shown_time(now)} EAT", highlight=False)
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in document["datasets"]:
        table.add_column(name, justify="right")
    for label, value in _LINES:
        table.add_row(label, *(str(value(stream, now)) for stream in document["datasets"].values()))
    console.print(table, highlight=False)
    for name, stream in document["datasets"].items():
        for run in stream["last_runs"]:
            console.print(f"{name} {_run_line(run)}", highlight=False, markup=False, soft_wrap=True)


def _clock(name: str) -> Any:  # noqa: ANN401  # a cell's function
    def cell(stream: dict[str, Any], now: datetime) -> str:
        text = stream["freshness"][name]
        if text is None:
            return "never"
        moment = datetime.fromisoformat(text)
        return f"{shown_time(moment)}\n{_ago(now - moment)}"

    return cell


def _ago(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 0:
        return "ahead of now"
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h ago"
    return f"{hours} h {minutes} min ago" if hours else f"{minutes} min ago"


def _of(group: str, name: str) -> Any:  # noqa: ANN401  # a cell's function
    return lambda stream, now: f"{stream[group][name]:,}"  # noqa: ARG005  # a cell may ignore the clock


def _estimate(number: float | None) -> str:
    return "not estimated yet" if number is None else f"~{number:,.0f}"


_LINES: tuple[tuple[str, Any], ...] = (
    ("data ends", _clock("content_as_of")),
    ("last file", _clock("file_ts")),
    ("last run", _clock("run_at")),
    ("open tickets", _of("backlog", "open")),
    ("  expected truly open", lambda stream, now: _estimate(stream["backlog"]["expected_open"])),  # noqa: ARG005  # ignores the clock
    ("  breached by the clock", _of("backlog", "breached")),
    ("    of these proven", _of("backlog", "breached_proven")),
    ("  at risk", _of("backlog", "at_risk")),
    ("  on track", _of("backlog", "on_track")),
    ("  unknown", _of("backlog", "unknown")),
    ("  without a policy", _of("backlog", "none")),
    ("  on the map", _of("backlog", "mapped")),
    ("files applied", _of("files", "applied")),
    ("files quarantined", _of("files", "quarantined")),
    ("files failed", _of("files", "failed")),
    ("names that are no export", _of("files", "unexpected")),
    ("files to archive", _of("files", "to_archive")),
    ("rows rejected", lambda stream, now: f"{stream['rejected_rows']:,}"),  # noqa: ARG005  # ignores the clock
)


def _run_line(run: dict[str, Any]) -> str:
    when = shown_time(datetime.fromisoformat(run["started_at"]))
    rows = f"{int(run['rows_read'] or 0):,} rows" if run["finished_at"] else "not finished"
    ending = f"exit {run['exit_code']}" if run["exit_code"] is not None else "running, or killed"
    return f"run {run['run_id']}  {when}  {rows}  {ending}{'  ' + printable(run['error']) if run['error'] else ''}"
