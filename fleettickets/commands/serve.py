"""fleettickets serve: the HTTP API and the web app."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleettickets.errors import UsageError

if TYPE_CHECKING:
    import socket

    from fleettickets.api.server import ServeSettings
    from fleettickets.commands.app import App


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--access-log/--no-access-log", default=True, show_default=True, help="A line a request on stderr.")
@click.pass_obj
def command(app: App, *, host: str, port: int, access_log: bool) -> None:
    """Serve the map feed, live events, tiles, exports and the web app, until stopped."""
    needs_api()
    from fleettickets.api import serving  # noqa: PLC0415  # the server's libraries cost half a second

    settings = settings_of(app, loopback=is_loopback(host), access_log=access_log)
    demand_tokens(app, settings)
    with serving.listen(host, port) as listening:
        where = address(listening)
        serving.log_to_stderr()
        app.answer({"url": where}, lambda: None)
        serving.serve(settings, listening, lambda: app.say(f"serving on {where} (Ctrl-C stops)"))


def needs_api() -> None:
    """One sentence when the server's libraries are not installed."""
    try:
        import fastapi  # noqa: F401, PLC0415  # one of them stands for all
        import uvicorn  # noqa: F401, PLC0415  # the same
    except ImportError as error:
        raise UsageError(f"{error.name} is not installed: pip install 'fleettickets[api]'") from None


def settings_of(app: App, *, loopback: bool, access_log: bool) -> ServeSettings:
    """What the server needs to know, from the settings of the working folder."""
    from fleettickets.api.server import ServeSettings  # noqa: PLC0415  # the same
    from fleettickets.geocode.providers import daily_limits  # noqa: PLC0415  # the same

    is_private = app.settings.database_url is None
    app.connector()  # starts the private cluster when no address is set
    chosen = app.settings
    return ServeSettings(
        str(chosen.database_url),
        loopback=loopback,
        origins=frozenset(origin.strip() for origin in (chosen.api_origins or "").split(",") if origin.strip()),
        rate_per_s=_rate(chosen.api_rate_per_s),
        basemap_url=chosen.basemap_url,
        web_folder=Path(chosen.web_folder) if chosen.web_folder else None,
        access_log=access_log,
        # A database of somebody else's choice says nothing of a private store.
        open_bucket=app.bucket if is_private or chosen.s3_endpoint_url else None,
        deadline_s=chosen.deadline_s,
        router=chosen.router,
        router_url=chosen.router_url,
        geocode_limits=daily_limits(chosen),
    )


def demand_tokens(app: App, settings: ServeSettings) -> None:
    """Beyond loopback nobody reads without a token; a schema that is too old is said at once."""
    import psycopg  # noqa: PLC0415  # loaded by commands that need it

    from fleettickets import db  # noqa: PLC0415  # the same

    try:
        with db.connect(settings.database_url) as connection:
            row = connection.execute("SELECT EXISTS (SELECT FROM tickets.api_tokens)").fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        raise UsageError("the database schema is not up to date: run fleettickets migrate") from None
    if row and row[0]:
        return
    if not settings.loopback:
        raise UsageError(
            "no token was ever made, so only this machine may be served: keep --host 127.0.0.1, "
            "or type first: fleettickets token create NAME --scope read"
        )
    app.say("no token was ever made: only this machine is served, and whoever sits at it may do everything")


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate < float("inf"):
        raise UsageError(f"FLEETTICKETS_API_RATE_PER_S is {text!r}: set it to requests a second, or 0 for no limit")
    return rate


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address(listening: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
