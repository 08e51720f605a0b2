"""Words in, words out: short forms written in full; codes, units and noise taken away."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from fleettickets.geocode.tokens import Gap, Token, runs

if TYPE_CHECKING:
    from fleettickets.geocode.rules import Entry, Lexicon, Rules

_ROMAN: Final = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10}
_SPOKEN: Final = ("ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN")
_SPELLED: Final = {**_ROMAN, **{word: number for number, word in enumerate(_SPOKEN, 1)}}
_OWN_ID: Final = re.compile(r"[0-9]{1,3}[A-Z]?|[A-Z][0-9]?")
_UNIT_ID: Final = re.compile(r"[A-Z]{0,2}[0-9]{1,5}[A-Z]?|[A-Z]|[0-9]+(?:/[0-9]+)+|I{2,3}|I?V")
_ELEMENT_ID: Final = re.compile(r"[0-9]{1,5}[A-Z]?|[0-9]+(?:[:/][0-9]+)+")
_GLUED: Final = re.compile(r"([A-Z]+)([0-9]{1,5}[A-Z]?)")
_GLUED_AFTER: Final = re.compile(r"([0-9]{1,3})([A-Z]{5,})")
_ORDINAL: Final = re.compile(r"[0-9]{1,3}(?:ST|ND|RD|TH)")
_UNKNOWN_CODE: Final = re.compile(r"([A-Z]{2,4})[0-9]{1,5}[A-Z]?")
_SERIAL: Final = re.compile(r"[A-Z]{4}[0-9A-F]{8}")
_SHORTEST_GLUED_NAME: Final = 5
_LONGEST_WORD: Final = 30


@dataclass(slots=True)
class Removed:
    """What was taken away, and why nothing may be left."""

    reasons: set[str] = field(default_factory=set)
    units: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)
    landmark: bool = False


def unglued(tokens: list[Token], rules: Rules) -> list[Token]:
    """UMOJA2, PH2 and HSE14 become two words; FDT12 and C07 stay what they are."""
    found: list[Token] = []
    for token in tokens:
        glued = _GLUED.fullmatch(token.text)
        if glued and (glued[1] in rules.split_before_number or len(glued[1]) >= _SHORTEST_GLUED_NAME):
            found += [Token(glued[1], token.gap), Token(glued[2])]
        elif after := _GLUED_AFTER.fullmatch(token.text):
            found += [Token(after[1], token.gap), Token(after[2])]
        else:
            found.append(token)
    return found


def rewritten(tokens: list[Token], lexicon: Lexicon, removed: Removed) -> list[Token]:
    """Every known phrase replaced; noise and relations leave a hard gap, the words after a person's title go."""
    found: list[Token] = []
    for run in runs(tokens):
        words = [token.text for token in run]
        at, gap = 0, run[0].gap
        while at < len(run):
            entry = lexicon.at(words, at)
            gap = max(gap, run[at].gap)
            if entry is None:
                found.append(Token(words[at], gap))
            elif entry.value and entry.kind not in {"relation", "noise", "person"}:
                found += [Token(word, gap if not first else Gap.SPACE) for first, word in enumerate(entry.value)]
            else:
                _note(entry, removed)
            gap = Gap.SPACE if entry is None or entry.kind in {"phrase", "alias", "kept"} else Gap.HARD
            at += len(entry.words) if entry else 1
    return found


def _note(entry: Entry, removed: Removed) -> None:
    if entry.kind == "relation":
        removed.landmark |= entry.value == ("LANDMARK",)
    else:
        removed.reasons.add("personal_data" if entry.kind == "person" else "noise")


def without_units(tokens: list[Token], rules: Rules, removed: Removed) -> list[Token]:
    """House, block, flat and plot with their numbers go aside: they are never sent."""
    keywords = rules.of("unit")
    found: list[Token] = []
    cut, at = False, 0
    while at < len(tokens):
        token = tokens[at]
        end = at + 1
        if token.text in keywords:
            end = _after_number(tokens, end)
            if end == at + 1 and found and _ORDINAL.fullmatch(found[-1].text) and token.text in {"FLOOR", "FLR"}:
                removed.units.append(f"{found.pop().text} {token.text}")
                cut, at = True, end
                continue
        if end > at + 1:
            removed.units.append(
                " ".join([token.text, *(one.text for one in tokens[at + 1 : end] if one.text != "NO")])
            )
            cut, at = True, end
            continue
        found.append(token._replace(gap=Gap.HARD) if cut else token)
        cut, at = False, end
    return found


