"""The providers the settings ask for, in their order of fallback, each with its terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleettickets.errors import UsageError
from fleettickets.geocode.asking import Terms
from fleettickets.geocode.embedded import Gazetteer
from fleettickets.geocode.http import Client
from fleettickets.geocode.locationiq import LocationIQ, Nominatim
from fleettickets.geocode.opencage import OpenCage
from fleettickets.geocode.photon import Photon

if TYPE_CHECKING:
    from fleettickets.config import Settings
    from fleettickets.geocode.provider import Provider

_KINDS: Final[dict[str, type[Provider]]] = {
    one.name: one for one in (LocationIQ, OpenCage, Nominatim, Photon, Gazetteer)
}
_PUBLIC: Final = {"locationiq": "https://us1.locationiq.com", "opencage": "https://api.opencagedata.com"}
_LONGEST_WAIT_S: Final = 10.0


def configured(settings: Settings) -> list[tuple[Provider, Terms]]:
    """The providers to ask; a name, a key or an address that is missing or wrong is a UsageError."""
    names = provider_names(settings)
    addresses = _addresses(settings.geocoder_base_url, names)
    limits = daily_limits(settings)
    if settings.geocoder_plan not in {"free", "paid"}:
        raise UsageError(f"FLEETTICKETS_GEOCODER_PLAN is {settings.geocoder_plan!r}: set it to 'free' or 'paid'")
    if settings.geocoder_fallback_on_empty not in {"yes", "no"}:
        raise UsageError("FLEETTICKETS_GEOCODER_FALLBACK_ON_EMPTY is neither 'yes' nor 'no'")
    is_free = settings.geocoder_plan == "free"
    found: list[tuple[Provider, Terms]] = []
    for name in names:
        kind = _KINDS[name]
        is_public = name in _PUBLIC and name not in addresses
        terms = Terms(
            daily_limit=limits.get(name),
            keep=kind.free_answers_keep if is_free else None,
            pause_s=kind.free_pause_s if is_free and is_public else 0.0,
        )
        found.append((_provider(kind, settings, addresses), terms))
    return found


def daily_limits(settings: Settings) -> dict[str, int]:
    """How many requests a day each provider in use may get; one without a limit is not in it."""
    limit, is_free = _limit(settings.geocoder_daily_limit), settings.geocoder_plan == "free"
    kinds = [_KINDS[name] for name in provider_names(settings)]
    allowed = {
        kind.name: limit if limit is not None else (kind.free_daily_limit if is_free else None) for kind in kinds
    }
    return {kind.name: most for kind in kinds if kind.is_metered and (most := allowed[kind.name]) is not None}


def provider_names(settings: Settings) -> list[str]:
    """Their names in the order of fallback; without a setting those with a key, else the embedded gazetteer."""
    if settings.geocoder_provider is None:
        with_key = [name for name in ("locationiq", "opencage") if getattr(settings, f"{name}_api_key")]
        return with_key or ["gazetteer"]
    names = list(dict.fromkeys(part.strip().lower() for part in settings.geocoder_provider.split(",") if part.strip()))
    unknown = [name for name in names if name not in _KINDS]
    if unknown or not names:
        raise UsageError(
            f"GEOCODER_PROVIDER names {', '.join(map(repr, unknown)) or 'nobody'}: use some of {', '.join(_KINDS)}"
        )
    return names


def _provider(kind: type[Provider], settings: Settings, addresses: dict[str, str]) -> Provider:
    if not kind.is_metered:
        return kind()
    key = _key(kind.name, settings)
    address = addresses.get(kind.name) or _PUBLIC.get(kind.name)
    if address is None:
        raise UsageError(f"GEOCODER_BASE_URL is not set: {kind.name} needs the address of your server")
    client = Client(address, timeout_s=min(_LONGEST_WAIT_S, settings.deadline_s), secret=key or None)
    return kind(client, key)


def _key(name: str, settings: Settings) -> str:
    if name not in _PUBLIC:
        return ""
    key = getattr(settings, f"{name}_api_key") or settings.geocoder_api_key
    if not key:
        raise UsageError(f"{name.upper()}_API_KEY is not set: {name} needs a key (see .env.example)")
    return str(key)


def _addresses(text: str | None, names: list[str]) -> dict[str, str]:
    """Provider to address: one address serves all, NAME=URL pairs serve each their own."""
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    pairs = {
        name.strip().lower(): url.strip()
        for name, is_pair, url in (part.partition("=") for part in parts)
        if is_pair and "/" not in name
    }
    if pairs and len(pairs) == len(parts):
        unknown = sorted(set(pairs) - set(_KINDS))
        if unknown:
            raise UsageError(f"GEOCODER_BASE_URL names {', '.join(unknown)}: use some of {', '.join(_KINDS)}")
        return pairs
    if len(parts) > 1:
        raise UsageError("GEOCODER_BASE_URL: give one address, or NAME=URL,NAME=URL")
    return dict.fromkeys(names, parts[0]) if parts else {}


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.strip().isdecimal():
        raise UsageError(f"GEOCODER_DAILY_LIMIT is {text!r}: set it to a number of requests a day")
    return int(text)
