"""fleettickets geocode: where tickets are; each subcommand is a module of this package."""

from __future__ import annotations

from typing import Final

import click

from fleettickets.commands.lazy import LazyGroup

_COMMANDS: Final = {
    "clusters": "Find a point for every cluster; a dry run unless --apply.",
    "evaluate": "Measure the points of known names; the database stays as it was.",
    "explain": "How a location name is read, step by step, and what would be asked.",
    "locations": "Find a point for the location names of open tickets; a dry run unless --apply.",
    "review": "Points that wait for a person: list, accept, reject, move, keep-cluster, undo.",
}


@click.group(cls=LazyGroup, package="fleettickets.commands.geocode", summaries=_COMMANDS)
def command() -> None:
    """Where tickets are: what their location names mean, and where that is."""
