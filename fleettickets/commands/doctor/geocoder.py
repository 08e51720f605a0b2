"""The geocoders as they are set: key, quota left today."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from fleettickets.commands.doctor.finding import Finding
from fleettickets.errors import UpstreamError
from fleettickets.geocode.books import Ledger
from fleettickets.geocode.providers import configured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets.commands.app import App
    from fleettickets.geocode.asking import Terms
    from fleettickets.geocode.provider import Provider


def geocoder(app: App) -> Iterator[Finding]:
    """One line a provider; only a question that is free of charge is sent."""
    for provider, terms in configured(app.settings):
        if provider.is_metered:
            yield _metered(app, provider, terms)
        else:
            yield Finding(f"geocoder {provider.name}", "ok", "embedded: knows areas only, sends nothing")
        provider.close()


def _metered(app: App, provider: Provider, terms: Terms) -> Finding:
    subject = f"geocoder {provider.name}"
    with app.connector()() as connection:
        spent = Ledger(connection, uuid4()).spent(provider.name, app.now).total()
    left = provider.balance()
    if left is None and provider.says_balance:
        silent = f"does not say what is left: check {provider.name.upper()}_API_KEY, GEOCODER_BASE_URL and the network"
        return Finding(subject, "fail", silent, UpstreamError.exit_code)
    counted = [] if terms.daily_limit is None else [max(0, terms.daily_limit - spent)]
    counted += [] if left is None else [left]
    if not counted:
        return Finding(subject, "ok", f"{spent:,} requests today, nobody counts")
    told = f"{spent:,} requests today, {min(counted):,} left until 00:00 UTC"
    return Finding(subject, "ok" if min(counted) else "warn", told)
