"""fleettickets up: start the private servers of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fleettickets.commands.app import App


@click.command()
@click.pass_obj
def command(app: App) -> None:
    """Start the private PostgreSQL and S3 servers of this folder, or find them running."""
    from fleettickets.demo import stack  # noqa: PLC0415  # the servers' own imports

    running = stack.up(app.home, bucket=app.settings.s3_bucket, say=app.say)
    s3 = running.s3
    document = {
        "home": str(running.home),
        "database_url": running.database_url,
        "s3_endpoint_url": s3.endpoint_url if s3 else None,
        "s3_bucket": s3.bucket if s3 else None,
    }

    def show() -> None:
        click.echo(f"PostgreSQL  {_without_password(running.database_url)}")
        click.echo(f"S3          {s3.endpoint_url if s3 else 'not running'}")
        click.echo("Commands in this folder use them as long as DATABASE_URL and RUSTFS_ENDPOINT_URL are not set.")

    app.answer(document | {"database_url": _without_password(running.database_url)}, show)


def _without_password(database_url: str | None) -> str:
    if database_url is None:
        return "not running"
    head, _, tail = database_url.rpartition("@")
    return f"{head.rpartition(':')[0]}@{tail}"
