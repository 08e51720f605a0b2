"""From lines to CSV records, with the line each began on; one bad record never takes its neighbours along."""

from __future__ import annotations

import csv
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_RECORD_CHARS: Final = 1 << 20
_MOST_REREAD_CHARS: Final = 64 << 20

MALFORMED: Final = "malformed_quotes"
OVERSIZED: Final = "oversized"
RAGGED: Final = "ragged"


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that is none: where it began, why, and its text."""

    line: int
    reason: str
    text: str


@dataclass(slots=True)
class Records:
    """CSV records of some lines; a broken quote costs its own line, the lines it swallowed are read again."""

    line: int
    _feed: _Feed
    _reread_chars: int = 0

    @classmethod
    def of(cls, lines: Iterator[str]) -> Records:
        """The records of these lines, each with its line end."""
        return cls(0, _Feed(lines))

    def __iter__(self) -> Iterator[list[str] | BadRecord]:
        """Each record as its cells, or what is wrong with it; `line` is where it began."""
        csv.field_size_limit(LARGEST_RECORD_CHARS)
        reader = csv.reader(self._feed, strict=True)
        next_line = 1
        while True:
            self._feed.taken.clear()
            self.line = next_line
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._broken(OVERSIZED if "field limit" in str(error) else MALFORMED)
            else:
                if cells:
                    yield cells
            next_line = self.line + len(self._feed.taken)

    def ragged(self) -> BadRecord:
        """Reject the record just read for its number of cells; lines it had swallowed are read again."""
        return self._broken(RAGGED)

    def _broken(self, reason: str) -> BadRecord:
        first, *swallowed = self._feed.taken or [""]
        chars = sum(map(len, swallowed))
        if swallowed and self._reread_chars + chars <= _MOST_REREAD_CHARS:
            self._reread_chars += chars
            self._feed.given_back.extendleft(reversed(swallowed))
            del self._feed.taken[1:]
            return BadRecord(self.line, reason, first[:LARGEST_RECORD_CHARS].rstrip("\r\n"))
        text = "".join(self._feed.taken)[:LARGEST_RECORD_CHARS]
        return BadRecord(self.line, reason, text.rstrip("\r\n"))


@dataclass(slots=True)
class _Feed:
    """Lines for csv.reader: those given back first; it may go on after it has once run dry."""

    lines: Iterator[str]
    taken: list[str] = field(default_factory=list)
    given_back: deque[str] = field(default_factory=deque)

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self.given_back.popleft() if self.given_back else next(self.lines)
        self.taken.append(line)
        return line
