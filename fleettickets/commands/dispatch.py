"""fleettickets dispatch: who goes where next, as a plan people can question, change and commit."""

from __future__ import annotations

import getpass
import sys
import time
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleettickets.commands.app import instant, plural, shown_time
from fleettickets.datasets import EAT
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from fleettickets.commands.app import App
    from fleettickets.dispatch.changes import Difference
    from fleettickets.dispatch.plans import Stored
    from fleettickets.dispatch.positions.fix import Recorded

_REASONS = {
    "no_location": "nobody knows where it is: give it a place in the geocode review",
    "coarse_location": "only its cluster is known, and this plan sends nobody to a cluster's middle",
    "skill": "no vehicle of the plan has the skills it needs, or the one it is pinned to is missing",
    "stale_vehicle": "the vehicles that could do it have not been heard of lately",
    "deadline_unreachable": "no vehicle could finish it before its deadline, even with nothing else to do",
    "shift_full": "no vehicle has the time for it before its shift ends",
    "outranked": "what stands in its place is worth at least as much",
}


@click.group()
def command() -> None:
    """Who goes where next: plan a shift, insert what is urgent, commit."""


@command.command()
@click.option("--dataset", "datasets", multiple=True, help="inc (the default) or crq; may be given twice.")
@click.option("--without", "without_vehicles", metavar="VEHICLE", multiple=True, help="What if this vehicle is away?")
@click.option("--with", "with_vehicles", metavar="N", type=int, default=0, help="What if there were N vehicles more?")
@click.option(
    "--longer", "longer_shift_minutes", metavar="MIN", type=float, default=0, help="What if shifts were longer?"
)
@click.option(
    "--stale-after",
    "stale_after_minutes",
    metavar="MIN",
    type=float,
    default=60,
    show_default=True,
    help="Send nobody who has not been heard of for so long.",
)
@click.option("--no-coarse", is_flag=True, help="Send nobody where only the cluster is known.")
@click.option("--iterations", type=int, default=4_000, show_default=True, help="Search effort; 0: insertion only.")
@click.option("--by", metavar="NAME", help="Who plans; default: the user of this machine.")
@click.option("--apply", is_flag=True, help="Keep the plan as a draft; without it, it is only shown.")
@click.pass_obj
def plan(app: App, /, *, no_coarse: bool, by: str | None, apply: bool, **chosen: Any) -> None:  # noqa: ANN401  # click's options
    """Plan the shift from what is open and where the vehicles are."""
    from fleettickets.dispatch import plans  # noqa: PLC0415  # psycopg is loaded when it is needed
    from fleettickets.dispatch.day import Locks, Settings  # noqa: PLC0415  # the same
    from fleettickets.dispatch.roads import roads_of  # noqa: PLC0415  # the same

    chosen["datasets"] = chosen["datasets"] or ("inc",)
    settings = Settings(**chosen, allows_coarse=not no_coarse)
    roads = roads_of(app.settings.router, app.settings.router_url, app.now)
    with app.connector()() as connection, connection.transaction(force_rollback=not apply):
        made = plans.draft(connection, settings, Locks(), app.now, by or getpass.getuser(), roads)
    document = made.as_dict() | {"applied": apply}
    app.answer(document, partial(_show, made, apply=apply))


@command.command()
@click.argument("plan_id", type=int, required=False)
@click.pass_obj
def show(app: App, *, plan_id: int | None) -> None:
    """A plan's routes; without a number the committed one, else the newest."""
    stored = _load(app, plan_id)
    app.answer(stored.as_dict(), partial(_show, stored, apply=True))


@command.command()
@click.argument("ticket_id")
@click.option("--plan", "plan_id", type=int, help="The plan; default: the committed one, else the newest.")
@click.pass_obj
def explain(app: App, *, ticket_id: str, plan_id: int | None) -> None:
    """Why a ticket is where it is in a plan, or why it is on no route."""
    stored = _load(app, plan_id)
    found = _explained(stored, ticket_id)
    app.answer(found, partial(_show_explained, found))


