"""Cleaning is total: whatever the bytes, each record ends in a row, a reason or the sentinel, or nothing is read."""

from __future__ import annotations

import csv
import gzip
import io
import json

from feed import sheet
from hypothesis import given, settings
from hypothesis import strategies as st

from fleettickets.clean.rows import Rejected, Sentinel, Ticket, open_sheet
from fleettickets.datasets import DROPPED_COLUMNS, FEED_COLUMNS
from fleettickets.source.files import FileUnusableError

HEADER = sheet([])
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
AWKWARD = st.text(st.sampled_from("\",\r\n \t'aeé0"), max_size=12)
CELLS = st.lists(TEXT | AWKWARD, min_size=len(FEED_COLUMNS), max_size=len(FEED_COLUMNS))
PIECES = st.lists(
    st.sampled_from(
        [b'"', b'""', b",", b"\n", b"\r\n", b"\r", b"A1", b"EXPORT STOPPED", b"\0", b"\xe9", b"," * 31, b" "]
    ),
    max_size=60,
).map(b"".join)
NOISE = st.binary(max_size=2_000) | PIECES
usual = settings(deadline=None, max_examples=150)


def read(body: bytes) -> list[Ticket | Rejected | Sentinel]:
    opened = open_sheet(io.BytesIO(body))
    found = list(opened.rows())
    opened.close()
    return found


@usual
@given(
    start=st.sampled_from(
        [b"", HEADER, b"\xef\xbb\xbf" + HEADER, b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b", b"\x1f\x8b\x08\0"]
    ),
    noise=NOISE,
    packed=st.booleans(),
)
def test_any_bytes_end_in_rows_or_in_a_refused_file(start: bytes, noise: bytes, *, packed: bool) -> None:
    body = start + noise
    try:
        found = read(gzip.compress(body) if packed else body)
    except FileUnusableError:
        return
    assert len(found) <= len(body)


@usual
@given(rows=st.lists(CELLS, max_size=6), quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
def test_rows_read_back_as_they_were_written(rows: list[list[str]], quoting: int) -> None:
    rows = [[f"T{at}", *cells[1:]] for at, cells in enumerate(rows)]
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting).writerows([FEED_COLUMNS, *rows])  # type: ignore[arg-type]
    found = read(text.getvalue().encode())
    assert len(found) == len(rows)
    for got, cells in zip(found, rows, strict=True):
        assert isinstance(got, Ticket)
        expected = dict(zip(FEED_COLUMNS, cells, strict=True))
        expected |= {"region": expected["region"].lower(), "raw_status": expected["raw_status"].upper()}
        kept = {name: value or None for name, value in expected.items() if name not in DROPPED_COLUMNS}
        raw = json.loads(got.raw)
        for flags in (kept, raw):
            flags["is_alarm"] = (flags["is_alarm"] or "").strip()  # outer spaces of a flag mean nothing
        assert raw == kept


@usual
@given(first=st.text(st.sampled_from("\"'\r\n ,Aé"), max_size=8), rest=CELLS, n=st.integers(1, 40))
def test_a_row_of_any_cells_and_width_is_one_outcome(first: str, rest: list[str], n: int) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerow([first, *rest, *rest][:n])
    body = HEADER + text.getvalue().replace("\r\n", "").replace("\r", "").replace("\n", "").encode() + b"\n"
    blank = body == HEADER + b"\n"
    assert len(read(body)) == (0 if blank else 1)


@usual
@given(lines=st.lists(st.text(st.sampled_from('",Aé '), max_size=50), max_size=25))
def test_every_line_of_a_broken_file_is_accounted_for(lines: list[str]) -> None:
    found = read(HEADER + "".join(f"{line}\n" for line in lines).encode())
    starts = [row.line for row in found]
    assert starts == sorted(set(starts))
    by_line = {row.line: row for row in found}
    one_line = True
    for number, line in enumerate(lines, start=2):
        row = by_line.get(number)
        if row is None:
            assert not line or not one_line
            continue
        one_line = isinstance(row, Rejected) and row.reason in {"ragged", "malformed_quotes"}
        if one_line:
            assert isinstance(row, Rejected)
            assert row.record == line
