"""OpenCage: GET /geocode/v1/json; no match is an empty list, a spent quota is a 402."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from fleettickets.geocode.places import Answer, Box, Candidate
from fleettickets.geocode.provider import MOST_CANDIDATES, Provider, head_of, is_too_broad, point_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLACES: Final = frozenset(
    {"neighbourhood", "suburb", "quarter", "village", "hamlet", "town", "city", "city_district", "place", "residential"}
)
_TOO_BROAD: Final = frozenset({"country", "state", "county", "state_district", "region", "continent", "postcode"})
_STREETS: Final = frozenset({"road", "street", "footway"})


class OpenCage(Provider):
    """Answers may be kept for ever; every envelope may tell what is left of the quota."""

    name = "opencage"
    free_daily_limit = 2_500
    free_pause_s = 1.1

    def search(self, query: str, box: Box) -> Answer:
        """What is known of the query inside the box."""
        parameters = {
            "q": query,
            "key": self._key,
            "countrycode": "ke",
            "bounds": f"{box.west},{box.south},{box.east},{box.north}",
            "limit": str(MOST_CANDIDATES),
            "no_annotations": "1",
            "no_record": "1",
            "language": "en",
        }
        reply = self.client.get("/geocode/v1/json", parameters)
        document = reply.document if isinstance(reply.document, dict) else {}
        results = document.get("results")
        status = document.get("status")
        if reply.status == 200 and isinstance(results, list):  # noqa: PLR2004  # OK
            answer = self.answered(reply, _candidates(results))
        else:
            answer = self.failed(reply, text_of(status.get("message")) if isinstance(status, dict) else "")
        return _with_rate(answer, document.get("rate"))


def _candidates(results: list[Any]) -> Iterator[Candidate]:
    for result in results:
        if not isinstance(result, dict):
            continue
        geometry, components = _dict(result.get("geometry")), _dict(result.get("components"))
        point = point_of(geometry.get("lat"), geometry.get("lng"))
        label = text_of(result.get("formatted"))
        kind = text_of(components.get("_type"))
        if point is None or not label or kind in _TOO_BROAD or _is_broad(_dict(result.get("bounds"))):
            continue
        yield Candidate(
            text_of(components.get(kind)) or head_of(label),
            label,
            point,
            _precision(kind),
            is_place=kind in _PLACES,
        )


def _precision(kind: str) -> str:
    if kind in {"building", "house"}:
        return "point"
    if kind in _STREETS:
        return "street"
    return "area" if kind in _PLACES or not kind else "place"


def _is_broad(bounds: dict[str, Any]) -> bool:
    low, high = _dict(bounds.get("southwest")), _dict(bounds.get("northeast"))
    return is_too_broad(low.get("lat"), high.get("lat"), low.get("lng"), high.get("lng"))


def _with_rate(answer: Answer, rate: Any) -> Answer:  # noqa: ANN401  # whatever JSON held
    if not isinstance(rate, dict):
        return answer
    remaining, reset = rate.get("remaining"), rate.get("reset")
    try:
        reset_at = datetime.fromtimestamp(reset, UTC) if isinstance(reset, int) else None
    except (ValueError, OverflowError, OSError):
        reset_at = None
    return replace(answer, remaining=remaining if isinstance(remaining, int) else None, reset_at=reset_at)


def _dict(value: Any) -> dict[str, Any]:  # noqa: ANN401  # whatever JSON held
    return value if isinstance(value, dict) else {}
