"""Positions that trackers and servers send by HTTP: Jimi /pushgps, Traccar's JSON forward, OwnTracks, plain JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from fleettickets.dispatch.positions.fix import Fix
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_KM_PER_H_PER_KNOT: Final = 1.852
_MOST_FIXES: Final = 10_000


def fixes_of(body: bytes, form: Mapping[str, str] | None = None) -> list[Fix]:
    """The fixes of one request; UsageError for a body that is none of the known kinds.

    Jimi posts a form with `data_list` (or `data`), the others JSON: Traccar {"position": ..., "device": ...},
    OwnTracks {"_type": "location", ...}, plain {"vehicle_id", "lat", "lon", "fixed_at"} or a list of these.
    """
    if form and (form.get("data_list") or form.get("data")):
        return [_jimi(one) for one in _list(_parsed((form.get("data_list") or form["data"]).encode()))]
    told = _parsed(body)
    return [fix for one in _list(told) if (fix := _fix(one)) is not None]


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise UsageError("the body is no JSON: send a position, a list of positions, or Jimi's form") from None


def _list(told: object) -> list[dict[str, Any]]:
    told = told if isinstance(told, list) else [told]
    found = [one for one in told if isinstance(one, dict)]
    if len(found) > _MOST_FIXES:
        raise UsageError(f"{len(found):,} positions in one request: send at most {_MOST_FIXES:,}")
    if len(found) < len(told):
        raise UsageError("a position is a JSON object")
    return found


def _fix(one: Mapping[str, Any]) -> Fix | None:
    if isinstance(one.get("position"), dict):
        return _traccar(one)
    if "_type" in one:
        return _owntracks(one) if one["_type"] == "location" else None
    if "deviceImei" in one:
        return _jimi(one)
    if "vehicle_id" not in one:
        raise UsageError("no known kind of position: see 'Positions' in the manual for the four that are understood")
    return Fix(
        one["vehicle_id"] if one["vehicle_id"] is None else str(one["vehicle_id"]),
        one.get("lat"),
        one.get("lon"),
        one.get("fixed_at"),
        label=one.get("label"),
        heartbeat_at=one.get("heartbeat_at"),
        speed_km_per_h=one.get("speed_km_per_h"),
        heading_deg=one.get("heading_deg"),
        ignition=one.get("ignition"),
    )


def _jimi(one: Mapping[str, Any]) -> Fix:
    """Jimi's push: UTC, km/h."""
    return Fix(
        _name(one.get("deviceImei") or one.get("imei")),
        one.get("lat"),
        one.get("lng"),
        one.get("gpsTime") or one.get("gateTime"),
        heartbeat_at=one.get("hbTime"),
        speed_km_per_h=one.get("gpsSpeed", one.get("speed")),
        heading_deg=one.get("direction"),
        ignition=one.get("acc", one.get("accStatus")),
    )


def _traccar(one: Mapping[str, Any]) -> Fix:
    """Traccar's forward in JSON: knots."""
    position = one["position"]
    device = one.get("device") if isinstance(one.get("device"), dict) else {}
    attributes = position.get("attributes") if isinstance(position.get("attributes"), dict) else {}
    is_valid = position.get("valid", True)
    speed = position.get("speed")
    return Fix(
        _name((device or {}).get("uniqueId") or position.get("deviceId")),
        position.get("latitude") if is_valid else None,
        position.get("longitude") if is_valid else None,
        position.get("fixTime") or position.get("deviceTime"),
        label=(device or {}).get("name"),
        heartbeat_at=position.get("serverTime"),
        speed_km_per_h=speed * _KM_PER_H_PER_KNOT if isinstance(speed, int | float) else None,
        heading_deg=position.get("course"),
        ignition=(attributes or {}).get("ignition"),
    )


def _owntracks(one: Mapping[str, Any]) -> Fix:
    """OwnTracks: epoch seconds, km/h; a phone is known by its topic, else by its two letters."""
    topic = one.get("topic")
    return Fix(
        _name(topic.removeprefix("owntracks/") if isinstance(topic, str) else one.get("tid")),
        one.get("lat"),
        one.get("lon"),
        one.get("tst"),
        label=_name(one.get("tid")),
        speed_km_per_h=one.get("vel"),
        heading_deg=one.get("cog"),
    )


def _name(value: object) -> str | None:
    return None if value is None else str(value)
