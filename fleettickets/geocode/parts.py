"""Words become parts of a name, the most specific first and the known area last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from fleettickets.geocode.tokens import Gap, runs
from fleettickets.geocode.words import is_code, is_ordinal, is_own_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fleettickets.geocode.rules import Rules, Words
    from fleettickets.geocode.tokens import Token
    from fleettickets.geocode.words import Removed

AREA: Final = "area"
ARTERIAL: Final = "arterial"
TOPONYM: Final = "toponym"
WORD: Final = "word"
COUNTER: Final = "counter"
BROAD: Final = "broad"

_ROAD_WORDS: Final = frozenset({"ROAD", "HIGHWAY", "WAY"})
_KNOWN: Final = frozenset({AREA, ARTERIAL, TOPONYM})
LONGEST_NAME_WORDS: Final = 12
MOST_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class Part:
    """Some words that belong together, and what they are."""

    words: Words
    kind: str = WORD
    gap: Gap = Gap.SPACE
    head: Words = ()

    def with_words(self, words: Words, kind: str | None = None) -> Part:
        """The same part with more words behind; `head` keeps the area it began as."""
        return Part(self.words + words, kind or self.kind, self.gap, self.head or self.words)


def recognised(
    tokens: list[Token], home: Words, rules: Rules, removed: Removed, misspelt: Mapping[str, str]
) -> list[Part]:
    """Known names, counters with their numbers and plain words, in order; codes are gone."""
    found: list[Part] = []
    for run in runs(tokens):
        words = [token.text for token in run]
        gap, at = run[0].gap, 0
        while at < len(run):
            gap = max(gap, run[at].gap)
            entry = rules.known.at(words, at, home)
            if entry:
                part = Part(entry.words, entry.kind, gap)
            elif words[at] in rules.of(COUNTER) and at + 1 < len(run) and is_own_id(words[at + 1]):
                part = Part((words[at], words[at + 1]), COUNTER, gap)
            elif at + 1 < len(run) and f"{misspelt.get(words[at], '')} {words[at + 1]}" in rules.places:
                part = Part(tuple(words[at : at + 2]), WORD, gap)
            elif is_code(words[at], rules, removed):
                removed.reasons.add("code_only")
                removed.dropped.add(words[at])
                gap, at = Gap.HARD, at + 1
                continue
            else:
                part = Part((words[at],), WORD, gap)
            found.append(part)
            gap, at = Gap.SPACE, at + len(part.words)
    return found


def only_known(parts: list[Part]) -> list[Part]:
    """Known names alone, with their counters: what survives beside a person's name or in prose."""
    kept: list[Part] = []
    owned = False
    for part in parts:
        owned = part.kind in _KNOWN or (owned and part.kind == COUNTER)
        if owned:
            kept.append(part if part.kind == COUNTER else Part(part.words, part.kind, Gap.HARD))
    return kept


def bounded(parts: list[Part]) -> list[Part]:
    """Where a part ends: at a comma or slash, and at an underscore where spaces stand between words as well."""
    plain = {WORD, BROAD}
    spaced = any(one.kind in plain and two.kind in plain and two.gap is Gap.SPACE for one, two in pairwise(parts))
    limit = Gap.SOFT if spaced else Gap.SLASH
    return [replace(part, gap=Gap.HARD if part.gap >= limit else Gap.SPACE) for part in parts]


def without_broad(parts: list[Part], removed: Removed) -> list[Part]:
    """Nairobi, Kenya and counties go from the end of a part and from before a known name."""
    kept: list[Part] = []
    following: Part | None = None
    for part in reversed(parts):
        if part.kind != BROAD:
            kept.append(part)
        elif following is None or following.gap is Gap.HARD or following.kind in _KNOWN | {BROAD}:
            removed.reasons.add("too_broad")
            if kept:
                kept[-1] = Part(kept[-1].words, kept[-1].kind, Gap.HARD)
        else:
            kept.append(Part(part.words, WORD, part.gap))
        following = part
    return kept[::-1]


