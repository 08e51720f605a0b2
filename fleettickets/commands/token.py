"""fleettickets token: who may use the HTTP API."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleettickets.commands.app import App

_SCOPES = ("read", "pii", "review", "dispatch", "positions", "admin")


@click.group()
def command() -> None:
    """Make, list and revoke the tokens of the HTTP API."""


@command.command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, default=("read",), show_default=True, type=click.Choice(_SCOPES))
@click.option("--days", type=click.IntRange(1, 3650), help="Days until it expires; without, it does not.")
@click.pass_obj
def create(app: App, *, name: str, scopes: tuple[str, ...], days: int | None) -> None:
    """Make a token and print it; it is shown this once."""
    from fleettickets.api.tokens import digest, new_secret  # noqa: PLC0415  # only this command makes one

    if not name.strip() or len(name) > 100 or not name.isprintable():  # noqa: PLR2004  # as the table has it
        raise UsageError("NAME is 1 to 100 readable characters that say who uses the token")
    secret = new_secret()
    expires_at = app.now + timedelta(days=days) if days else None
    wanted = sorted(scopes if set(scopes) == {"positions"} else {"read", *scopes})  # a tracker's token reads nothing
    with app.connector()() as connection, connection.transaction():
        row = connection.execute(
            "INSERT INTO tickets.api_tokens (name, secret_sha256, scopes, expires_at) VALUES (%s, %s, %s, %s) "
            "RETURNING token_id",
            [name, digest(secret), wanted, expires_at],
        ).fetchone()
        connection.execute("SELECT pg_notify('fleettickets', 'tokens')")
    token_id = row[0] if row else None
    document = {"token_id": token_id, "name": name, "scopes": wanted, "expires_at": expires_at, "token": secret}

    def show() -> None:
        click.echo(secret)
        app.say(f"token {token_id} for {name}, scopes {', '.join(wanted)}; it cannot be shown again")

    app.answer(document, show)


@command.command("list")
@click.pass_obj
def show_all(app: App) -> None:
    """List every token ever made, without its secret."""
    with app.connector()() as connection:
        rows = connection.execute(
            "SELECT token_id, name, scopes, created_at, expires_at, revoked_at FROM tickets.api_tokens "
            "ORDER BY token_id"
        ).fetchall()
    names = ("token_id", "name", "scopes", "created_at", "expires_at", "revoked_at")
    document = {"tokens": [dict(zip(names, row, strict=True)) for row in rows]}
    app.answer(document, lambda: _show(app, rows))


@command.command("revoke")
@click.argument("token_id", type=int)
@click.pass_obj
def revoke(app: App, *, token_id: int) -> None:
    """End a token; servers refuse it within a second, its sessions too."""
    with app.connector()() as connection, connection.transaction():
        row = connection.execute(
            "UPDATE tickets.api_tokens SET revoked_at = now() WHERE token_id = %s AND revoked_at IS NULL "
            "RETURNING name",
            [token_id],
        ).fetchone()
        if row is None:
            raise UsageError(f"there is no token {token_id} that holds: see fleettickets token list")
        connection.execute("SELECT pg_notify('fleettickets', 'tokens')")
    app.answer({"token_id": token_id, "revoked": True}, lambda: click.echo(f"token {token_id} ({row[0]}) is revoked"))


def _show(app: App, rows: Sequence[tuple[Any, ...]]) -> None:
    for token_id, name, scopes, created_at, expires_at, revoked_at in rows:
        if revoked_at:
            state = f"revoked {revoked_at:%Y-%m-%d}"
        elif expires_at:
            state = f"{'expired' if expires_at <= app.now else 'until'} {expires_at:%Y-%m-%d}"
        else:
            state = "holds"
        click.echo(f"{token_id:>4}  {name:<24} {','.join(scopes):<24} made {created_at:%Y-%m-%d}  {state}")
    if not rows:
        click.echo("no token was ever made: fleettickets token create NAME --scope read")
