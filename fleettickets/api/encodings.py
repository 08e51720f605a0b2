"""Which compression a client takes, and the compressing."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import brotli
import deflate
import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable

IDENTITY: Final = "identity"
_ZSTD_LEVEL: Final = 9
_BROTLI_QUALITY: Final = 5
_GZIP_LEVEL: Final = 9
# In order of preference. Higher levels win a tenth of the size for ten times the time (docs/benchmarks.md).
_COMPRESSORS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "zstd": lambda data: zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(data),
    "br": lambda data: brotli.compress(data, quality=_BROTLI_QUALITY),
    # libdeflate: a twelfth smaller than zlib at its usual level, in the same time.
    "gzip": lambda data: bytes(deflate.gzip_compress(data, _GZIP_LEVEL)),
}
_WORTH_COMPRESSING_BYTES: Final = 512


@lru_cache(maxsize=256)
def chosen(accept_encoding: str) -> str:
    """The best encoding that this Accept-Encoding header allows."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, _, parameter = part.partition(";")
        weights[name.strip()] = _weight(parameter)
    return next((name for name in _COMPRESSORS if weights.get(name, weights.get("*", 0.0)) > 0), IDENTITY)


def compress(data: bytes, encoding: str) -> bytes:
    """The data in this encoding."""
    return data if encoding == IDENTITY else _COMPRESSORS[encoding](data)


def worth(data: bytes, encoding: str) -> str:
    """The encoding to use for data of this size."""
    return encoding if len(data) >= _WORTH_COMPRESSING_BYTES else IDENTITY


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
