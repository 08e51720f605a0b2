"""Which of the open tickets a question means: filters over what is held in memory."""

from __future__ import annotations

import base64
import binascii
import math
from typing import TYPE_CHECKING, Final

from fleettickets.api.held import DATASETS, Feature, Key
from fleettickets.api.parameters import box, split
from fleettickets.api.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fleettickets.api.parameters import TicketQuery

Test = "Callable[[Feature], bool]"
_NOBODY: Final = "(none)"
_NAMED: Final = ("cluster", "region", "status", "team", "owner")


def select(features: Iterable[Feature], query: TicketQuery, now_s: float, *, pii: bool) -> list[Feature]:
    """The features that pass every filter, in the order given."""
    tests = _tests(query, now_s, pii=pii)
    return [feature for feature in features if all(test(feature) for test in tests)]


def page(features: Sequence[Feature], limit: int, cursor: str) -> tuple[Sequence[Feature], str | None]:
    """The features after the cursor, at most `limit`, and the cursor of the next page."""
    after = key_of(cursor) if cursor else None
    rest = features if after is None else [feature for feature in features if feature.key > after]
    shown = rest[:limit]
    return shown, cursor_of(shown[-1].key) if len(rest) > limit else None


def cursor_of(key: Key) -> str:
    """A place in the order of tickets, for an address."""
    return base64.urlsafe_b64encode(f"{DATASETS[key[0]]}:{key[1]}".encode()).decode().rstrip("=")


def key_of(cursor: str) -> Key:
    """The place that a cursor names."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        dataset, _, ticket_id = text.partition(":")
        return DATASETS.index(dataset), ticket_id
    except (binascii.Error, ValueError):
        raise ProblemError("bad_parameter", "cursor: take it from the answer before") from None


def _tests(query: TicketQuery, now_s: float, *, pii: bool) -> list[Callable[[Feature], bool]]:
    tests: list[Callable[[Feature], bool]] = []
    if query.dataset:
        at = DATASETS.index(query.dataset)
        tests.append(lambda feature: feature.key[0] == at)
    for name in _NAMED:
        wanted = {value.strip().lower() for value in getattr(query, name)} - {""}
        if wanted:
            tests.append(_names(name, wanted))
    if query.geo_source:
        sources = set(split(query.geo_source))
        tests.append(lambda feature: feature.facts.geo_source in sources)
    if query.sla:
        states = set(split(query.sla))
        tests.append(lambda feature: feature.sla_state(now_s) in states)
    if query.bbox:
        tests.append(_inside(query.bbox))
    if query.opened_after:
        after_s = query.opened_after.timestamp()
        tests.append(lambda feature: (feature.facts.opened_s or -math.inf) > after_s)
    if query.q.strip():
        tests.append(_mentions(query.q.strip().lower(), pii=pii))
    return tests


def _names(name: str, wanted: set[str]) -> Callable[[Feature], bool]:
    def test(feature: Feature) -> bool:
        value = getattr(feature.facts, name)
        return (_NOBODY if value is None else value.lower()) in wanted

    return test


def _inside(text: str) -> Callable[[Feature], bool]:
    west, south, east, north = box(text)

    def test(feature: Feature) -> bool:
        lon, lat = feature.facts.lon, feature.facts.lat
        return lon is not None and lat is not None and west <= lon <= east and south <= lat <= north

    return test


def _mentions(text: str, *, pii: bool) -> Callable[[Feature], bool]:
    """Whoever may not see location names may not find tickets by them either."""

    def test(feature: Feature) -> bool:
        facts = feature.facts
        texts = [feature.key[1], facts.cluster, facts.region, facts.team, facts.owner]
        if pii:
            texts.append(facts.location_name)
        return any(one is not None and text in one.lower() for one in texts)

    return test
