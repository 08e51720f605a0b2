"""Photon: GET /api, answers are GeoJSON; no key, nobody counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fleettickets.geocode.places import Answer, Box, Candidate
from fleettickets.geocode.provider import MOST_CANDIDATES, Provider, is_too_broad, point_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_ABOVE = ("street", "district", "locality", "city", "county", "state", "country")


class Photon(Provider):
    """A Photon of one's own, or a public one."""

    name = "photon"

    def search(self, query: str, box: Box) -> Answer:
        """What is known of the query inside the box."""
        parameters = {
            "q": query,
            "limit": str(MOST_CANDIDATES),
            "bbox": f"{box.west},{box.south},{box.east},{box.north}",
            "lang": "en",
        }
        reply = self.client.get("/api", parameters)
        document = reply.document if isinstance(reply.document, dict) else {}
        features = document.get("features")
        if reply.status == 200 and isinstance(features, list):  # noqa: PLR2004  # OK
            return self.answered(reply, _candidates(features))
        return self.failed(reply, text_of(document.get("message")))


def _candidates(features: list[Any]) -> Iterator[Candidate]:
    for feature in features:
        feature_dict = feature if isinstance(feature, dict) else {}
        geometry, properties = feature_dict.get("geometry"), feature_dict.get("properties")
        coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
        if not isinstance(properties, dict) or not isinstance(coordinates, list) or len(coordinates) < 2:  # noqa: PLR2004  # lon, lat
            continue
        point = point_of(coordinates[1], coordinates[0])
        name = text_of(properties.get("name")) or text_of(properties.get("street"))
        is_kenyan = text_of(properties.get("countrycode")).upper() in {"", "KE"}
        if point is None or not name or not is_kenyan or _is_broad(properties.get("extent")):
            continue
        kind = text_of(properties.get("osm_key"))
        yield Candidate(
            name,
            ", ".join([name, *(text_of(properties.get(part)) for part in _ABOVE if properties.get(part))]),
            point,
            _precision(kind, text_of(properties.get("osm_value"))),
            is_place=kind == "place",
            ref=f"{properties.get('osm_type')}/{properties.get('osm_id')}" if properties.get("osm_id") else None,
        )


def _precision(kind: str, detail: str) -> str:
    if kind == "building" or detail == "house":
        return "point"
    if kind == "highway":
        return "street"
    return "area" if kind in {"place", "boundary", "landuse"} else "place"


def _is_broad(extent: Any) -> bool:  # noqa: ANN401  # whatever JSON held
    if not isinstance(extent, list) or len(extent) != 4:  # noqa: PLR2004  # west, north, east, south
        return False
    west, north, east, south = extent
    return is_too_broad(south, north, west, east)