@command.command()
@click.argument("ticket_id")
@click.option("--plan", "plan_id", type=int, help="The draft; default: the newest one.")
@click.option("--apply", is_flag=True, help="Keep the change; without it, it is only shown.")
@click.pass_obj
def insert(app: App, *, ticket_id: str, plan_id: int | None, apply: bool) -> int:
    """Take one urgent ticket into a draft; nothing else moves. Exit 5 when it fits nowhere."""
    from fleettickets.dispatch import plans  # noqa: PLC0415  # psycopg is loaded when it is needed
    from fleettickets.dispatch.model import Unassigned  # noqa: PLC0415  # the same
    from fleettickets.dispatch.roads import roads_of  # noqa: PLC0415  # the same

    with app.connector()() as connection, connection.transaction(force_rollback=not apply):
        stored = plans.newest_draft(connection) if plan_id is None else plans.load(connection, plan_id)
        roads = roads_of(app.settings.router, app.settings.router_url, app.now)
        result = plans.insert(connection, stored, ticket_id, stored.revision, roads)
    if isinstance(result, Unassigned):
        left = asdict(result)
        app.answer({"applied": False, **left}, partial(_show_explained, left))
        return 5
    found = _explained(result, ticket_id) | {"applied": apply}
    app.answer(found, partial(_show_explained, found))
    return 0


@command.command()
@click.argument("plan_id", type=int)
@click.option("--by", metavar="NAME", help="Who commits; default: the user of this machine.")
@click.option("--apply", is_flag=True, help="Commit; without it everything is checked and rolled back.")
@click.pass_obj
def commit(app: App, *, plan_id: int, by: str | None, apply: bool) -> None:
    """Make a draft the plan that holds. Exit 5 when another one was committed meanwhile."""
    from fleettickets.dispatch import plans  # noqa: PLC0415  # psycopg is loaded when it is needed

    with app.connector()() as connection, connection.transaction(force_rollback=not apply):
        stored = plans.load(connection, plan_id)
        closed = plans.commit(connection, stored, stored.revision, by or getpass.getuser(), app.now)
    done = {"plan_id": plan_id, "applied": apply, "closed_before": closed}

    def show() -> None:
        click.echo(f"plan {plan_id} {'is committed' if apply else 'could be committed; add --apply'}")
        if closed:
            click.echo(f"closed meanwhile and left out: {', '.join(closed)}")

    app.answer(done, show)


@command.command()
@click.argument("before", type=int)
@click.argument("after", type=int)
@click.pass_obj
def diff(app: App, *, before: int, after: int) -> None:
    """What the crews would notice if one plan replaced another."""
    from fleettickets.dispatch import plans  # noqa: PLC0415  # psycopg is loaded when it is needed

    with app.connector()() as connection:
        change = plans.compare(plans.load(connection, before), plans.load(connection, after))
    app.answer(asdict(change), partial(_show_difference, change))


@command.command()
@click.argument("plan_id", type=int)
@click.option("--format", "ending", type=click.Choice(["gpx", "geojson"]), required=True)
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Write here instead of stdout.")
@click.pass_obj
def export(app: App, *, plan_id: int, ending: str, out: Path | None) -> None:
    """Write a plan as GPX routes or as GeoJSON."""
    from fleettickets.dispatch.files import WRITERS  # noqa: PLC0415  # loaded when it is needed

    if app.as_json and out is None:
        raise UsageError("--json leaves stdout to one JSON document: give --out FILE")
    content = WRITERS[ending].write(_load(app, plan_id).as_dict())
    if out is None:
        sys.stdout.buffer.write(content)
        return
    try:
        out.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error.strerror}): give another --out") from None
    written = {"plan_id": plan_id, "file": str(out), "bytes": len(content)}
    app.answer(written, lambda: click.echo(f"plan {plan_id} written to {out} ({len(content):,} bytes)"))


@command.command()
@click.argument("what")
@click.option("--vehicle", "is_vehicle", is_flag=True, help="WHAT is a vehicle: show the tickets nearest to it.")
@click.option("-k", "k", type=click.IntRange(1, 100), default=5, show_default=True, help="How many.")
@click.pass_obj
def nearest(app: App, *, what: str, is_vehicle: bool, k: int) -> None:
    """The vehicles nearest to a ticket, or the open tickets nearest to a vehicle."""
    import psycopg  # noqa: PLC0415  # loaded with the connection

    query = (
        "SELECT dispatch.fn_nearest_tickets(p_vehicle_id => %s, p_k => %s, p_now => %s)"
        if is_vehicle
        else "SELECT dispatch.fn_nearest_vehicles(p_ticket_id => %s, p_k => %s, p_now => %s)"
    )
    with app.connector()() as connection:
        try:
            row = connection.execute(query, [what, k, app.now]).fetchone()
        except psycopg.errors.NoDataFound as error:
            raise UsageError(str(error.diag.message_primary)) from None
    found = row[0] if row else {}
    app.answer(found, partial(_show_nearest, found, is_vehicle=is_vehicle))


