"""The embedded gazetteer as a provider: no key, no network, nobody counts, and never more precise than an area."""

from __future__ import annotations

import re

from fleettickets.geocode import gazetteer
from fleettickets.geocode.places import Answer, Box, Candidate, Outcome, Point
from fleettickets.geocode.provider import Provider

_MOST_WORDS = 8


class Gazetteer(Provider):
    """Knows a place by its name or an alias, whole: it never guesses."""

    name = "gazetteer"
    is_metered = False

    def search(self, query: str, box: Box) -> Answer:
        """The places whose name the query is, or begins or ends with."""
        known = gazetteer.by_key()
        found = dict.fromkeys(place for key in _keys(query) if (place := known.get(key)) is not None)
        candidates = tuple(
            Candidate(
                place.name,
                f"{place.name}, Nairobi, Kenya",
                Point(place.point.lat, place.point.lon),
                "area",
                is_place=True,
                ref=f"gazetteer/{place.name}",
            )
            for place in found
        )
        inside = tuple(one for one in candidates if box.holds(one.point))
        return Answer(Outcome.OK if inside else Outcome.EMPTY, inside)


def _keys(query: str) -> list[str]:
    """The query as a name, then its parts, then what is left when words go from its end."""
    parts = [part for part in query.split(",") if part.strip()]
    keys = [gazetteer.key(query), *(gazetteer.key(part) for part in parts)]
    words = re.findall(r"\w+", parts[0] if parts else "")[:_MOST_WORDS]
    return [*keys, *(gazetteer.key(" ".join(words[:n])) for n in range(len(words) - 1, 0, -1))]
