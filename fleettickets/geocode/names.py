"""What to ask for: a location name as people type it becomes a place, a point, the cluster's own name, or nothing.

Pure and total: any text gives an answer, and the same text the same answer. Nothing that could name a person is
ever in it. The steps follow the order in which one reads such a name: what is certainly not a place goes first
(coordinates, telephone numbers, units, network codes), what is left is put in the order a geocoder expects.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

from fleettickets.geocode import parts, pluscode, points, spelling, tokens, words
from fleettickets.geocode.parts import AREA, ARTERIAL, COUNTER, Part
from fleettickets.geocode.points import Point
from fleettickets.geocode.rules import words_of

if TYPE_CHECKING:
    from fleettickets.geocode.rules import Rules, Words
    from fleettickets.geocode.tokens import Token


class Kind(StrEnum):
    """What a name turned out to be."""

    COORD = "COORD"
    PLUSCODE = "PLUSCODE"
    CLUSTER = "CLUSTER"
    PLACE = "PLACE"
    NOTHING = "NOTHING"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the reading and what it left."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Rung:
    """One question to a provider: how it was made, and what an answer is worth at most."""

    how: str
    query: str
    precision: str | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """A location name, understood."""

    kind: Kind
    place: str | None = None
    alt: str | None = None
    unit: str | None = None
    flags: tuple[str, ...] = ()
    reason: str | None = None
    point: Point | None = None
    pluscode: str | None = None
    specific: str | None = None
    area: str | None = None
    plain: str | None = None
    codes: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def ladder(self) -> tuple[Rung, ...]:
        """The questions in order, each once, at most three; a bare road is never asked."""
        if self.kind is not Kind.PLACE or not self.place:
            return ()
        near = "near" if "landmark" in self.flags else None
        wanted = [
            Rung("as written", self.place, near),
            Rung("spelling corrected", self.alt or "", near),
            Rung("general words dropped", self.plain or "", near),
            Rung("specific part alone", self.specific or "", near),
            Rung("area alone", self.area or "", "area"),
        ]
        unique = {rung.query: rung for rung in reversed(wanted) if rung.query}
        return tuple(rung for rung in wanted if unique.get(rung.query) == rung)[:MOST_QUESTIONS]


MOST_QUESTIONS: Final = 3
_ROADS: Final = frozenset({"ROAD", "STREET", "AVENUE", "HIGHWAY", "WAY"})
_SMALL: Final = frozenset({"OF", "THE", "AND", "FOR"})
_REASONS: Final = ("personal_data", "linear_feature", "too_broad", "unit_only", "noise", "code_only")


def clean(raw: str | None, cluster: str | None, rules: Rules) -> Name:
    """Read a name within its cluster."""
    if raw is None or not raw.strip():
        return Name(Kind.NOTHING, reason="blank")
    reader = _Reader(rules, home_of(cluster, rules), words_of(cluster or ""))
    return replace(reader.read(raw), steps=tuple(reader.steps))


def home_of(cluster: str | None, rules: Rules) -> Words:
    """The words of the cluster's own name: QOA is QUARRY ROAD; none where they would not survive as a place."""
    written = " ".join(words_of(tokens.normal(cluster or "")))
    known = rules.values("cluster_alias").get(written, written)
    ignored = words.Removed()
    found = words.rewritten(tokens.split(known), rules.phrases, ignored)
    found = words.rewritten(words.in_full(found, rules), rules.aliases, ignored)
    kept = words.without_elements(words.without_units(found, rules, ignored), rules, ignored)
    home = tuple(token.text for token in found) or words_of(written)
    return home if len(kept) == len(found) and any(letter.isalpha() for word in home for letter in word) else ()


