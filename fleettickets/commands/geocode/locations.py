"""fleettickets geocode locations: points for the location names of tickets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fleettickets.commands.geocode.running import APPLY, BUDGET, geocode
from fleettickets.datasets import DATASETS

if TYPE_CHECKING:
    from fleettickets.commands.app import App


@click.command("locations")
@APPLY
@BUDGET
@click.option(
    "--dataset", default="all", type=click.Choice([*DATASETS, "all"]), show_default=True, help="Whose tickets' names."
)
@click.option("--closed", is_flag=True, help="Also names that only closed tickets carry, after all others.")
@click.pass_obj
def command(app: App, *, apply: bool, budget: int | None, dataset: str, closed: bool) -> int:
    """Find a point for the location names of open tickets; a dry run unless --apply."""
    from fleettickets.geocode.run import Order  # noqa: PLC0415  # psycopg is loaded when it is needed

    datasets = tuple(DATASETS) if dataset == "all" else (dataset,)
    return geocode(app, ["locations"], Order(datasets, apply=apply, budget=budget, closed=closed))
