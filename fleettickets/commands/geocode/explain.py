"""fleettickets geocode explain: how a location name is read, and what would be asked for it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from fleettickets.commands.app import App
    from fleettickets.geocode.names import Name
    from fleettickets.geocode.rules import Rules


@click.command("explain")
@click.argument("name")
@click.option("--cluster", help="The ticket's cluster.")
@click.option("--seeded", is_flag=True, help="Use the rules as shipped instead of those of the database.")
@click.pass_obj
def command(app: App, *, name: str, cluster: str | None, seeded: bool) -> None:
    """How a location name is read, step by step, and what would be asked. Nothing is sent."""
    from fleettickets.geocode.names import clean  # noqa: PLC0415  # keeps --help fast

    read = clean(name, cluster, _rules(app, seeded=seeded))
    document = _document(name, cluster, read)
    app.answer(document, partial(_show, document))


def _rules(app: App, *, seeded: bool) -> Rules:
    from fleettickets.geocode import rules  # noqa: PLC0415  # keeps --help fast

    if seeded:
        return rules.seeded()
    import psycopg  # noqa: PLC0415  # loaded with the connection

    with app.connector()() as connection:
        try:
            return rules.read(connection)
        except psycopg.errors.UndefinedTable:
            raise UsageError(
                "the database has no name rules yet: run python run_migrations.py, or add --seeded"
            ) from None


def _document(raw: str, cluster: str | None, name: Name) -> dict[str, Any]:
    return {
        "name": raw,
        "cluster": cluster,
        "steps": [{"step": step.name, "text": step.text} for step in name.steps],
        "kind": name.kind.value,
        "reason": name.reason,
        "place": name.place,
        "alt": name.alt,
        "unit": name.unit,
        "flags": list(name.flags),
        "point": {"lat": name.point.lat, "lon": name.point.lon} if name.point else None,
        "pluscode": name.pluscode,
        "codes": list(name.codes),
        "ask": [{"query": rung.query, "how": rung.how, "precision": rung.precision} for rung in name.ladder],
    }


def _show(document: dict[str, Any]) -> None:
    click.echo(f"name      {document['name']!r}" + (f" in {document['cluster']}" if document["cluster"] else ""))
    for number, step in enumerate(document["steps"], 1):
        click.echo(f"{number:>4}      {step['step']:<36} {step['text']}")
    click.echo(f"kind      {document['kind']}" + (f": {_REASONS[document['reason']]}" if document["reason"] else ""))
    for label in ("place", "alt", "unit", "pluscode"):
        if document[label]:
            click.echo(f"{label:<9} {document[label]}")
    if document["point"]:
        click.echo(f"point     {document['point']['lat']:.6f}, {document['point']['lon']:.6f}")
    for flag in document["flags"]:
        click.echo(f"flag      {_FLAGS[flag]}")
    if document["codes"]:
        click.echo(f"codes     {', '.join(document['codes'])} (unknown: for review)")
    for number, rung in enumerate(document["ask"], 1):
        worth = f"; at most {rung['precision']}" if rung["precision"] else ""
        click.echo(f"ask {number}     {rung['query']}  ({rung['how']}{worth})")
    if not document["ask"]:
        click.echo(f"ask       nothing: {_UNASKED[document['kind']]}")


_REASONS = {
    "blank": "nothing was written",
    "noise": "the words name no place",
    "code_only": "network codes only",
    "unit_only": "a house or block without a place",
    "too_broad": "an answer would be the middle of a city or county",
    "linear_feature": "a road of many kilometres",
    "personal_data": "a person's name, number or mail and no place",
}
_FLAGS = {
    "landmark": "landmark: the place is near it, not at it",
    "ambiguous": "ambiguous: there is more than one place of that name",
}
_UNASKED = {
    "COORD": "the name is a point",
    "PLUSCODE": "the code is a point, or becomes one beside its cluster",
    "CLUSTER": "the cluster's own point holds",
    "NOTHING": "no point can come of it",
    "PLACE": "",
}