class _Reader:
    """One reading: what is left, what was removed, and the steps that did it."""

    def __init__(self, rules: Rules, home: Words, code: Words) -> None:
        self.rules = rules
        self.home = home
        self.code = code
        self.removed = words.Removed()
        self.steps: list[Step] = []

    def read(self, raw: str) -> Name:
        text = self._step("plain letters", tokens.normal(raw))
        point, rest = points.find(text)
        if rest != text:
            self.removed.reasons.add("code_only")
        text = self._step("coordinates out", rest)
        if point:
            return Name(Kind.COORD, point=point)
        code = pluscode.find(text)
        if code and (named := self._of_code(code)):
            return named
        return self._named(self._words(pluscode.CODE.sub(" ; ", text)))

    def _of_code(self, code: str) -> Name | None:
        self._step("plus code", code)
        if not pluscode.is_full(code):
            return Name(Kind.PLUSCODE, pluscode=code)
        point = Point(*pluscode.decode(code))
        if points.OPERATING_AREA.holds(point):
            return Name(Kind.PLUSCODE, pluscode=code, point=point)
        self.removed.reasons.add("code_only")
        return None

    def _words(self, text: str) -> list[Token]:
        personal = tokens.without_phone(tokens.without_mail(text))
        if personal != text:
            self.removed.reasons.add("personal_data")
        text = self._step("phone and mail out", personal)
        text = tokens.upper(text)
        addresses = tokens.without_addresses(text)
        if addresses != text:
            self.removed.reasons.add("code_only")
        text = self._step("upper case, links and addresses out", addresses)
        found = words.unglued(tokens.split(text), self.rules)
        removed, rules = self.removed, self.rules
        for name, change in (
            ("phrases", partial(words.rewritten, lexicon=rules.phrases, removed=removed)),
            ("units out", partial(words.without_units, rules=rules, removed=removed)),
            ("network elements out", partial(words.without_elements, rules=rules, removed=removed)),
            ("abbreviations in full", partial(words.in_full, rules=rules)),
            ("other names", partial(words.rewritten, lexicon=rules.aliases, removed=removed)),
        ):
            found = change(found)
            self._step(name, " ".join(token.text for token in found))
        return found

    def _named(self, found: list[Token]) -> Name:
        corrections = self._corrections(found)
        written = self._arranged(found, corrections)
        if not written:
            return self._nothing()
        self._step("codes out, area last", display(written, self.rules))
        better = written
        if corrections:
            better = self._arranged([t._replace(text=corrections.get(t.text, t.text)) for t in found], {})
        return self._decided(written, better)

    def _corrections(self, found: list[Token]) -> dict[str, str]:
        targets = self.rules.single_areas | (set(self.home) if len(self.home) == 1 else set())
        unknown = {token.text for token in found} - self.rules.vocabulary - set(self.home)
        guesses = {word: spelling.corrected(word, targets) for word in sorted(unknown) if word.isalpha()}
        return {word: guess for word, guess in guesses.items() if guess}

    def _arranged(self, found: list[Token], misspelt: dict[str, str]) -> list[Part]:
        removed, home, rules = self.removed, self.home, self.rules
        pieces = parts.recognised(found, home, rules, removed, misspelt)
        if "personal_data" in removed.reasons or sum(len(p.words) for p in pieces) > parts.LONGEST_NAME_WORDS:
            removed.reasons.update({"noise"} if pieces else ())
            pieces = parts.only_known(pieces)
        pieces = parts.without_broad(parts.bounded(pieces), removed)
        groups = self._owned(parts.grouped(pieces, home, rules, misspelt))
        return parts.ordered(groups, home, rules)

    def _owned(self, groups: list[Part]) -> list[Part]:
        """A phase, section or gate that stands alone belongs to its area, the place before it, or the cluster."""
        counters = [part for part in groups if part.kind == COUNTER]
        others = [part for part in groups if part.kind != COUNTER]
        for counter in counters:
            owner = next((at for at, part in enumerate(others) if part.kind == AREA), None)
            if owner is None:
                owner = next((at for at, part in reversed(list(enumerate(others))) if part.kind != ARTERIAL), None)
            if owner is not None:
                others[owner] = others[owner].with_words(counter.words)
            elif self.home:
                others.append(Part(self.home, AREA).with_words(counter.words))
            else:
                self.removed.units.append(" ".join(counter.words))
        return others

    def _nothing(self) -> Name:
        removed = self.removed
        if removed.units:
            removed.reasons.add("unit_only")
        if self._is_cluster_code():
            return self._cluster()
        reason = next((one for one in _REASONS if one in removed.reasons), "noise")
        return Name(Kind.NOTHING, unit=self._unit(), reason=reason, codes=tuple(removed.codes))

    def _is_cluster_code(self) -> bool:
        """A cluster called PTMP has a network word for a name: alone, it is the cluster."""
        return bool(self.home) and self.code != self.home and set(self.code) <= self.removed.dropped

    def _decided(self, written: list[Part], better: list[Part]) -> Name:
        reason = self._empty(written)
        if reason:
            self.removed.reasons.add(reason)
            return (
                self._nothing()
                if reason != "linear_feature"
                else Name(Kind.NOTHING, unit=self._unit(), reason=reason, codes=tuple(self.removed.codes))
            )
        if len(written) == 1 and written[0].words == self.home:
            return self._cluster()
        rules = self.rules
        place, alt = display(written, rules), display(better, rules)
        ambiguous = len(written) == 1 and " ".join(written[0].words) in rules.of("ambiguous")
        flags = [("landmark", self.removed.landmark), ("ambiguous", ambiguous)]
        specific = next((part for part in better if self._is_specific(part)), None)
        areas = [p for p in better if p.kind == AREA]
        area = areas[-1] if areas else None
        if specific is None and len(areas) > 1:
            specific = areas[0]
        return Name(
            Kind.PLACE,
            place=place,
            alt=alt if alt != place else None,
            unit=self._unit(),
            flags=tuple(flag for flag, holds in flags if holds),
            specific=display([specific], rules) if specific else None,
            area=display([Part(area.head or area.words)], rules) if area else None,
            plain=display(self._plain(better), rules),
            codes=tuple(self.removed.codes),
        )

    def _empty(self, written: list[Part]) -> str | None:
        """Why words that are left still name no place."""
        if all(part.kind == ARTERIAL for part in written):
            return "linear_feature"
        rules = self.rules
        left = {word for part in written for word in part.words} - _SMALL
        if left <= rules.of("noise", "alone"):
            return "noise"
        by_itself_none = rules.of("generic", "drop") | rules.of("generic", "")
        general = left <= by_itself_none or (len(left) == 1 and left <= rules.of("generic"))
        if general and not any(self._holds_known(part) for part in written):
            return "too_broad"
        return None

    def _holds_known(self, part: Part) -> bool:
        return any(self.rules.known.at(part.words, at, self.home) for at in range(len(part.words)))

    def _cluster(self) -> Name:
        place = display([Part(self.home)], self.rules)
        flags = ("landmark",) if self.removed.landmark else ()
        codes = tuple(self.removed.codes)
        return Name(Kind.CLUSTER, place=place, unit=self._unit(), flags=flags, area=place, codes=codes)

    def _is_specific(self, part: Part) -> bool:
        """Whether the part can be asked alone: no area, no road, and more than general words."""
        general = set(part.words) <= self.rules.of("generic") and not self._holds_known(part)
        return part.kind not in {AREA, ARTERIAL} and part.words[-1] not in _ROADS and not general

    def _plain(self, written: list[Part]) -> list[Part]:
        """The parts without ESTATE, STAGE and the like, where more is left than such words."""
        dropped = self.rules.of("generic", "drop")
        kept = []
        for part in written:
            name = part.head or (part.words if part.kind != parts.WORD else ())
            tail = part.words[len(name) :]
            followers = (*tail[1:], "")
            rest = name + tuple(
                word for at, word in enumerate(tail) if word not in dropped or words.is_own_id(followers[at])
            )
            kept.append(part if self._says_less(rest) else replace(part, words=rest))
        return kept

    def _says_less(self, rest: Words) -> bool:
        """Whether what is left would be general words alone, or a bare road."""
        return set(rest) <= self.rules.of("generic") or self.rules.places.get(" ".join(rest)) == ARTERIAL

    def _unit(self) -> str | None:
        return "; ".join(self.removed.units) or None

    def _step(self, name: str, text: str) -> str:
        if not self.steps or self.steps[-1].text != text:
            self.steps.append(Step(name, text))
        return text


def display(written: list[Part], rules: Rules) -> str:
    """Parts as a person writes them: Innercore, Umoja."""
    return ", ".join(" ".join(_cased(word, at, rules) for at, word in enumerate(part.words)) for part in written)


def _cased(word: str, at: int, rules: Rules) -> str:
    if word in rules.of("acronym"):
        return word
    if word in _SMALL and at > 0:
        return word.lower()
    return word.lower() if words.is_ordinal(word) else word if word[0].isdigit() else word.capitalize()
