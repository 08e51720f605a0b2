"""fleettickets down: stop the private servers of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fleettickets.commands.app import App


@click.command()
@click.option("--remove", is_flag=True, help="Delete their data too.")
@click.pass_obj
def command(app: App, *, remove: bool) -> None:
    """Stop the private servers of this folder; their data stays unless --remove."""
    from fleettickets.demo import stack  # noqa: PLC0415  # the servers' own imports

    stopped = stack.down(app.home, say=app.say)
    if remove:
        stack.remove(app.home)
    app.answer(
        {"stopped": list(stopped)},
        lambda: click.echo(f"stopped: {', '.join(stopped) or 'nothing was running'}"),
    )
