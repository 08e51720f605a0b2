"""The corpus: files that are not what they should be, each built by a named function, with what must become of it.

Every file has ticket ids of its own, so that all of them can be loaded into one database and told apart.
"""

from __future__ import annotations

import base64
import bz2
import codecs
import gzip
import io
import itertools
import lzma
import random
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from feed import closed, sheet, ticket

from fleettickets.datasets import FEED_COLUMNS, REQUIRED_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Cases = Iterator[tuple[str, "Case"]]

HEADER = sheet([])
SQL = "'); DROP TABLE tickets.inc; --"
LONG = "".join(random.Random(7).choices("0123456789abcdef", k=200_000))
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Case:
    """A file and what must become of it; without a reason it is applied."""

    body: bytes
    tickets: tuple[str, ...] = ()
    reason: str | None = None
    rejected: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    typed: dict[str, Any] = field(default_factory=dict)
    """Columns of its first ticket."""


def ids(n: int = 2) -> tuple[str, ...]:
    """New ticket ids."""
    number = next(_numbers)
    return tuple(f"C{number}-{at}" for at in range(n))


def row(ticket_id: str, **cells: str) -> bytes:
    """One quoted row."""
    return sheet([ticket(ticket_id, **cells)]).split(b"\n", 1)[1]


def plain(*cells: str) -> bytes:
    """One unquoted row, filled up with empty cells."""
    return (",".join(cells) + "," * (len(FEED_COLUMNS) - len(cells)) + "\n").encode()


def without(column: str) -> tuple[str, ...]:
    """The header less one column."""
    return tuple(name for name in FEED_COLUMNS if name != column)


def odd_but_readable() -> Cases:
    """Encodings, line ends, packing and headers that differ and still say the same two tickets."""
    changes: dict[str, Callable[[bytes], bytes]] = {
        "BOM": lambda body: codecs.BOM_UTF8 + body,
        "BOM and CRLF": lambda body: codecs.BOM_UTF8 + body.replace(b"\n", b"\r\n"),
        "CRLF": lambda body: body.replace(b"\n", b"\r\n"),
        "CR alone": lambda body: body.replace(b"\n", b"\r"),
        "no line end at the end": lambda body: body.rstrip(b"\n"),
        "blank lines between": lambda body: body.replace(b"\n", b"\n\n"),
        "blank lines in front": lambda body: b"\n\r\n\n" + body,
        "blank lines at the end": lambda body: body + b"\n" * 50,
        "UTF-16 LE": lambda body: codecs.BOM_UTF16_LE + body.decode().encode("utf-16-le"),
        "UTF-16 BE": lambda body: codecs.BOM_UTF16_BE + body.decode().encode("utf-16-be"),
        "UTF-16 LE without BOM": lambda body: body.decode().encode("utf-16-le"),
        "gzip": gzip.compress,
        "gzip of BOM and UTF-16": lambda body: gzip.compress(codecs.BOM_UTF16_LE + body.decode().encode("utf-16-le")),
        "gzip in two members": lambda body: gzip.compress(body[:300]) + gzip.compress(body[300:]),
        "gzip with zeros behind": lambda body: gzip.compress(body) + bytes(512),
        "unquoted": lambda body: body.replace(b'"', b""),
        "header in upper case": lambda body: HEADER.upper() + body.removeprefix(HEADER),
        "header with spaces": lambda body: HEADER.replace(b'"', b" ") + body.removeprefix(HEADER),
    }
    for name, change in changes.items():
        own = ids()
        yield name, Case(change(sheet([ticket(one) for one in own])), own)


def other_columns() -> Cases:
    """Columns in another order, more of them, fewer of those nobody needs."""
    orders = {
        "columns reordered": tuple(reversed(FEED_COLUMNS)),
        "columns nobody needs missing": tuple(sorted(REQUIRED_COLUMNS)),
        "an unknown column": (*FEED_COLUMNS, "severity"),
        "a column with an odd name": (*FEED_COLUMNS, "'); DROP TABLE x; --"),
        "a column without a name": (*FEED_COLUMNS, ""),
        "500 columns": (*FEED_COLUMNS, *(f"more_{at}" for at in range(500 - len(FEED_COLUMNS)))),
    }
    for name, columns in orders.items():
        own = ids()
        yield name, Case(sheet([ticket(one) for one in own], columns), own)


