"""Plus codes (open location code): a full code is a point, a short one needs a place near it."""

from __future__ import annotations

import re
from typing import Final

ALPHABET: Final = "23456789CFGHJMPQRVWX"
FULL_LENGTH: Final = 8
_BASE: Final = 20
_PAIRS: Final = 5
_GRID_ROWS: Final = 5
_GRID_COLUMNS: Final = 4
_POLE: Final = 90.0
_ANTIMERIDIAN: Final = 180.0

CODE: Final = re.compile(rf"(?<![A-Z0-9+])([{ALPHABET}]{{4,8}})\+([{ALPHABET}]{{2,7}})(?![A-Z0-9+])", re.IGNORECASE)


def find(text: str) -> str | None:
    """The first plus code in a text; only even lengths before the plus are codes."""
    return next((match[0].upper() for match in CODE.finditer(text) if len(match[1]) % 2 == 0), None)


def is_full(code: str) -> bool:
    """Whether the code is a point by itself."""
    return code.index("+") == FULL_LENGTH


def decode(code: str) -> tuple[float, float]:
    """The middle of a full code's cell, as (lat, lon)."""
    digits = [ALPHABET.index(letter) for letter in code if letter != "+"]
    lat, lon, size = -_POLE, -_ANTIMERIDIAN, float(_BASE)
    paired = digits[: 2 * _PAIRS]
    for row, column in zip(paired[::2], paired[1::2], strict=True):
        lat, lon, size = lat + row * size, lon + column * size, size / _BASE
    height = width = size * _BASE
    for digit in digits[2 * _PAIRS :]:
        height, width = height / _GRID_ROWS, width / _GRID_COLUMNS
        row, column = divmod(digit, _GRID_COLUMNS)
        lat, lon = lat + row * height, lon + column * width
    return lat + height / 2, lon + width / 2


def recover(code: str, near: tuple[float, float]) -> tuple[float, float]:
    """The point of a short code: of all cells it may mean, the one nearest to `near` (lat, lon)."""
    missing = FULL_LENGTH - code.index("+")
    if missing == 0:
        return decode(code)
    lat, lon = decode(_prefix(near)[:missing] + code)
    step = float(_BASE) ** (2 - missing // 2)
    return _nearest(lat, near[0], step, limit=_POLE), _nearest(lon, near[1], step, limit=_ANTIMERIDIAN)


def _prefix(point: tuple[float, float]) -> str:
    """The first eight digits of the cell a point lies in."""
    lat = min(max(point[0] + _POLE, 0.0), 2 * _POLE - 1e-9)
    lon = (point[1] + _ANTIMERIDIAN) % (2 * _ANTIMERIDIAN)
    letters = []
    size = float(_BASE)
    for _ in range(FULL_LENGTH // 2):
        row, column = min(int(lat / size), _BASE - 1), min(int(lon / size), _BASE - 1)
        letters += [ALPHABET[row], ALPHABET[column]]
        lat, lon, size = lat - row * size, lon - column * size, size / _BASE
    return "".join(letters)


def _nearest(value: float, wanted: float, step: float, *, limit: float) -> float:
    if wanted - value > step / 2 and value + step < limit:
        return value + step
    if value - wanted > step / 2 and value - step > -limit:
        return value - step
    return value
