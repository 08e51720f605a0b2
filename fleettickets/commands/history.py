"""fleettickets history: take today's backlog, or tell the whole of history again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from fleettickets.commands.app import plural
from fleettickets.commands.progress import follow
from fleettickets.datasets import DATASETS
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleettickets.commands.app import App
    from fleettickets.datasets import Dataset
    from fleettickets.history.rebuild import Rebuilt

_WHICH = click.argument("dataset", type=click.Choice([*DATASETS, "all"]), default="all")
_APPLY = click.option("--apply", is_flag=True, help="Keep it; without it everything is tried and rolled back.")


@click.group()
def command() -> None:
    """What the feed throws away: closures, reopens and the backlog of each day. Dry runs unless --apply."""


@command.command("capture")
@_WHICH
@_APPLY
@click.pass_obj
def capture_command(app: App, *, dataset: str, apply: bool) -> None:
    """Take today's backlog as it is known now; as often as you like."""
    capture(app, _chosen(dataset), apply=apply)


@command.command("rebuild")
@_WHICH
@click.option("--from", "first", metavar="DAY", help="First day (EAT) to take again.")
@click.option("--to", "last", metavar="DAY", help="Last day (EAT) to take again.")
@_APPLY
@click.pass_obj
def rebuild_command(app: App, *, dataset: str, first: str | None, last: str | None, apply: bool) -> None:
    """Read the archived files once more, tell every story and take the backlog of every day again."""
    from fleettickets.history.rebuild import Span, rebuild  # noqa: PLC0415  # psycopg is loaded when it is needed

    span = Span(_day(first), _day(last))
    if span.first and span.last and span.first > span.last:
        raise UsageError(f"--from {first} is after --to {last}")
    connect, source = app.connector(), app.bucket()
    done = []
    for one in _chosen(dataset):
        with (
            connect() as connection,
            follow(app, one.name) as watcher,
            connection.transaction(force_rollback=not apply),
        ):
            done.append(
                rebuild(
                    connection,
                    one,
                    source,
                    span,
                    now=app.now,
                    deadline_s=app.settings.deadline_s,
                    advanced=watcher.rows,
                )
            )
    app.answer({"applied": apply, "rebuilt": [asdict(one) for one in done]}, lambda: _show_rebuilt(done, apply=apply))


def capture(app: App, datasets: Sequence[Dataset], *, apply: bool) -> None:
    """Take today's backlog of these datasets and show it."""
    days: list[dict[str, Any]] = []
    with app.connector()() as connection:
        for one in datasets:
            with connection.transaction(force_rollback=not apply):
                taken = connection.execute("SELECT tickets.capture_history(%s, %s)", [one.name, app.now]).fetchone()
                rows = connection.execute(
                    "SELECT to_jsonb(backlog) FROM tickets.backlog_daily AS backlog WHERE dataset = %s AND day = %s",
                    [one.name, taken[0] if taken else None],
                ).fetchall()
            days += [day for (day,) in rows]
    app.answer({"applied": apply, "days": days}, lambda: _show_days(days, apply=apply))


def _chosen(dataset: str) -> list[Dataset]:
    return list(DATASETS.values()) if dataset == "all" else [DATASETS[dataset]]


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"{text!r} is no day: write 2026-06-23") from None


def _show_days(days: Sequence[dict[str, Any]], *, apply: bool) -> None:
    for day in days:
        split = ", ".join(f"{day[name]:,} {name.replace('_', ' ')}" for name in ("breached", "at_risk", "on_track"))
        click.echo(
            f"{day['dataset']} {day['day']}: {day['open']:,} open ({split}), newest file {day['source_max_key']}"
        )
    if not days:
        click.echo("nothing to take: no file was read yet")
    elif not apply:
        click.echo("dry run: add --apply to keep it")


def _show_rebuilt(done: Sequence[Rebuilt], *, apply: bool) -> None:
    for one in done:
        click.echo(
            f"{one.dataset}: {plural(one.files, 'archived file')} read, {plural(one.tickets, 'ticket')} told again, "
            f"{plural(one.days, 'day')} taken again"
        )
        for note in one.notes:
            click.echo(f"  {note}")
    if not apply:
        click.echo("dry run: add --apply to keep it")
