"""The open tickets in memory: the bytes the map function wrote for each, and what filters ask of them.

A feature's bytes are never changed nor written here; the whole answer is those bytes joined as PostgreSQL joins
them, so it equals `reporting.fn_tickets_for_map` byte for byte.
"""

from __future__ import annotations

import gc
import json
import math
import re
import sys
from bisect import bisect_left
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Key: TypeAlias = tuple[int, str]
"""Position of the dataset in the answer, ticket_id: sorts as the map function does."""

DATASETS: Final = ("inc", "crq")
_KEPT_CHANGES: Final = 1000
_HEAD: Final = b'{"type" : "FeatureCollection", "features" : ['
# Inside a JSON string every quote is escaped, so this matches the property alone.
_LOCATION_NAME: Final = re.compile(rb'("location_name"\s*:\s*)"(?:[^"\\]|\\.)*"')
_STATUS: Final = b'"status":'
_AFTER_STATUS: Final = b',"raw_status":'
_GEO_SOURCE: Final = b'"geo_source":'
_AFTER_GEO_SOURCE: Final = b',"geo_precision":'
_KEY: Final = attrgetter("key")
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
class Counts:
    """How many features there are of each kind, kept as they come and go; values as they stand in the bytes."""

    dataset: Counter[int] = field(default_factory=Counter)
    status: Counter[bytes] = field(default_factory=Counter)
    geo_source: Counter[bytes] = field(default_factory=Counter)

    @classmethod
    def of(cls, features: Sequence[Feature]) -> Counts:
        """The counts of these features."""
        # What follows a value cannot stand in a string, whose quotes are escaped. Not in functions of their own: they
        # would cost as much as the work.
        status, geo_source = len(_STATUS), len(_GEO_SOURCE)
        texts = [feature.text for feature in features]
        return cls(
            Counter([feature.key[0] for feature in features]),
            Counter([text[(at := text.index(_STATUS) + status) : text.index(_AFTER_STATUS, at)] for text in texts]),
            Counter(
                [
                    text[(at := text.rindex(_GEO_SOURCE) + geo_source) : text.index(_AFTER_GEO_SOURCE, at)]
                    for text in texts
                ]
            ),
        )

    def moved(self, gone: Sequence[Feature], come: Sequence[Feature]) -> Counts:
        """The counts after some went and others came."""
        less, more = Counts.of(gone), Counts.of(come)
        return Counts(
            self.dataset + more.dataset - less.dataset,
            self.status + more.status - less.status,
            self.geo_source + more.geo_source - less.geo_source,
        )


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The open tickets at one revision. Nothing in it changes, so another thread may write an answer from it."""

    rev: int = 0
    features: Sequence[Feature] = ()
    clocks: Mapping[str, bytes] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)

    def at(self, keys: Iterable[Key]) -> list[Feature]:
        """The features of these keys that are open, in order."""
        places = ((key, bisect_left(self.features, key, key=_KEY)) for key in sorted(keys))
        return [self.features[at] for key, at in places if at < len(self.features) and self.features[at].key == key]

    def collection(self, features: Sequence[Feature] | None = None, extra: bytes = b"", *, pii: bool = True) -> bytes:
        """The FeatureCollection of these features (all by default) with the summary of the same set."""
        chosen = self.features if features is None else features
        joined = b", ".join([feature.text for feature in chosen])
        return b"".join(
            (_HEAD, joined if pii else masked(joined), b'], "summary" : ', self.summary(chosen), extra, b"}")
        )

    def summary(self, features: Sequence[Feature]) -> bytes:
        """The summary of this set, in the words and spaces of the map function; that of all is known already."""
        counts = self.counts if features is self.features else Counts.of(features)
        by_geo_source = _named(counts.geo_source)
        mapped = len(features) - by_geo_source.get("none", 0)
        parts = (
            f'"total" : {len(features)}, "mapped" : {mapped}, "unmapped" : {len(features) - mapped}',
            f'"by_dataset" : {_counts({DATASETS[at]: counts.dataset[at] for at in sorted(counts.dataset)})}',
            f'"by_status" : {_counts(_named(counts.status))}',
            f'"by_geo_source" : {_counts(by_geo_source)}',
        )
        freshness = b", ".join(f'"{name}" : '.encode() + self.clocks.get(name, b"null") for name in DATASETS)
        return b"{" + ", ".join(parts).encode() + b', "freshness" : {' + freshness + b"}}"


@dataclass(slots=True)
class Held:
    """What the server holds of the database: the view of now, the revisions, what changed before."""

    view: View = field(default_factory=View)
    revisions: dict[str, int] = field(default_factory=dict)
    changes: deque[Change] = field(default_factory=lambda: deque(maxlen=_KEPT_CHANGES))

    @property
    def rev(self) -> int:
        """One number for both datasets: each only grows, so their sum names one state of the database."""
        return self.view.rev

    def replace(self, features: Iterable[Feature], revisions: Mapping[str, int], clocks: Mapping[str, bytes]) -> None:
        """Hold these features instead of all before."""
        ordered = sorted(features, key=_KEY)
        self._hold(ordered, Counts.of(ordered), revisions, clocks)

    def update(
        self,
        keys: Iterable[Key],
        features: Iterable[Feature],
        revisions: Mapping[str, int],
        clocks: Mapping[str, bytes],
    ) -> None:
        """Hold these features for these keys; a key without one is no longer open. Only they are looked at."""
        ordered, gone = list(self.view.features), []
        come = {feature.key: feature for feature in features}
        for key in keys:
            at, feature = bisect_left(ordered, key, key=_KEY), come.get(key)
            there = at < len(ordered) and ordered[at].key == key
            gone += ordered[at : at + there]
            ordered[at : at + there] = [] if feature is None else [feature]
        self._hold(ordered, self.view.counts.moved(gone, list(come.values())), revisions, clocks)

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

    def _hold(
        self, ordered: Sequence[Feature], counts: Counts, revisions: Mapping[str, int], clocks: Mapping[str, bytes]
    ) -> None:
        self.revisions = dict(revisions)
        self.view = View(sum(revisions.values()), ordered, clocks, counts)


def feature_of(dataset: str, ticket_id: str, text: bytes) -> Feature:
    """A feature as the database wrote it."""
    return Feature((DATASETS.index(dataset), ticket_id), text)


def features_of(rows: Iterable[tuple[str, str, bytes]]) -> list[Feature]:
    """Every feature the database keeps."""
    at = {dataset: place for place, dataset in enumerate(DATASETS)}
    with _collector_resting():
        return [Feature((at[dataset], ticket_id), text) for dataset, ticket_id, text in rows]


def masked(text: bytes) -> bytes:
    """The same without what may name a customer."""
    return _LOCATION_NAME.sub(_MASKED, text)


@contextmanager
def _collector_resting() -> Iterator[None]:
    """Thousands of new objects that all stay would have the garbage collector look at all of them again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


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


def _named(counts: Mapping[bytes, int]) -> dict[str, int]:
    """The counts under the words that the bytes mean, in the order of the words; null is '(none)'."""
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