def _after_number(tokens: list[Token], at: int) -> int:
    """The position after a unit's number, or `at` when none stands there."""
    end = at + 1 if at < len(tokens) and tokens[at].text in {"NO", "NUMBER", "NUM"} else at
    if end >= len(tokens) or tokens[end].gap is Gap.HARD or not _UNIT_ID.fullmatch(tokens[end].text):
        return at
    letter = len(tokens[end].text) == 1 and tokens[end].text.isalpha()
    end += 1
    if letter and end < len(tokens) and tokens[end].gap < Gap.SLASH and re.fullmatch("[0-9]{1,4}", tokens[end].text):
        end += 1
    return end


def without_elements(tokens: list[Token], rules: Rules, removed: Removed) -> list[Token]:
    """Network words and network elements with their numbers go."""
    networds, elements = rules.of("netword"), rules.of("element")
    only_numbered = rules.of("element", "number")
    found: list[Token] = []
    cut, at = False, 0
    while at < len(tokens):
        token, end = tokens[at], at
        glued = _GLUED.fullmatch(token.text)
        if token.text in networds or (glued and glued[1] in elements):
            end = at + 1
        elif token.text in elements:
            number = at + 1 + (at + 1 < len(tokens) and tokens[at + 1].text in {"NO", "NUMBER"})
            has_number = number < len(tokens) and bool(_ELEMENT_ID.fullmatch(tokens[number].text))
            end = number + 1 if has_number else at + (token.text not in only_numbered)
        if end > at:
            removed.reasons.add("code_only")
            removed.dropped.add(token.text)
            cut, at = True, end
            continue
        found.append(token._replace(gap=Gap.HARD) if cut else token)
        cut, at = False, at + 1
    return found


def in_full(tokens: list[Token], rules: Rules) -> list[Token]:
    """Abbreviations in full, where their place in the name allows; II and TWO after a counter become 2."""
    always, after, numbered = (rules.values(kind) for kind in ("abbr", "abbr_after", "abbr_number"))
    limit = Gap.SOFT if any(token.gap is Gap.SPACE for token in tokens[1:]) else Gap.SLASH
    found: list[Token] = []
    for at, token in enumerate(tokens):
        follower = tokens[at + 1] if at + 1 < len(tokens) and tokens[at + 1].gap is not Gap.HARD else None
        text = always.get(token.text, token.text)
        if token.text in numbered and follower and _is_own_id(follower.text):
            text = numbered[token.text]
        elif token.text in after and found and token.gap is not Gap.HARD:
            ends = follower is None or follower.gap >= limit or _is_no_name(follower.text, rules)
            text = after[token.text] if ends or _ORDINAL.fullmatch(found[-1].text) else token.text
        elif found and token.gap is not Gap.HARD and found[-1].text in rules.number_owners:
            text = own_number(text)
        found += [Token(word, token.gap if not more else Gap.SPACE) for more, word in enumerate(text.split())]
    return found


def _is_no_name(text: str, rules: Rules) -> bool:
    """Whether the word goes, or begins a known name: MIREMA DR ROYSAMBU, but ACK ST JOHNS."""
    return text in rules.first_words or is_code(text, rules, Removed())


def _is_own_id(text: str) -> bool:
    return bool(_OWN_ID.fullmatch(text)) or text in _SPELLED


def own_number(text: str) -> str:
    """A number as we write it: II, TWO and 02 are 2."""
    if text in _SPELLED:
        return str(_SPELLED[text])
    return text.lstrip("0") or "0" if _OWN_ID.fullmatch(text) else text


def is_ordinal(text: str) -> bool:
    """Whether the word is 2ND, 11TH and the like."""
    return bool(_ORDINAL.fullmatch(text))


def is_own_id(text: str) -> bool:
    """Whether the word can be the number of a phase, section, stage, gate or court."""
    return bool(_OWN_ID.fullmatch(text))


def is_code(text: str, rules: Rules, removed: Removed) -> bool:
    """Whether a word that no name owns says nothing of a place; unknown kinds of codes are remembered."""
    unknown = _UNKNOWN_CODE.fullmatch(text)
    if unknown:
        if unknown[1] not in rules.of("element"):
            removed.codes.append(text)
        return True
    if text in _ROMAN and len(text) > 1:
        return True
    if any(letter.isdigit() for letter in text):
        return not _ORDINAL.fullmatch(text)
    if len(text) == 1:
        return text not in rules.of("acronym")
    if _SERIAL.fullmatch(text) or len(text) > _LONGEST_WORD:
        return True
    if not set(text) & set("AEIOUY") and text not in rules.never_codes:
        removed.codes.append(text)
        return True
    return False
