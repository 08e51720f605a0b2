"""The open tickets in memory: the bytes the map function wrote for each, and what filters ask of them.

A feature's bytes are never changed nor written here; the whole answer is those bytes joined as PostgreSQL joins
them, so it equals `reporting.fn_tickets_for_map` byte for byte.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Key: TypeAlias = tuple[int, str]
"""Position of the dataset in the answer, ticket_id: sorts as the map function does."""

DATASETS: Final = ("inc", "crq")
_KEPT_CHANGES: Final = 1000
_HEAD: Final = b'{"type" : "FeatureCollection", "features" : ['
# Inside a JSON string every quote is escaped, so this matches the property alone.
_LOCATION_NAME: Final = re.compile(rb'("location_name"\s*:\s*)"(?:[^"\\]|\\.)*"')
_STATUS: Final = b'"status":'
_GEO_SOURCE: Final = b'"geo_source":'
_VALUE: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|null')
_MASKED: Final = rb"\1null"


class Facts(NamedTuple):
    """What filters ask of a ticket."""

    status: str | None
    cluster: str | None
    region: str | None
    team: str | None
    owner: str | None
    location_name: str | None
    geo_source: str
    opened_s: float | None
    risk_s: float | None
    due_s: float | None
    lon: float | None
    lat: float | None


@dataclass(slots=True, eq=False)
class Feature:
    """One open ticket: its bytes, read only when a filter asks."""

    key: Key
    text: bytes
    _facts: Facts | None = None

    @property
    def dataset(self) -> str:
        """Inc or crq."""
        return DATASETS[self.key[0]]

    @property
    def ticket_id(self) -> str:
        """The ticket's id."""
        return self.key[1]

    @property
    def facts(self) -> Facts:
        """What the bytes say."""
        if self._facts is None:
            self._facts = _facts_of(self.text)
        return self._facts

    def sla_state(self, now_s: float) -> str:
        """Where its SLA stands, from the instants that the database gave."""
        due_s, risk_s = self.facts.due_s, self.facts.risk_s
        if due_s is None or risk_s is None:
            return "none" if self.dataset == "crq" else "unknown"
        if now_s >= due_s:
            return "breached"
        return "at_risk" if now_s >= risk_s else "on_track"


@dataclass(frozen=True, slots=True)
class Change:
    """One move of the revision; no keys: any ticket may have changed."""

    rev: int
    keys: frozenset[Key] | None


