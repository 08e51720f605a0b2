"""fleettickets migrate: bring the database schema up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fleettickets.commands.app import App
    from fleettickets.migrate import Migrated


@click.command()
@click.option("--check", is_flag=True, help="Only tell what is pending; exit 5 if anything is.")
@click.pass_obj
def command(app: App, *, check: bool) -> int:
    """Bring the database schema up to date, in one transaction; run it as often as you like."""
    from fleettickets import migrate  # noqa: PLC0415  # psycopg is loaded when it is needed

    with app.connector()() as connection:
        done = migrate.pending(connection) if check else migrate.migrate(connection)
    document = {
        "migrations": list(done.migrations),
        "objects": done.objects,
        "applied": not check,
        "warnings": list(done.warnings),
    }
    app.answer(document, lambda: _show(done, check=check))
    return 5 if check and not done.current else 0


def _show(done: Migrated, *, check: bool) -> None:
    verb = "pending" if check else "applied"
    for name in done.migrations:
        click.echo(f"{verb}: migrations/{name}.sql")
    if done.objects:
        click.echo(f"{verb}: sql/ (functions and views)")
    if done.current:
        click.echo("the schema is up to date")
    for warning in done.warnings:
        click.echo(f"warning: {warning}", err=True)
