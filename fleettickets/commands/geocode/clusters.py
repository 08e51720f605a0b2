"""fleettickets geocode clusters: a point for every cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fleettickets.commands.geocode.running import APPLY, BUDGET, geocode

if TYPE_CHECKING:
    from fleettickets.commands.app import App


@click.command("clusters")
@APPLY
@BUDGET
@click.pass_obj
def command(app: App, *, apply: bool, budget: int | None) -> int:
    """Find a point for every cluster; a dry run unless --apply."""
    from fleettickets.geocode.run import Order  # noqa: PLC0415  # psycopg is loaded when it is needed

    return geocode(app, ["clusters"], Order(apply=apply, budget=budget))