@dataclass(slots=True)
class Held:
    """What the server holds of the database: features in order, revisions, clocks."""

    features: dict[Key, Feature] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    clocks: dict[str, bytes] = field(default_factory=dict)
    changes: deque[Change] = field(default_factory=lambda: deque(maxlen=_KEPT_CHANGES))
    ordered: list[Feature] = field(default_factory=list)
    _summary: tuple[Sequence[Feature], dict[str, bytes], bytes] | None = None

    @property
    def rev(self) -> int:
        """One number for both datasets: each only grows, so their sum names one state of the database."""
        return sum(self.revisions.values())

    def replace(self, features: Iterable[Feature]) -> None:
        """Hold these features instead of all before."""
        self.features = {feature.key: feature for feature in features}
        self._order()

    def update(self, keys: Iterable[Key], features: Iterable[Feature]) -> None:
        """Hold these features for these keys; a key without one is no longer open."""
        for key in keys:
            self.features.pop(key, None)
        self.features.update((feature.key, feature) for feature in features)
        self._order()

    def changed_since(self, rev: int) -> set[Key] | None:
        """Which tickets changed after this revision; None when that is no longer known."""
        missing = self.rev - rev
        if missing < 0 or missing > len(self.changes):
            return None
        keys: set[Key] = set()
        for change in list(self.changes)[len(self.changes) - missing :]:
            if change.keys is None:
                return None
            keys |= change.keys
        return keys

    def collection(self, features: Sequence[Feature] | None = None, extra: bytes = b"", *, pii: bool = True) -> bytes:
        """The FeatureCollection of these features (all by default) with the summary of the same set."""
        chosen = self.ordered if features is None else features
        joined = b", ".join([feature.text for feature in chosen])
        return b"".join(
            (_HEAD, joined if pii else masked(joined), b'], "summary" : ', self.summary(chosen), extra, b"}")
        )

    def summary(self, features: Sequence[Feature]) -> bytes:
        """The summary of this set, in the words and spaces of the map function; that of all is made once."""
        kept = self._summary
        if kept is not None and kept[0] is features and kept[1] is self.clocks:
            return kept[2]
        made = self._summary_of(features)
        if features is self.ordered:
            # Kept with what it was made of: a change meanwhile, in another thread, makes it nobody's.
            self._summary = (features, self.clocks, made)
        return made

    def _summary_of(self, features: Sequence[Feature]) -> bytes:
        by_dataset = Counter(feature.key[0] for feature in features)
        by_status = _counted(_STATUS, features)
        by_geo_source = _counted(_GEO_SOURCE, features)
        mapped = len(features) - by_geo_source.get("none", 0)
        parts = (
            f'"total" : {len(features)}, "mapped" : {mapped}, "unmapped" : {len(features) - mapped}',
            f'"by_dataset" : {_counts({DATASETS[at]: by_dataset[at] for at in sorted(by_dataset)})}',
            f'"by_status" : {_counts(by_status)}',
            f'"by_geo_source" : {_counts(by_geo_source)}',
        )
        freshness = b", ".join(f'"{name}" : '.encode() + self.clocks.get(name, b"null") for name in DATASETS)
        return b"{" + ", ".join(parts).encode() + b', "freshness" : {' + freshness + b"}}"

    def _order(self) -> None:
        self.ordered = [self.features[key] for key in sorted(self.features)]


def feature_of(dataset: str, ticket_id: str, text: bytes) -> Feature:
    """A feature as the database wrote it."""
    return Feature((DATASETS.index(dataset), ticket_id), text)


def masked(text: bytes) -> bytes:
    """The same without what may name a customer."""
    return _LOCATION_NAME.sub(_MASKED, text)


def _facts_of(text: bytes) -> Facts:
    document = orjson.loads(text)
    found = document["properties"]
    lon, lat = document["geometry"]["coordinates"] if document["geometry"] else (None, None)
    return Facts(
        _shared(found["status"]),
        _shared(found["cluster"]),
        _shared(found["region"]),
        _shared(found["assigned_team"]),
        _shared(found["owner"]),
        _shared(found["location_name"]),
        sys.intern(found["geo_source"]),
        _epoch_s(found["opened_at"]),
        _epoch_s(found["sla_at_risk_at"]),
        _epoch_s(found["sla_due_at"]),
        lon,
        lat,
    )


def _counted(name: bytes, features: Sequence[Feature]) -> dict[str, int]:
    """How many features carry each value of a property, in the order of the values; null is '(none)'."""
    value, past = _VALUE.match, len(name)
    texts = [feature.text for feature in features]
    counts = Counter([found[0] for text in texts if (found := value(text, text.index(name) + past))])
    named: Counter[str] = Counter()
    for text, n in counts.items():
        named["(none)" if text == b"null" else orjson.loads(text)] += n
    return {word: named[word] for word in sorted(named)}


def _shared(text: str | None) -> str | None:
    """One object for equal texts: thousands of tickets name the same few clusters and teams."""
    return None if text is None else sys.intern(text)


def _epoch_s(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:  # 48 hours after the last day of the year 9999
        return math.inf


def _counts(counts: Mapping[str, int]) -> str:
    if not counts:
        return "{}"
    inside = ", ".join(f"{json.dumps(name, ensure_ascii=False)} : {n}" for name, n in counts.items())
    return f"{{ {inside} }}"
