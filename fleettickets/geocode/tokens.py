"""From raw text to words: what Unicode, typing habits and network tools add is taken off here."""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Gap(IntEnum):
    """How far a word is from the one before it; only HARD stops a name of several words."""

    SPACE = 0
    SOFT = 1  # an underscore: a space, or a separator where spaces are used as well
    SLASH = 2
    HARD = 3


class Token(NamedTuple):
    """One word, or one ratio such as 0/1/5."""

    text: str
    gap: Gap = Gap.SPACE


_DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2212"
_QUOTES: Final = "\u2018\u2019\u2032\u00b4\u0060"
_DOUBLE_QUOTES: Final = "\u201c\u201d\u2033"
_SAME: Final = str.maketrans(
    {**dict.fromkeys(_DASHES, "-"), **dict.fromkeys(_QUOTES, "'"), **dict.fromkeys(_DOUBLE_QUOTES, '"'), "\u00ba": "°"}
)
_LOOKALIKES: Final = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405"  # Cyrillic capitals
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455"  # Cyrillic small letters
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"  # Greek capitals
    "\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c5\u03c7",  # Greek small letters
    "ABEKMHOPCTYXIJS" + "aeopcyxijs" + "ABEZHIKMNOPTYX" + "aikvopux",
)
_WORD: Final = re.compile(r"[^\W\d_]+")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?<!Mc)(?=[A-Z])|(?<=[0-9])(?=[A-Z][a-z])")
_MAIL: Final = re.compile(r"[^\s,;<>()]+")
_PHONE: Final = re.compile(
    r"(?<![0-9])(?:\+?254|0)[\s.\-_/()]{0,3}[17](?:[\s.\-_/()]{0,2}[0-9]){8}(?![0-9])"
    r"|(?<![0-9])[17][0-9]{8}(?![0-9])"
    r"|(?<![0-9])0[2-6][0-9][\s.\-]?[0-9]{6,7}(?![0-9])"
    r"|\+[0-9]{9,14}(?![0-9])"
)
_MARKUP: Final = re.compile(r"<[^<>]{0,200}>|(?:HTTPS?://|WWW\.)\S*")
_ADDRESSES: Final = re.compile(
    r"(?<![0-9A-F])(?:[0-9A-F]{2}[:-]){5}[0-9A-F]{2}(?![0-9A-F])"
    r"|(?<![0-9])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?(?![0-9])"
)
_INITIALS: Final = re.compile(r"(?<![A-Z0-9])(?:[A-Z]\.){2,10}(?:[A-Z](?![A-Z0-9]))?")
_TOKEN: Final = re.compile(r"[0-9]+(?:[:/][0-9]+)+|[A-Z0-9]+")
_BETWEEN: Final = re.compile(r"[,;()\[\]{}|\n]|\s-+\s|:")


def normal(raw: str) -> str:
    """The text in plain letters and ASCII digits, one kind of dash, no accents, no control characters."""
    text = unicodedata.normalize("NFKC", raw.translate(_SAME)).translate(_SAME)
    text = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return "".join(_plain(letter) for letter in _WORD.sub(lambda word: _latin(word[0]), text))


def _latin(word: str) -> str:
    """A word pasted with letters of another script that look like ours, in ours; a word of that script stays."""
    folded = word.translate(_LOOKALIKES)
    return folded if folded.isascii() else word


def _plain(letter: str) -> str:
    if letter.isascii():
        return letter if letter.isprintable() or letter == "\n" else " "
    if unicodedata.category(letter) == "Cf":
        return ""
    digit = unicodedata.decimal(letter, None)
    if digit is not None:
        return str(digit)
    return letter if letter == "°" else " "


def without_mail(text: str) -> str:
    """The text without mail addresses."""
    return _MAIL.sub(lambda word: " ; " if re.search(r".@.", word[0]) else word[0], text)


def without_phone(text: str) -> str:
    """The text without telephone numbers."""
    return _PHONE.sub(" ; ", text)


def upper(text: str) -> str:
    """CamelCase split, then upper case."""
    return _CAMEL.sub(" ", text).upper()


def without_addresses(text: str) -> str:
    """Upper-case text without markup, links, IP and MAC addresses."""
    return _ADDRESSES.sub(" ; ", _MARKUP.sub(" ; ", text))


def split(text: str) -> list[Token]:
    """Upper-case text as words; dotted initials are one word, apostrophes join."""
    text = _INITIALS.sub(lambda match: match[0].replace(".", "") + " ", text.replace("'", ""))
    found: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(text):
        found.append(Token(match[0], _gap(text[end : match.start()])))
        end = match.end()
    return found


def _gap(between: str) -> Gap:
    if _BETWEEN.search(between):
        return Gap.HARD
    if "/" in between or "\\" in between:
        return Gap.SLASH
    return Gap.SOFT if "_" in between else Gap.SPACE


def runs(tokens: Iterable[Token]) -> Iterator[list[Token]]:
    """The words between two hard gaps, together."""
    run: list[Token] = []
    for token in tokens:
        if token.gap is Gap.HARD and run:
            yield run
            run = []
        run.append(token)
    if run:
        yield run
