"""fleettickets geocode: where tickets are; each subcommand is a module of this package."""

from __future__ import annotations

from typing import Final

import click

from fleettickets.commands.lazy import LazyGroup

_COMMANDS: Final = {
    "explain": "How a location name is read, step by step, and what would be asked.",
}


@click.group(cls=LazyGroup, package="fleettickets.commands.geocode", summaries=_COMMANDS)
def command() -> None:
    """Where tickets are: what their location names mean."""