def grouped(parts: list[Part], home: Words, rules: Rules, misspelt: Mapping[str, str]) -> list[Part]:
    """Parts as they are asked: areas keep their counters and facilities, plain words stand together."""
    found: list[Part] = []
    for stretch in _stretches(parts):
        if any(word in misspelt for part in stretch for word in part.words):
            found.append(Part(tuple(word for part in stretch for word in part.words), WORD))
        else:
            found += _areas_rotated(_joined(stretch, rules), home, rules)
    return found


def _stretches(parts: list[Part]) -> Iterable[list[Part]]:
    stretch: list[Part] = []
    for part in parts:
        if part.gap is Gap.HARD and stretch:
            yield stretch
            stretch = []
        stretch.append(part)
    if stretch:
        yield stretch


def _joined(stretch: list[Part], rules: Rules) -> list[Part]:
    found: list[Part] = []
    for at, part in enumerate(stretch):
        before = found[-1] if found else None
        if part.kind == COUNTER and before and before.kind != ARTERIAL:
            found[-1] = before.with_words(part.words)
        elif part.kind == WORD and before and before.kind in {AREA, ARTERIAL, "spot"} and _ends(stretch, at, rules):
            found[-1] = _with_facility(before, part, rules)
        elif part.kind == AREA and len(found) == 1 and before and _belongs_to_area(before, rules):
            found[-1] = Part(before.words + part.words, AREA)
        elif part.kind in {WORD, TOPONYM} and before and before.kind in {WORD, TOPONYM}:
            found[-1] = Part(before.words + part.words, WORD)
        else:
            found.append(part)
    return found


def _belongs_to_area(before: Part, rules: Rules) -> bool:
    """NEW DONHOLM, 3RD PARKLANDS (AVENUE): the words before an area are a part of its name."""
    return set(before.words) <= rules.of("modifier") or (len(before.words) == 1 and is_ordinal(before.words[0]))


def _ends(stretch: list[Part], at: int, rules: Rules) -> bool:
    """Whether only general words follow till the next known area or the end: KASARANI POLICE STATION."""
    for part in stretch[at:]:
        if part.kind == AREA:
            return True
        if part.kind != COUNTER and not set(part.words) <= rules.of("generic"):
            return False
    return True


def _with_facility(before: Part, part: Part, rules: Rules) -> Part:
    if part.words == ("AREA",) or (before.kind == ARTERIAL and part.words[0] in _ROAD_WORDS):
        return before
    stays = before.kind == AREA and set(part.words) <= rules.of("generic", "drop")
    return before.with_words(part.words, AREA if stays else "spot")


def _areas_rotated(parts: list[Part], home: Words, rules: Rules) -> list[Part]:
    """KASARANI MWIKI is Mwiki in Kasarani: of two areas side by side the larger one stands last."""
    areas = list({part.words: part for part in parts if part.kind == AREA}.values())
    if len(areas) > 1 and len({_rank(area, areas, home, rules) for area in areas}) == 1:
        areas = [*areas[1:], areas[0]]
    return [part for part in parts if part.kind != AREA] + areas


def ordered(parts: list[Part], home: Words, rules: Rules) -> list[Part]:
    """Each part once: places and roads as they were written, areas last with the larger one at the end."""
    unique = list({part.words: part for part in parts}.values())
    known = [part for part in unique if part.kind == AREA]
    areas = sorted(known, key=lambda area: _rank(area, known, home, rules))
    return ([part for part in unique if part.kind != AREA] + areas)[:MOST_PARTS]


def _rank(area: Part, areas: list[Part], home: Words, rules: Rules) -> int:
    name = " ".join(area.head or area.words)
    others = {" ".join(other.head or other.words) for other in areas if other != area}
    if any(rules.parents.get(other) == name for other in others):
        return 2
    return int((area.head or area.words) == home and rules.parents.get(name) not in others)
