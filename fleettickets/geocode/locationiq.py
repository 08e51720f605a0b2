"""LocationIQ, and a Nominatim of one's own: the same search, the same answers, different manners."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from fleettickets.geocode.places import Answer, Box, Candidate, Outcome
from fleettickets.geocode.provider import MOST_CANDIDATES, Provider, head_of, is_too_broad, point_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOUSES: Final = frozenset({"house", "building", "apartments", "residential_building"})
_AREAS: Final = frozenset({"place", "boundary", "landuse"})


class LocationIQ(Provider):
    """GET /v1/search; no match is a 404 that says so."""

    name = "locationiq"
    free_daily_limit: ClassVar[int | None] = 5_000
    free_pause_s = 0.5
    free_answers_keep: ClassVar[timedelta | None] = timedelta(hours=48)
    says_balance = True
    path: ClassVar[str] = "/v1/search"
    json_format: ClassVar[str] = "json"

    def search(self, query: str, box: Box) -> Answer:
        """What is known of the query inside the box."""
        parameters = {
            "q": query,
            "format": self.json_format,
            "countrycodes": "ke",
            "viewbox": f"{box.west},{box.north},{box.east},{box.south}",
            "bounded": "1",
            "limit": str(MOST_CANDIDATES),
            "accept-language": "en",
        }
        if self._key:
            parameters["key"] = self._key
        reply = self.client.get(self.path, parameters)
        if reply.status == 200 and isinstance(reply.document, list):  # noqa: PLR2004  # OK
            return self.answered(reply, _candidates(reply.document))
        text = _error_text(reply.document)
        if reply.status in {200, 404} and text.lower().startswith("unable to geocode"):
            return Answer(Outcome.EMPTY, http=reply.status)
        return self.failed(reply, text)

    def balance(self) -> int | None:
        """Requests left today, free of charge to ask."""
        if not self._key:
            return None
        reply = self.client.get("/v1/balance", {"key": self._key})
        document = reply.document if isinstance(reply.document, dict) else {}
        left = document.get("balance")
        if reply.status != 200 or not isinstance(left, dict):  # noqa: PLR2004  # OK
            return None
        counts = [left.get(name) for name in ("day", "bonus")]
        known = [count for count in counts if isinstance(count, int) and not isinstance(count, bool)]
        return max(0, sum(known)) if known else None


class Nominatim(LocationIQ):
    """A Nominatim of one's own: GET /search, no key, nobody counts, no match is an empty list."""

    name = "nominatim"
    free_daily_limit = None
    free_pause_s = 0.0
    free_answers_keep = None
    says_balance = False
    path = "/search"
    json_format = "jsonv2"


def _error_text(document: Any) -> str:  # noqa: ANN401  # whatever JSON held
    error = document.get("error") if isinstance(document, dict) else None
    return text_of(error.get("message") if isinstance(error, dict) else error)


def _candidates(elements: list[Any]) -> Iterator[Candidate]:
    for element in elements:
        if not isinstance(element, dict):
            continue
        point = point_of(element.get("lat"), element.get("lon"))
        label = text_of(element.get("display_name"))
        if point is None or not label or _is_broad(element.get("boundingbox")):
            continue
        kind = text_of(element.get("class")) or text_of(element.get("category"))
        importance = element.get("importance")
        yield Candidate(
            text_of(element.get("name")) or head_of(label),
            label,
            point,
            _precision(kind, text_of(element.get("type"))),
            is_place=kind == "place",
            importance=float(importance) if isinstance(importance, (int, float)) else None,
            ref=_ref(element),
        )


def _precision(kind: str, detail: str) -> str:
    if detail in _HOUSES or kind == "building":
        return "point"
    if kind == "highway":
        return "street"
    return "area" if kind in _AREAS else "place"


def _is_broad(box: Any) -> bool:  # noqa: ANN401  # whatever JSON held
    return isinstance(box, list) and len(box) == 4 and is_too_broad(*box)  # noqa: PLR2004  # S, N, W, E


def _ref(element: dict[str, Any]) -> str | None:
    if element.get("osm_type") and element.get("osm_id"):
        return f"{element['osm_type']}/{element['osm_id']}"
    return str(element["place_id"]) if element.get("place_id") else None
