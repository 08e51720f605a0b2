"""One wrong letter in a long name: the corrected form is only ever the second question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTEST: Final = 7
"""Shorter names have neighbours that are real places (Ruai, Ruaka; Karura, Karuri)."""


def corrected(word: str, names: Iterable[str]) -> str | None:
    """The one name that differs from the word by one letter and begins like it."""
    if len(word) < SHORTEST:
        return None
    near = {name for name in names if name[:1] == word[0] and is_one_letter_off(word, name)}
    return near.pop() if len(near) == 1 else None


def is_one_letter_off(one: str, other: str) -> bool:
    """Whether one letter added, left out or changed makes the words equal."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1 or one == other:
        return False
    same = next((at for at, letter in enumerate(short) if letter != long[at]), len(short))
    return short[same + (len(short) == len(long)) :] == long[same + 1 :]
