"""The word lists of name cleaning: rows of tickets.geo_name_rules, or the same rows as they were seeded."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fleettickets.db import Connection

SEED: Final = Path(__file__).with_name("name_rules.csv")

Words = tuple[str, ...]


class Rule(NamedTuple):
    """One row of the table."""

    kind: str
    pattern: str
    value: str
    note: str


class Entry(NamedTuple):
    """What a sequence of words stands for."""

    kind: str
    words: Words
    value: Words


class Lexicon:
    """Sequences of words; the longest one that begins at a position is found."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_first: dict[str, list[Entry]] = {}
        for entry in entries:
            if entry.words:
                self._by_first.setdefault(entry.words[0], []).append(entry)
        for same_start in self._by_first.values():
            same_start.sort(key=lambda entry: len(entry.words), reverse=True)

    def at(self, words: Sequence[str], start: int, home: Words = ()) -> Entry | None:
        """The longest entry that begins at `start`; `home`, the cluster's own name, is a known area."""
        entries: Iterable[Entry] = self._by_first.get(words[start], ())
        if home and words[start] == home[0]:
            entries = sorted([Entry("area", home, ()), *entries], key=lambda entry: len(entry.words), reverse=True)
        for entry in entries:
            if tuple(words[start : start + len(entry.words)]) == entry.words:
                return entry
        return None


@dataclass(frozen=True)
class Rules:
    """Every rule, indexed the way the grammar asks."""

    rows: tuple[Rule, ...]

    def of(self, kind: str, value: str | None = None) -> frozenset[str]:
        """The patterns of one kind (and value)."""
        return self._sets.get((kind, value), frozenset())

    def values(self, kind: str) -> dict[str, str]:
        """Pattern to value of one kind."""
        return self._maps.get(kind, {})

    @cached_property
    def _sets(self) -> dict[tuple[str, str | None], frozenset[str]]:
        found: dict[tuple[str, str | None], set[str]] = {}
        for rule in self.rows:
            found.setdefault((rule.kind, None), set()).add(rule.pattern)
            found.setdefault((rule.kind, rule.value), set()).add(rule.pattern)
        return {key: frozenset(patterns) for key, patterns in found.items()}

    @cached_property
    def _maps(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for rule in self.rows:
            found.setdefault(rule.kind, {})[rule.pattern] = rule.value
        return found

    @cached_property
    def phrases(self) -> Lexicon:
        """Short forms of several words, noise and relations, as people type them."""
        kinds = {"phrase", "noise", "relation", "person"}
        rewrites = [
            Entry(rule.kind, words_of(rule.pattern), words_of(rule.value))
            for rule in self.rows
            if rule.kind in kinds and not (rule.kind == "noise" and rule.value == "alone")
        ]
        return Lexicon([*rewrites, *self._kept])

    @cached_property
    def aliases(self) -> Lexicon:
        """Other names of places, with the name we ask for."""
        rewrites = [Entry(r.kind, words_of(r.pattern), words_of(r.value)) for r in self.rows if r.kind == "alias"]
        return Lexicon([*rewrites, *self._kept])

    @cached_property
    def _kept(self) -> list[Entry]:
        """Names that already are what they should be: a shorter rule inside one of them must not fire."""
        rewritten = {rule.pattern for rule in self.rows if rule.kind in {"phrase", "alias"}}
        kept = {r.value for r in self.rows if r.kind in {"phrase", "alias"}} | set(self.places)
        return [Entry("kept", words_of(name), words_of(name)) for name in kept - rewritten if " " in name]

    @cached_property
    def places(self) -> dict[str, str]:
        """Every known name with its kind: area, toponym or arterial."""
        numbered = {f"{name} {end}": "area" for name, ends in self.values("numbered").items() for end in ends.split()}
        named = {r.pattern: r.kind for r in self.rows if r.kind in {"toponym", "arterial", "area"}}
        return {**named, **numbered}

    @cached_property
    def known(self) -> Lexicon:
        """Known names, and those too broad to ask for."""
        broad = [Entry("broad", words_of(name), ()) for name in self.of("broad")]
        return Lexicon([*(Entry(kind, words_of(name), ()) for name, kind in self.places.items()), *broad])

    @cached_property
    def first_words(self) -> frozenset[str]:
        """The words known names begin with."""
        return frozenset(name.partition(" ")[0] for name in (*self.places, *self.of("broad")))

    @cached_property
    def single_areas(self) -> frozenset[str]:
        """Areas of one word: what a misspelt word may have been."""
        return frozenset(name for name, kind in self.places.items() if kind == "area" and " " not in name)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every single word that is spelled right: it is never corrected."""
        kinds = ("area", "toponym", "arterial", "alias", "phrase", "generic", "modifier", "ambiguous", "counter")
        texts = [text for r in self.rows if r.kind in kinds for text in (r.pattern, r.value)]
        return frozenset(word for text in texts for word in words_of(text))

    @cached_property
    def parents(self) -> dict[str, str]:
        """The larger area each area lies in, where we know it."""
        return {name: parent for name, parent in self.values("area").items() if parent}

    @cached_property
    def number_owners(self) -> frozenset[str]:
        """Words after which a number or letter belongs to the name."""
        return self.of("counter") | self.of("numbered")

    @cached_property
    def split_before_number(self) -> frozenset[str]:
        """Words that are told apart from a number glued to them."""
        names = frozenset(name for name in self.places if " " not in name)
        return self.number_owners | self.of("abbr_number") | self.of("unit") | names

    @cached_property
    def never_codes(self) -> frozenset[str]:
        """Short words without a vowel that are no codes."""
        return self.vocabulary | self.of("acronym") | self.of("abbr_after")


def words_of(text: str) -> Words:
    """A rule's text as words: people may edit a row in any case, with any punctuation."""
    return tuple(re.findall(r"[A-Z0-9]+", text.upper()))


@cache
def seeded() -> Rules:
    """The rules as migrations/18_geo_name_rules.sql seeds them."""
    with SEED.open(encoding="utf-8", newline="") as lines:
        return Rules(tuple(_rule(*row) for row in islice(csv.reader(lines), 1, None)))


def read(connection: Connection) -> Rules:
    """The rules of this database, as people edited them."""
    rows = connection.execute(
        'SELECT kind, pattern, value, note FROM tickets.geo_name_rules ORDER BY kind COLLATE "C", pattern COLLATE "C"'
    )
    return Rules(tuple(_rule(*row) for row in rows))


def _rule(kind: str, pattern: str, value: str, note: str) -> Rule:
    return Rule(kind, " ".join(words_of(pattern)), value, note)
