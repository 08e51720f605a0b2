"""fleettickets completion: what a shell needs to complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from fleettickets.errors import UsageError


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell; for bash: eval "$(fleettickets completion bash)"."""
    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"nothing is known of the shell {shell!r}: use bash, zsh or fish")
    click.echo(kind(ctx.find_root().command, {}, "fleettickets", "_FLEETTICKETS_COMPLETE").source())
