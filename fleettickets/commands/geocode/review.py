"""fleettickets geocode review: what waits for a person, and the person's decisions."""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from fleettickets.commands.app import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fleettickets.commands.app import App
    from fleettickets.db import Connection
    from fleettickets.geocode.review import Decided, Target

_MOST_SHOWN = 20


def _deciding(command: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments every decision takes: the place (without it the cluster's own point is meant), and who decides."""
    command = click.option("--by", "who", metavar="NAME", help="Who decides (default: the user of this computer).")(
        command
    )
    command = click.option("--cluster", default="", help="The cluster the name belongs to.")(command)
    return click.argument("name", required=False)(command)


@click.group("review")
def command() -> None:
    """Points that wait for a person: list, accept, reject, move, keep-cluster, undo.

    NAME is a location name of the feed or a key of the list; all spellings of its place are decided with it.
    Without NAME the point of --cluster itself is decided. Who decided, and when, is kept.
    """


@command.command("list")
@click.option("--limit", default=_MOST_SHOWN, show_default=True, type=click.IntRange(1), help="Rows to show.")
@click.pass_obj
def list_command(app: App, *, limit: int) -> None:
    """What waits, by the tickets it touches."""
    from fleettickets.geocode import review  # noqa: PLC0415  # psycopg is loaded when it is needed

    with _connected(app) as connection:
        items = review.queue(connection, limit)
    app.answer({"queue": items}, lambda: _show(items))


@command.command("accept")
@_deciding
@click.pass_obj
def accept(app: App, *, name: str | None, cluster: str, who: str | None) -> None:
    """Take the proposed point (or confirm the one that is there) as verified."""
    _decide(app, "accept", name, cluster, who)


@command.command("reject")
@_deciding
@click.pass_obj
def reject(app: App, *, name: str | None, cluster: str, who: str | None) -> None:
    """The proposed point is wrong; it is not offered again."""
    _decide(app, "reject", name, cluster, who)


@command.command("keep-cluster")
@_deciding
@click.pass_obj
def keep_cluster(app: App, *, name: str | None, cluster: str, who: str | None) -> None:
    """Leave the tickets at their cluster's point, for good."""
    _decide(app, "keep-cluster", name, cluster, who)


@command.command("move", context_settings={"ignore_unknown_options": True})
@click.option("--at", "position", required=True, metavar="LAT,LON", help="The right point, as in --at=-1.2219,36.8976.")
@_deciding
@click.pass_obj
def move(app: App, *, name: str | None, cluster: str, who: str | None, position: str) -> None:
    """Put the place where it really is, as verified."""
    _decide(app, "move", name, cluster, who, position)


@command.command("undo")
@_deciding
@click.pass_obj
def undo(app: App, *, name: str | None, cluster: str, who: str | None) -> None:
    """Take the last decision on this place back."""
    from fleettickets.geocode import review  # noqa: PLC0415  # psycopg is loaded when it is needed

    with _connected(app) as connection, connection.transaction():
        what = _target(connection, name, cluster)
        decided = review.undo(connection, what, who=who or _user(), now=app.now)
    _tell(app, decided)


def _decide(
    app: App, action: str, name: str | None, cluster: str, who: str | None, position: str | None = None
) -> None:
    from fleettickets.errors import UsageError  # noqa: PLC0415  # beside its only use
    from fleettickets.geocode import review  # noqa: PLC0415  # psycopg is loaded when it is needed
    from fleettickets.geocode.provider import point_of  # noqa: PLC0415  # the same

    point = None
    if position is not None:
        lat, _, lon = position.partition(",")
        point = point_of(lat, lon)
        if point is None:
            raise UsageError(f"--at {position!r}: give latitude and longitude in degrees, as in --at=-1.2219,36.8976")
    with _connected(app) as connection, connection.transaction():
        try:
            what = _target(connection, name, cluster)
        except UsageError:
            if name is None or action != "move":
                raise
            what = review.enter(connection, name, cluster, app.now)
        decided = review.decide(connection, what, action, who=who or _user(), now=app.now, point=point)
    _tell(app, decided)


def _target(connection: Connection, name: str | None, cluster: str) -> Target:
    from fleettickets.errors import UsageError  # noqa: PLC0415  # beside its only use
    from fleettickets.geocode import review  # noqa: PLC0415  # psycopg is loaded when it is needed

    if name is None and not cluster:
        raise UsageError("say what is decided: a NAME with its --cluster, or a --cluster alone")
    return review.target(connection, name, cluster)


def _tell(app: App, decided: Decided) -> None:
    moved = sum(decided.moved.values())
    what = decided.target.key or f"cluster {decided.target.cluster}"
    app.answer(decided.as_dict(), lambda: click.echo(f"{decided.action}: {what}; moves {plural(moved, 'ticket')}"))


@contextmanager
def _connected(app: App) -> Iterator[Connection]:
    from fleettickets.geocode.run import explained  # noqa: PLC0415  # psycopg is loaded when it is needed

    with explained(), app.connector()() as connection:
        yield connection


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _show(items: list[dict[str, Any]]) -> None:
    if not items:
        click.echo("nothing waits for a person")
    for item in items:
        key = f"  key {item['decision_key']}" if item["decision_key"] else ""
        click.echo(f"{item['reason']:<16} {item['cluster']} / {item['place']}{key}")
        click.echo(f"{'':<16} {item['open']:,} open of {plural(item['tickets'], 'ticket')}; {_proposal(item)}")
        if item["kind"] == "location":
            click.echo(f"{'':<16} written {' | '.join(repr(name[:60]) for name in item['sample'])}")


def _proposal(item: dict[str, Any]) -> str:
    if item["lat"] is None:
        return "no point proposed"
    away = f", {item['dist_m'] / 1000:.1f} km from the cluster's point" if item["dist_m"] is not None else ""
    note = f" ({item['note'][:80]})" if item["note"] else ""
    return f"proposed {item['lat']:.5f},{item['lon']:.5f}{away}{note}"
