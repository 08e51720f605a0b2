"""fleettickets geocode evaluate: how good the points of the configured provider are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleettickets.commands.app import plural

if TYPE_CHECKING:
    from fleettickets.commands.app import App


@click.command("evaluate")
@click.argument("places", type=click.Path(path_type=Path))
@click.argument("names", type=click.Path(path_type=Path))
@click.option("--budget", type=click.IntRange(0), metavar="N", help="Send at most N requests.")
@click.pass_obj
def command(app: App, *, places: Path, names: Path, budget: int | None) -> int:
    """Measure the points of known names; the database stays as it was.

    PLACES has the columns id,name,cluster,lat,lon,radius_km,tier and NAMES raw,cluster,place_id; a name without
    a place_id must resolve to nothing. Requests are really sent to the configured provider.
    """
    from fleettickets.geocode.evaluate import evaluate, read_expected  # noqa: PLC0415  # psycopg when needed
    from fleettickets.geocode.providers import configured  # noqa: PLC0415  # urllib3 when needed
    from fleettickets.geocode.run import Order, explained, wall_clock  # noqa: PLC0415  # psycopg when needed

    expected = read_expected(places, names)
    providers = configured(app.settings)
    order = Order(budget=budget, fallback_on_empty=app.settings.geocoder_fallback_on_empty == "yes")
    with explained(), app.connector()() as connection:
        found = evaluate(expected, order, providers, connection, wall_clock(app.now))
    document = found.as_dict()
    app.answer(document, lambda: _show(document))
    if found.run.error:
        click.echo(f"fleettickets: geocode evaluate: {found.run.error}", err=True)
    return found.run.exit_code


def _show(document: dict[str, Any]) -> None:
    click.echo(f"{plural(document['names'], 'name')}, {document['with_a_place']:,} with a place")
    for label, value in (
        ("median error", f"{document['median_error_km']} km"),
        ("within 1 km", _percent(document["within_1_km_share"])),
        ("beyond 5 km", _percent(document["beyond_5_km_share"])),
        ("unresolved", _percent(document["unresolved_share"])),
        ("nothing, yet resolved", f"{document['resolved_though_nothing']} of {document['must_be_nothing']}"),
        ("requests", f"{document['requests']:,} ({document['requests_for_clusters']:,} for clusters)"),
        ("requests a distinct name", f"{document['requests_per_distinct_name']}"),
    ):
        click.echo(f"  {label:<26} {value}")
    for tier, marks in document["by_tier"].items():
        if tier:
            click.echo(
                f"  tier {tier:<21} {marks['with_a_place']:,} names, {_percent(marks['within_1_km_share'])} within 1 km"
            )
    for one in document["wrong"]:
        error = "no point" if one["error_km"] is None else f"{one['error_km']} km off"
        wanted = f"{error} ({one['status']})" if one["place_id"] else f"should be nothing ({one['status']})"
        click.echo(f"  wrong: {one['raw'][:60]!r} in {one['cluster']}: {wanted}")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
