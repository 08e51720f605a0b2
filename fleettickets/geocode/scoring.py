"""How well a candidate fits a name: what it is called, how known it is, how near it lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from fleettickets.geocode.places import Cluster, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fleettickets.geocode.places import Candidate

LEAST_SIMILARITY: Final = 0.6
SURE_SIMILARITY: Final = 0.9
HARD_LIMIT_M: Final = 25_000.0
APART_M: Final = 5_000.0

_NAME_WEIGHT, _IMPORTANCE_WEIGHT, _NEARNESS_WEIGHT = 0.6, 0.15, 0.25
_UNKNOWN_IMPORTANCE: Final = 0.3
_ALIKE: Final = 0.8
_LEAST_LETTERS: Final = 4
_OTHER_NUMBER: Final = 0.5
_UNASKED_STREET: Final = 0.75
_ROMAN: Final = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
_SHORT: Final = {"rd": "road", "ave": "avenue", "st": "saint", "dr": "drive", "est": "estate", "ph": "phase"}
_STREET_WORDS: Final = frozenset({"road", "avenue", "street", "drive", "lane", "highway", "way", "bypass", "close"})
_GENERIC_WORDS: Final = frozenset(
    {"estate", "town", "stage", "area", "market", "centre", "center", "village", "shopping", "apartments", "court"}
)
"""Words that say what a place is rather than which."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its marks; the distance is from the cluster's point, if that is known."""

    candidate: Candidate
    similarity: float
    score: float
    distance_m: float | None


def scored(specific: str, context: str, candidates: Iterable[Candidate], cluster: Cluster) -> list[Scored]:
    """All candidates with their marks, best first; `context` are words the name may share for free (its area)."""
    found = [_scored(specific, context, candidate, cluster) for candidate in candidates]
    return sorted(found, key=lambda one: -one.score)


def alike(found: Iterable[Scored]) -> list[Scored]:
    """Those that may be meant: called like the name."""
    return [one for one in found if one.similarity >= LEAST_SIMILARITY]


def is_ambiguous(found: Sequence[Scored]) -> bool:
    """Whether two sure candidates lie far apart and none is a place node: without a centre nobody can choose."""
    sure = [one.candidate for one in found if one.similarity >= SURE_SIMILARITY]
    if any(candidate.is_place for candidate in sure):
        return False
    return any(one.point.distance_m(other.point) > APART_M for one in sure for other in sure)


def similarity(specific: str, context: str, candidate: Candidate) -> float:
    """From 0 to 1: how much of the name the candidate carries, and how much it carries beside."""
    wanted, free = _words(specific), set(_words(context))
    offered = _words(candidate.name)
    if not wanted or not offered:
        return 0.0
    if key_of(" ".join(wanted)) == key_of(" ".join(offered)):
        return 1.0
    label = [*offered, *_words(candidate.label)]
    forward = _covered(wanted, label)
    back = _covered([word for word in offered if word not in free] or offered, wanted)
    result = (forward + back) / 2
    if _numbers(wanted) and _numbers(offered) and _numbers(wanted).isdisjoint(_numbers(offered)):
        result = min(result, _OTHER_NUMBER)
    if candidate.precision == "street" and _STREET_WORDS.isdisjoint(wanted):
        result *= _UNASKED_STREET
    return result


def _scored(specific: str, context: str, candidate: Candidate, cluster: Cluster) -> Scored:
    like = similarity(specific, context, candidate)
    importance = _UNKNOWN_IMPORTANCE if candidate.importance is None else min(1.0, max(0.0, candidate.importance))
    distance_m = cluster.centre.distance_m(candidate.point) if cluster.centre else None
    nearness = 0.0 if distance_m is None else max(0.0, 1 - distance_m / HARD_LIMIT_M)
    score = _NAME_WEIGHT * like + _IMPORTANCE_WEIGHT * importance + _NEARNESS_WEIGHT * nearness
    return Scored(candidate, like, score, distance_m)


def _words(text: str) -> list[str]:
    words = re.findall(r"[a-z]+|[0-9]+", re.sub("['`\u2019]", "", text.lower()))
    return [_SHORT.get(word, _ROMAN.get(word, word)) for word in words]


def _numbers(words: list[str]) -> set[str]:
    return {word for word in words if word.isdigit()}


def _covered(words: list[str], by: Sequence[str]) -> float:
    """The share of the words that have their like; a generic word counts a third.

    A spelling may differ only beside a word that does not: Karuri alone is not Karura, Kiambu is not Kiambiu.
    """
    total = sum(map(_weight, words))
    exact = [word for word in words if word in by]
    if not any(_weight(word) == 1 for word in exact):
        return sum(map(_weight, exact)) / total if exact and len(exact) == len(words) else 0.0
    near = [word for word in words if word not in exact and any(_alike(word, other) for other in by)]
    return sum(map(_weight, [*exact, *near])) / total


def _weight(word: str) -> float:
    return 1 / 3 if word in _GENERIC_WORDS or word in _STREET_WORDS else 1.0


def _alike(word: str, other: str) -> bool:
    if min(len(word), len(other)) < _LEAST_LETTERS or word.isdigit() or word[0] != other[0]:
        return False
    return SequenceMatcher(None, word, other).ratio() >= _ALIKE