@command.command()
@click.argument("source", type=click.Choice(["view", "tracksolid", "traccar", "gpx"]))
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--vehicle", metavar="VEHICLE", help="Whose track the GPX file is.")
@click.option(
    "--every", "every_s", metavar="S", type=click.FloatRange(5), help="Ask again every S seconds until Ctrl-C."
)
@click.option("--apply", is_flag=True, help="Keep the positions; without it they are only counted.")
@click.pass_obj
def positions(
    app: App, *, source: str, file: Path | None, vehicle: str | None, every_s: float | None, apply: bool
) -> None:
    """Take vehicle positions from a view, Tracksolid Pro, Traccar's database or a GPX file."""
    if (source == "gpx") != (file is not None and vehicle is not None):
        raise UsageError("gpx, and only gpx, takes a file and its vehicle: positions gpx day.gpx --vehicle KDA001A")
    if every_s is not None and (source == "gpx" or app.as_json):
        raise UsageError("--every asks a service again and again for people: leave it out with gpx and with --json")
    from fleettickets.dispatch.positions.sources import reader  # noqa: PLC0415  # loaded when it is needed

    read = reader(app.settings, app.connector(), source, file, vehicle)
    while True:
        done = read(app.now, apply)
        app.answer({"source": source, "applied": apply, **done.as_dict()}, partial(_show_recorded, done, apply=apply))
        if every_s is None:
            return
        time.sleep(every_s)
        app.now += timedelta(seconds=every_s)


@command.command()
@click.option("--from", "begins", metavar="TIME", help="Closures from this instant; default: a week before now.")
@click.option("--to", "ends", metavar="TIME", help="Closures before this instant; default: now.")
@click.option("--apply", is_flag=True, help="Keep the scores; without it they are worked out and rolled back.")
@click.pass_obj
def attribute(app: App, *, begins: str | None, ends: str | None, apply: bool) -> None:
    """Work out from the tracks which vehicle was there when tickets were closed."""
    until = instant(ends) if ends else app.now
    since = instant(begins) if begins else until - timedelta(days=7)
    if since >= until:
        raise UsageError("--from is not before --to")
    with app.connector()() as connection, connection.transaction(force_rollback=not apply):
        connection.execute("SELECT dispatch.find_stays(%s, %s)", [since - timedelta(days=1), until])
        connection.execute("SELECT dispatch.score_closures(%s, %s, %s)", [since, until, app.now])
        row = connection.execute(
            "SELECT dispatch.fn_attribution(%s, %s, 'inc', %s)", [since, until, app.now]
        ).fetchone()
    found = (row[0] if row else {}) | {"applied": apply}
    app.answer(found, partial(_show_attribution, found))


def _load(app: App, plan_id: int | None) -> Stored:
    from fleettickets.dispatch import plans  # noqa: PLC0415  # psycopg is loaded when it is needed

    with app.connector()() as connection:
        return plans.load(connection, plan_id)


def _explained(stored: Stored, ticket_id: str) -> dict[str, Any]:
    for route in stored.document["routes"]:
        for stop in route["stops"]:
            if stop["ticket_id"] == ticket_id:
                return {"plan_id": stored.plan_id, "vehicle_id": route["vehicle_id"], **stop}
    for left in stored.document["unassigned"]:
        if left["ticket_id"] == ticket_id:
            return {"plan_id": stored.plan_id, **left}
    raise UsageError(f"ticket {ticket_id} is not in plan {stored.plan_id}: it was not open when the plan was made")


def _show(stored: Stored, *, apply: bool) -> None:
    document = stored.document
    summary = document["summary"]
    name = f"plan {stored.plan_id} ({stored.state})" if apply else "plan (not kept; add --apply)"
    click.echo(f"{name} {_shift(stored)}, {document['method']}, {document['travel_source']}")
    click.echo(
        f"{plural(summary['tickets'], 'ticket')}, {summary['assigned']} assigned to "
        f"{plural(summary['vehicles'], 'vehicle')}, {summary['saved']} of {summary['savable']} deadlines saved, "
        f"{summary['distance_m'] / 1000:,.1f} km"
    )
    for route in document["routes"]:
        if route["stops"]:
            click.echo(f"\n{route['label']}  {route['distance_m'] / 1000:.1f} km, free at {_clock(route['ends_at'])}")
            for stop in route["stops"]:
                click.echo(f"  {stop['position']:2}  {_clock(stop['begins_at'])}  {stop['ticket_id']}{_deadline(stop)}")
    if summary["by_reason"]:
        click.echo("\nNot on a route:")
        for reason, n in summary["by_reason"].items():
            click.echo(f"  {n:5}  {reason}: {_REASONS[reason]}")
        click.echo("  one of them: fleettickets dispatch explain TICKET")


