"""A plan as a file that others read: GPX routes for a crew's telephone, GeoJSON for a map."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from xml.etree.ElementTree import Element, SubElement, indent, tostring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Writer(NamedTuple):
    """A format."""

    write: Callable[[Mapping[str, Any]], bytes]
    media_type: str


_GPX: Final = "http://www.topografix.com/GPX/1/1"


def to_gpx(plan: Mapping[str, Any]) -> bytes:
    """GPX 1.1: one route a vehicle that has stops, one point a stop in driving order, its start first."""
    root = Element("gpx", version="1.1", creator="fleettickets", xmlns=_GPX)
    metadata = SubElement(root, "metadata")
    SubElement(metadata, "name").text = f"plan {plan['plan_id']} ({plan['state']})"
    SubElement(metadata, "time").text = plan["planned_for"]
    for route in plan["routes"]:
        if route["stops"]:
            _gpx_route(SubElement(root, "rte"), route)
    indent(root)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def to_geojson(plan: Mapping[str, Any]) -> bytes:
    """RFC 7946: a line a route (straight from stop to stop), a point a stop, a point or null an unassigned ticket."""
    told = {name: plan[name] for name in ("plan_id", "state", "revision", "planned_for", "method", "travel_source")}
    return json.dumps(
        {"type": "FeatureCollection", "plan": {**told, **plan["summary"]}, "features": list(_features(plan))}
    ).encode()


WRITERS: Final[dict[str, Writer]] = {
    "gpx": Writer(to_gpx, "application/gpx+xml"),
    "geojson": Writer(to_geojson, "application/geo+json"),
}
"""By the file's ending."""


def _gpx_route(element: Element, route: Mapping[str, Any]) -> None:
    SubElement(element, "name").text = _printable(route["label"])
    SubElement(element, "desc").text = f"{len(route['stops'])} stops, {route['distance_m'] / 1000:.1f} km"
    start = SubElement(element, "rtept", lat=str(route["lat"]), lon=str(route["lon"]))
    SubElement(start, "name").text = "start"
    for stop in route["stops"]:
        point = SubElement(element, "rtept", lat=str(stop["lat"]), lon=str(stop["lon"]))
        SubElement(point, "time").text = stop["begins_at"]
        SubElement(point, "name").text = f"{stop['position']} {_printable(stop['ticket_id'])}"
        SubElement(point, "desc").text = f"due {stop['due_at']}" if stop["due_at"] else "no deadline"


def _features(plan: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for route in plan["routes"]:
        if not route["stops"]:
            continue
        facts = {name: route[name] for name in ("vehicle_id", "label", "distance_m", "ends_at")}
        line = [[one["lon"], one["lat"]] for one in (route, *route["stops"])]
        yield _feature("route", facts, {"type": "LineString", "coordinates": line})
        for stop in route["stops"]:
            yield _feature("stop", {"vehicle_id": route["vehicle_id"], **_facts(stop)}, _point(stop))
    for left in plan["unassigned"]:
        yield _feature("unassigned", _facts(left), _point(left))


def _facts(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name not in {"lat", "lon"}}


def _point(one: Mapping[str, Any]) -> dict[str, Any] | None:
    return None if one["lat"] is None else {"type": "Point", "coordinates": [one["lon"], one["lat"]]}


def _feature(kind: str, facts: dict[str, Any], geometry: dict[str, Any] | None) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": {"kind": kind, **facts}}


def _printable(text: str) -> str:
    """XML knows no control characters, not even escaped."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
