"""fleettickets config: the settings that hold here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fleettickets.commands.app import App


@click.group()
def command() -> None:
    """The settings that hold here, and where each comes from."""


@command.command("show")
@click.option("--origin", is_flag=True, help="Show where each value comes from.")
@click.pass_obj
def show(app: App, *, origin: bool) -> None:
    """Print each setting; secrets are masked."""
    from fleettickets.config import shown  # noqa: PLC0415  # the module shares this one's name

    rows = shown(app.settings)
    document = {name: {"value": value, "origin": where} for name, value, where in rows}

    def lines() -> None:
        width = max(len(name) for name, *_ in rows)
        for name, value, where in rows:
            click.echo(f"{name:<{width}}  {value}{f'  ({where})' if origin else ''}")

    app.answer(document, lines)