def not_utf8() -> Cases:
    """Bytes that are no UTF-8 are read as cp1252; NUL is replaced; nothing is lost."""
    cells = {
        "latin-1": (b"Zo\xeb", "Zoë"),
        "cp1252 quotes": (b"\x93x\x94 \x80", "“x” €"),
        "half a UTF-8 letter": ("é".encode()[:1], "Ã"),
        "an encoded surrogate": (b"\xed\xa0\x80", None),
        "overlong UTF-8": (b"\xc0\x80", "À€"),
        "a byte cp1252 lacks": (b"\x81", "\N{REPLACEMENT CHARACTER}"),
    }
    for name, (cell, text) in cells.items():
        own = ids()
        body = sheet([ticket(own[0], owner="OWNER"), ticket(own[1])]).replace(b"OWNER", cell)
        yield name, Case(body, own, typed={} if text is None else {"owner": text})
    own = ids()
    nul = sheet([ticket(own[0], owner="a\0b"), ticket(own[1], cluster="\0")])
    yield "NUL bytes", Case(nul, own, flags={"nul_replaced": 2}, typed={"owner": "a\N{REPLACEMENT CHARACTER}b"})


def no_table() -> Cases:
    """What a broken export, a proxy or a wrong upload leaves under an export's name."""
    body = sheet([ticket(one) for one in ids()])
    packed, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", body)
    with tarfile.open(fileobj=tarred, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("a.csv"), io.BytesIO())
    unusable = {
        "no bytes": (b"", "empty"),
        "one line end": (b"\n", "empty"),
        "blank lines": (b"\n\n\r\n", "empty"),
        "a BOM alone": (codecs.BOM_UTF8, "empty"),
        "gzip of nothing": (gzip.compress(b""), "empty"),
        "one letter": (b"x", "no_header"),
        "spaces": (b"   \n  \n", "no_header"),
        "commas": (b",,,,\n,,,,\n", "no_header"),
        "quotes": (b'"' * 4_001, "no_header"),
        "an open quote": (b'"ticket_id,bucket\n', "no_header"),
        "HTML": (b"<html><title>502 Bad Gateway</title><body>ticket_id</body></html>\n", "no_header"),
        "XML": (b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>', "no_header"),
        "JSON": (b'{"message": "Internal Server Error"}', "no_header"),
        "JSON lines": (b'{"ticket_id": "A1"}\n{"ticket_id": "A2"}\n', "no_header"),
        "a stack trace": (b"Traceback (most recent call last):\n  File x\nValueError: ticket_id\n", "no_header"),
        "SQL": (b"INSERT INTO tickets VALUES (1);\n", "no_header"),
        "base64": (base64.encodebytes(body), "no_header"),
        "rows without a header": (body.removeprefix(HEADER), "no_header"),
        "semicolons": (body.replace(b",", b";"), "no_header"),
        "tabs": (body.replace(b'","', b'"\t"'), "no_header"),
        "every byte": (bytes(range(256)) * 4, "binary"),
        "noise": (random.Random(3).randbytes(5_000), "binary"),
        "zip": (packed.getvalue() + bytes(range(1, 20)) * 9, "binary"),
        "bzip2": (bz2.compress(LONG.encode()), "binary"),
        "xz": (lzma.compress(LONG.encode()), "binary"),
        "deflate": (zlib.compress(LONG.encode()), "binary"),
        "tar": (tarred.getvalue(), "no_header"),
        "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(range(1, 32)) * 20, "binary"),
        "gzip in gzip": (gzip.compress(gzip.compress(LONG.encode())), "binary"),
        "gzip cut": (gzip.compress(body)[:-9], "gzip_broken"),
        "gzip header alone": (b"\x1f\x8b\x08", "gzip_broken"),
        "gzip with a wrong checksum": (gzip.compress(body)[:-8] + bytes(8), "gzip_broken"),
        "gzip with a flipped bit": (_flipped(gzip.compress(body), 40), "gzip_broken"),
        "gzip bomb": (gzip.compress(bytes(3_000_000)), "gzip_too_large"),
        "a column twice": (HEADER.rstrip(b"\n") + b",cluster\n", "duplicate_columns"),
        "a column twice in other case": (HEADER.rstrip(b"\n") + b", CLUSTER\n", "duplicate_columns"),
        "501 columns": (HEADER.rstrip(b"\n") + b"".join(b",x%d" % at for at in range(469)), "too_many_columns"),
        "ticket_id missing": (sheet([ticket("C-x")], without("ticket_id")), "no_header"),
    }
    for name, (content, reason) in unusable.items():
        yield name, Case(content, reason=reason)


def a_required_column_is_missing() -> Cases:
    """A file without a column would blank what is known."""
    for column in sorted(REQUIRED_COLUMNS - {"ticket_id"}):
        body = sheet([ticket(one) for one in ids()], without(column))
        yield f"column {column} missing", Case(body, reason=f"missing_columns: {column}")


def broken_rows() -> Cases:
    """A row that cannot be used costs itself, and is kept with its line and reason."""
    breaks: dict[str, tuple[bytes, str]] = {
        "too few cells": (b"X,x\n", "ragged"),
        "one cell": (b"X\n", "ragged"),
        "too many cells": (plain("X").rstrip(b"\n") + b",Westlands\n", "ragged"),
        "an unquoted comma": (row("X").replace(b'"KASARANI_FDT12"', b"KASARANI, FDT12"), "ragged"),
        "cut in a cell": (row("X")[:60], "malformed_quotes"),
        "a letter behind a quote": (b'"X"x,\n', "malformed_quotes"),
        "an open quote in a row": (plain("X", '"'), "malformed_quotes"),
        "no ticket id": (row(""), "no_ticket_id"),
        "a ticket id of spaces": (row(" \t "), "no_ticket_id"),
        "a ticket id of 9,000 characters": (row("x" * 9_000), "ticket_id_too_long"),
        "a ticket id of 201 bytes": (row("é" * 100 + "x"), "ticket_id_too_long"),
        "a row over 1 MiB": (row("X", owner=LONG * 6), "oversized"),
        "many cells that make 1 MiB": (
            row("X", **dict.fromkeys(["owner", "cluster", "region"], LONG * 2)),
            "oversized",
        ),
    }
    for name, (broken, reason) in breaks.items():
        own = ids()
        yield name, Case(sheet([ticket(one) for one in own]) + broken, own, rejected={reason: 1})
    own = ids()
    yield (
        "a broken row between",
        Case(HEADER + row(own[0]) + b'"B"x,\n' + row(own[1]), own, rejected={"malformed_quotes": 1}),
    )
    own = ids()
    body = HEADER + plain(own[0]) + plain("B", '"') + plain(own[1])
    yield "an open quote between", Case(body, own, rejected={"malformed_quotes": 1})
    yield "broken rows alone", Case(HEADER + b"a\nb,c\n", rejected={"ragged": 2})


def notes_alarms_and_doubles() -> Cases:
    """Rows that are no ticket of their own: the export's note, alarms, the same id again."""
    yield "header only", Case(HEADER)
    for name, note in {
        "sentinel in lower case": row("export stopped"),
        "sentinel alone": b"EXPORT STOPPED\n",
        "sentinel with spaces and quotes": row("  'Export Stopped: limit'"),
        "sentinel with a text": row("EXPORT STOPPED at 5,000 rows", owner="x"),
    }.items():
        own = ids()
        yield name, Case(HEADER + row(own[0]) + note + row(own[1]), own, counts={"sentinel": 1})
    for flag in ("1", "t", "TRUE", " true", "Yes", "on"):
        own, (alarm,) = ids(), ids(1)
        body = sheet([*map(ticket, own), ticket(alarm, is_alarm=flag)])
        yield f"alarm written {flag!r}", Case(body, own, counts={"alarm": 1})
    own = ids()
    twice = sheet([ticket(own[0], owner="first"), ticket(own[1]), ticket(own[0], owner="last")])
    yield "a ticket twice", Case(twice, own, counts={"duplicate": 1}, typed={"owner": "last"})
    own = ids()
    body = sheet([ticket(own[0].lower()), ticket(own[0]), ticket(f" {own[0]} ", owner="last")])
    yield "ids that differ in case and in spaces", Case(body, (own[0], own[0].lower()), counts={"duplicate": 1})


def text_that_means_something_elsewhere() -> Cases:
    """Text is data: for SQL, COPY, JSON, formats, shells, spreadsheets, browsers and terminals alike."""
    texts = {
        "SQL": SQL,
        "a COPY null": "\\N",
        "a COPY end": "\\.",
        "COPY escapes": "\\t\\x41\\",
        "a JSON NUL": "\\u0000",
        "JSON": '{"a": "\\u0000", "ticket_id": "other"}',
        "format fields": "%s %(x)s {} {tickets} $1 :x",
        "a shell": "$(reboot) `reboot` ; reboot & | > /etc/passwd",
        "a formula": '=HYPERLINK("http://x","y")',
        "script": "<img src=x onerror=alert(1)><script>alert(1)</script>",
        "terminal": "\x1b[2J\x1b]0;title\a\r\b",
        "newlines, quotes, commas": 'a\nb\r\n"c",d',
        "right to left": "\u202egpj.exe \u200b\ufeff",
        "beyond 16 bits": "🎫𝕏\U0010ffff",
        "combining": "e\u0301" * 50,
        "a path": "../../etc/passwd%00.csv",
        "200,000 characters": LONG,
    }
    for name, text in texts.items():
        own = ids()
        rows = [ticket(own[0], owner=text, location_name=text[:2_000]), ticket(own[1])]
        yield f"text: {name}", Case(sheet(rows), own, typed={"owner": text.strip(" ")})
    quoted = f"{ids()[0]}{SQL}"
    yield "SQL as an id", Case(sheet([ticket(quoted)]), (quoted,))
    yield "an id of 200 bytes", Case(sheet([ticket("é" * 100)]), ("é" * 100,))


def impossible_values() -> Cases:
    """A value that cannot be typed is null and counted; its row is applied and raw keeps the text."""
    times = ["2026-02-30 10:00:00", "0000-00-00 00:00:00", "2026-13-01", "45830.5", "05/06/2026", "soon", "infinity"]
    times += ["2026-06-22 25:00:00", "99999-01-01 00:00:00", "2026-06-22 10:00:00 EAT", "-2026-06-22", "２０２６-06-22"]
    wrong: list[tuple[str, str, str]] = [("created_at_service", text, "created_at_service") for text in times]
    wrong += [("is_actionable", text, "is_actionable") for text in ("maybe", "2", "-1", "ja", "truefalse")]
    for column, text, typed in wrong:
        own = ids()
        body = sheet([ticket(own[0], **{column: text}), ticket(own[1])])
        yield f"{column} {text}", Case(body, own, flags={f"bad_{column}": 1}, typed={typed: None})
    for text in ("99999999999", "N/A hours", "1e400", "-1", "1,5", "0x10", "1_000", "Infinity", "٣"):
        own = ids(1)
        body = sheet([closed(own[0]) | {"mttr": text}])
        yield f"mttr {text}", Case(body, own, flags={"bad_mttr": 1}, typed={"mttr": None})
    places = [("36.82", "-1.29"), ("123.4", "36.8"), ("0", "0"), ("NaN", "36.8"), ("-1,29", "36,82"), ("-1.29", "")]
    places += [("1e1", "36.8"), ("-1.29 S", "36.8 E"), ("51.5", "-0.12"), ("9" * 400, "36.8"), ("-1.29", "Infinity")]
    for latitude, longitude in places:
        own = ids(1)
        body = sheet([ticket(own[0], latitude=latitude, longitude=longitude, location_name="", cluster="")])
        case = Case(body, own, flags={"bad_coordinates": 1}, typed={"geo_source": "none", "geom": None})
        yield f"place {latitude[:8]} {longitude}", case


def _flipped(body: bytes, at: int) -> bytes:
    return body[:at] + bytes([body[at] ^ 0x10]) + body[at + 1 :]


FAMILIES = (
    odd_but_readable,
    other_columns,
    not_utf8,
    no_table,
    a_required_column_is_missing,
    broken_rows,
    notes_alarms_and_doubles,
    text_that_means_something_elsewhere,
    impossible_values,
)
CORPUS: dict[str, Case] = {name: case for family in FAMILIES for name, case in family()}