def _shift(stored: Stored) -> str:
    """Which hours the plan is for; a shift that comes later than now is named as such."""
    starts, ends = stored.document.get("starts_at"), stored.document.get("ends_at")
    if starts is None or ends is None:
        return f"of {shown_time(stored.planned_for)} EAT"
    begins = datetime.fromisoformat(starts)
    which = "for the shift" if begins <= stored.planned_for else "for the next shift,"
    return f"{which} {begins.astimezone(EAT):%a %d %b %H:%M} to {_clock(ends)} EAT"


def _deadline(stop: dict[str, Any]) -> str:
    if stop["due_at"] is None:
        return ""
    due = datetime.fromisoformat(stop["due_at"]).astimezone(EAT)
    return (
        f"  due {due:%a %H:%M}{'' if stop['is_on_time'] else ', late'}{'  ~ cluster only' if stop['is_coarse'] else ''}"
    )


def _show_explained(found: dict[str, Any]) -> None:
    if found.get("reason"):
        reason = str(found["reason"])
        click.echo(f"{found['ticket_id']} is on no route: {_REASONS[reason]}")
        if found["by"]:
            click.echo(f"in its place: {', '.join(found['by'])}")
        if found["best_vehicle"]:
            price = f" (it would drive {found['price_m'] / 1000:.1f} km more)" if found["price_m"] is not None else ""
            click.echo(f"best vehicle: {found['best_vehicle']}{price}")
        return
    late = "in time" if found["is_on_time"] else "late" if found["is_on_time"] is False else "no deadline"
    click.echo(
        f"{found['ticket_id']} is stop {found['position']} of {found['vehicle_id']}: "
        f"from {_clock(found['begins_at'])} to {_clock(found['finishes_at'])}, {late}"
    )


def _show_difference(change: Difference) -> None:
    for name, tickets in (("added", change.added), ("removed", change.removed)):
        click.echo(f"{name}: {', '.join(tickets) or 'none'}")
    click.echo("moved: " + (", ".join(f"{one} from {a} to {b}" for one, a, b in change.moved) or "none"))
    click.echo(f"reordered: {', '.join(change.reordered) or 'none'}")
    click.echo(f"{change.on_time:+d} in time, {change.distance_m / 1000:+.1f} km")


def _show_nearest(found: dict[str, Any], *, is_vehicle: bool) -> None:
    for one in found["tickets" if is_vehicle else "vehicles"]:
        name = one["ticket_id"] if is_vehicle else one["label"]
        distance = "distance unknown" if one["distance_m"] is None else f"{one['distance_m'] / 1000:6.1f} km"
        eta = "" if one["eta_s"] is None else f"  {one['eta_s'] // 60:3} min ({one['eta_basis']})"
        obstacle = f"  not usable: {one['obstacle']}" if one.get("obstacle") else ""
        click.echo(f"{name}  {distance}{eta}{obstacle}")


def _clock(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(EAT):%H:%M}"


def _show_recorded(done: Recorded, *, apply: bool) -> None:
    click.echo(
        f"{plural(done.read, 'position')} read, {done.new} new, {done.newest} newest of their vehicle, "
        f"{done.known} known already{'' if apply else '; nothing kept, add --apply'}"
    )
    for reason, n in sorted(done.rejected.items()):
        click.echo(f"  {n} not usable: {reason}")


def _show_attribution(found: dict[str, Any]) -> None:
    coverage = found["coverage"]
    click.echo(
        f"{plural(coverage['closures'], 'closure')}: {coverage['attributed']} attributed, "
        f"{coverage['probable']} probable, {coverage['unattributed']} unattributed, "
        f"{coverage['no_track']} without tracks"
    )
    for team in found["teams"]:
        observed = f"{team['attributed']} + {team['probable']} probable"
        click.echo(f"  {team['team']}: assigned {team['assigned']}, observed {observed}")
    if not found["applied"]:
        click.echo("nothing kept; add --apply")
