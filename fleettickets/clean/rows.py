"""From a file to its tickets: the cleaning rules of the feed, one row in, one row or one reason out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, NamedTuple

import orjson

from fleettickets.clean.records import LARGEST_RECORD_CHARS, OVERSIZED, BadRecord, Records
from fleettickets.clean.text import Text, open_text
from fleettickets.datasets import DROPPED_COLUMNS, FEED_COLUMNS, REQUIRED_COLUMNS
from fleettickets.source.files import FileUnusableError

if TYPE_CHECKING:
    from collections.abc import Iterator

TRUE_WORDS: Final = frozenset({"true", "t", "yes", "y", "1", "on"})
_SENTINEL: Final = "export stopped"
_SENTINEL_STARTS: Final = frozenset("eE \t'\"")
FLAG_SPACES: Final = " \t\n\v\f\r\xa0"
_LONGEST_ID_BYTES: Final = 200
_MOST_COLUMNS: Final = 500


class Ticket(NamedTuple):
    """A usable row: its line, its id, whether it is an alarm, and its kept cells as a JSON object."""

    line: int
    ticket_id: str
    is_alarm: bool
    raw: str


class Rejected(NamedTuple):
    """A row that cannot be used: its line, the reason, the record as text."""

    line: int
    reason: str
    record: str


class Sentinel(NamedTuple):
    """The export's own note that it was cut short."""

    line: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file opened for loading: what its header says, and its rows one by one."""

    columns: tuple[str, ...]
    extra_columns: tuple[str, ...]
    encoding: str
    _text: Text

    @property
    def nul_lines(self) -> int:
        """Lines read so far in which NUL bytes were replaced."""
        return self._text.nul_lines

    def close(self) -> None:
        """Free what was unpacked."""
        self._text.close()

    def rows(self) -> Iterator[Ticket | Rejected | Sentinel]:
        """Every record below the header, in the file's order."""
        records = Records.of(self._text.lines())
        stream = iter(records)
        next(stream)
        return _rows(records, stream, self.columns)


def open_sheet(file: IO[bytes]) -> Sheet:
    """Read encoding and header; a file without the feed's columns is FileUnusableError."""
    text = open_text(file)
    try:
        return _sheet(text)
    except BaseException:
        text.close()
        raise


def _sheet(text: Text) -> Sheet:
    first = next(iter(Records.of(text.lines())), None)
    if first is None:
        raise FileUnusableError("empty")
    if isinstance(first, BadRecord):
        raise FileUnusableError("no_header")
    columns = tuple(cell.strip().lower() for cell in first)
    if "ticket_id" not in columns:
        raise FileUnusableError("no_header")
    if len(set(columns)) != len(columns):
        raise FileUnusableError("duplicate_columns")
    if len(columns) > _MOST_COLUMNS:
        raise FileUnusableError("too_many_columns")
    missing = sorted(REQUIRED_COLUMNS.difference(columns))
    if missing:
        raise FileUnusableError(f"missing_columns: {', '.join(missing)}")
    extra = tuple(column for column in columns if column not in FEED_COLUMNS)
    return Sheet(columns, extra, text.encoding, text)


def _rows(
    records: Records, stream: Iterator[list[str] | BadRecord], columns: tuple[str, ...]
) -> Iterator[Ticket | Rejected | Sentinel]:
    width = len(columns)
    id_at, alarm_at = columns.index("ticket_id"), columns.index("is_alarm")
    region_at, status_at = columns.index("region"), columns.index("raw_status")
    kept = [(name, at) for at, name in enumerate(columns) if name not in DROPPED_COLUMNS]
    for record in stream:
        if isinstance(record, BadRecord):
            yield Sentinel(record.line) if _is_note(record.text) else Rejected(*_fields(record))
        elif _is_note(record[id_at] if id_at < len(record) else record[0]):
            records.ragged()  # lines that an open quote in it swallowed are read again
            yield Sentinel(records.line)
        elif len(record) != width:
            yield Rejected(*_fields(records.ragged()))
        else:
            ticket_id = record[id_at] = record[id_at].strip()
            reason = _unusable(ticket_id, record)
            if reason:
                yield Rejected(records.line, reason, _as_text(record))
                continue
            record[region_at] = record[region_at].lower()
            record[status_at] = record[status_at].upper()
            raw = orjson.dumps({name: record[at] or None for name, at in kept}).decode()
            yield Ticket(records.line, ticket_id, record[alarm_at].strip(FLAG_SPACES).lower() in TRUE_WORDS, raw)


def _fields(record: BadRecord) -> tuple[int, str, str]:
    return record.line, record.reason, record.text


def _is_note(cell: str) -> bool:
    """Whether this is the export's note: alone in its line or not, in any case, with spaces or quotes around it."""
    return cell[:1] in _SENTINEL_STARTS and cell[:100].lstrip(" \t'\"").lower().startswith(_SENTINEL)


def _unusable(ticket_id: str, record: list[str]) -> str | None:
    if not ticket_id:
        return "no_ticket_id"
    if len(ticket_id) * 4 > _LONGEST_ID_BYTES and len(ticket_id.encode()) > _LONGEST_ID_BYTES:
        return "ticket_id_too_long"
    if sum(map(len, record)) > LARGEST_RECORD_CHARS:
        return OVERSIZED
    return None


def _as_text(record: list[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in record)
