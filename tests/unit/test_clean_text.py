"""Bytes to text: encodings, gzip, NUL bytes, and files that are no table at all."""

from __future__ import annotations

import codecs
import gc
import gzip
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import pytest
from feed import sheet, ticket

from fleettickets.clean.rows import Rejected, Sentinel, Ticket, open_sheet
from fleettickets.datasets import FEED_COLUMNS
from fleettickets.source.files import FileUnusableError

ROOT = Path(__file__).parents[2]
TWO = sheet([ticket("A1", owner="Zoë"), ticket("A2")])
HEADER = sheet([])


def rows_of(body: bytes) -> list[Ticket | Rejected | Sentinel]:
    opened = open_sheet(io.BytesIO(body))
    found = list(opened.rows())
    opened.close()
    return found


def ids(body: bytes) -> list[str]:
    return [row.ticket_id for row in rows_of(body) if isinstance(row, Ticket)]


def cells(body: bytes, at: int = 0) -> dict[str, str | None]:
    row = rows_of(body)[at]
    assert isinstance(row, Ticket)
    found: dict[str, str | None] = json.loads(row.raw)
    return found


def refusal(body: bytes) -> str:
    try:
        open_sheet(io.BytesIO(body))
    except FileUnusableError as error:
        return str(error)  # pytest.raises would keep the traceback, and with it the file, alive
    return "accepted"


@pytest.mark.parametrize(
    ("encode", "encoding"),
    [
        (lambda text: text.encode(), "utf-8"),
        (lambda text: codecs.BOM_UTF8 + text.encode(), "utf-8-sig"),
        (lambda text: text.encode("cp1252"), "cp1252"),
        (lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"), "utf-16"),
        (lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"), "utf-16"),
        (lambda text: text.encode("utf-16-le"), "utf-16-le"),
    ],
    ids=["utf-8", "BOM", "cp1252", "UTF-16 LE", "UTF-16 BE", "UTF-16 LE without BOM"],
)
def test_an_encoding_is_recognised_and_the_cells_come_out_the_same(encode: object, encoding: str) -> None:
    assert callable(encode)
    body = encode(TWO.decode())
    opened = open_sheet(io.BytesIO(body))
    assert opened.encoding == encoding
    assert opened.columns == FEED_COLUMNS
    assert ids(body) == ["A1", "A2"]
    assert cells(body)["owner"] == "Zoë"


def test_a_byte_cp1252_does_not_know_is_replaced_not_fatal() -> None:
    body = sheet([ticket("A1", owner="@@")]).replace(b"@@", b"\xe9\x81")
    assert cells(body)["owner"] == "é\N{REPLACEMENT CHARACTER}"


def test_a_late_cp1252_byte_is_seen_behind_a_long_utf8_start() -> None:
    body = sheet([ticket("A1", owner="x" * 600_000), ticket("A2", owner="@")]).replace(b"@", b"\xe9")
    assert open_sheet(io.BytesIO(body)).encoding == "cp1252"
    assert cells(body, 1)["owner"] == "é"


def test_an_odd_last_byte_of_utf16_costs_no_row() -> None:
    assert ids(codecs.BOM_UTF16_LE + TWO.decode().encode("utf-16-le") + b"\x41")[:2] == ["A1", "A2"]


def test_half_a_surrogate_pair_is_replaced() -> None:
    text = sheet([ticket("A1", owner="@")]).decode()
    body = codecs.BOM_UTF16_LE + text.encode("utf-16-le").replace("@".encode("utf-16-le"), b"\x00\xd8")
    assert cells(body)["owner"] == "\N{REPLACEMENT CHARACTER}"


def test_a_nul_byte_becomes_the_replacement_character() -> None:
    body = sheet([ticket("A1", owner="a\0b"), ticket("A2")])
    assert cells(body)["owner"] == "a\N{REPLACEMENT CHARACTER}b"
    assert ids(body) == ["A1", "A2"]


def test_a_nul_is_replaced_in_rejected_records_too() -> None:
    (row,) = rows_of(HEADER + b"A1,\0\n")
    assert isinstance(row, Rejected)
    assert row.record == "A1,\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"], ids=["CRLF", "CR", "LF"])
def test_any_line_end_separates_rows(end: str) -> None:
    body = TWO.replace(b"\n", end.encode())
    assert [row.line for row in rows_of(body)] == [2, 3]
    assert ids(body) == ["A1", "A2"]


@pytest.mark.parametrize("separator", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_a_unicode_line_separator_ends_no_row(separator: str) -> None:
    body = sheet([ticket("A1", owner=f"a{separator}b"), ticket("A2")])
    assert cells(body)["owner"] == f"a{separator}b"
    assert [row.line for row in rows_of(body)] == [2, 3]


def test_a_missing_last_line_end_costs_no_row() -> None:
    assert ids(TWO.rstrip(b"\n")) == ["A1", "A2"]


def test_a_gzip_file_is_unpacked_whatever_its_name() -> None:
    assert ids(gzip.compress(TWO)) == ["A1", "A2"]


@pytest.mark.filterwarnings("ignore:GzipFile was opened for writing:FutureWarning")
def test_a_gzip_file_is_unpacked_from_a_temporary_file_too() -> None:
    with tempfile.SpooledTemporaryFile() as spool:
        spool.write(gzip.compress(TWO))
        spool.seek(0)
        try:
            opened = open_sheet(spool)
            encoding = opened.encoding
            opened.close()
        except FileUnusableError as error:
            encoding = str(error)
    assert encoding == "utf-8"


def test_a_gzip_file_of_two_members_is_read_whole() -> None:
    assert ids(gzip.compress(TWO) + gzip.compress(sheet([ticket("A3")]).split(b"\n", 1)[1])) == ["A1", "A2", "A3"]


def test_gzip_around_utf16_is_unpacked_then_decoded() -> None:
    assert ids(gzip.compress(TWO.decode().encode("utf-16"))) == ["A1", "A2"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (gzip.compress(TWO)[:-9], "gzip_broken"),
        (gzip.compress(TWO)[:12], "gzip_broken"),
        (gzip.compress(TWO)[:-8] + b"\0" * 8, "gzip_broken"),
        (b"\x1f\x8b", "gzip_broken"),
        (b"\x1f\x8b" + b"x" * 100, "gzip_broken"),
        (gzip.compress(TWO) + b"rubbish", "gzip_broken"),
        (gzip.compress(b""), "empty"),
        (gzip.compress(b"\0" * 3_000_000), "gzip_too_large"),
    ],
    ids=["cut", "cut early", "wrong checksum", "magic only", "magic and noise", "rubbish after", "of nothing", "bomb"],
)
def test_a_broken_gzip_file_is_refused(body: bytes, reason: str) -> None:
    assert refusal(body) == reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"\n\r\n\n", "empty"),
        (codecs.BOM_UTF8, "empty"),
        (codecs.BOM_UTF16_LE, "empty"),
        (b" ", "no_header"),
        (bytes(range(256)) * 8, "binary"),
        (random.Random(1).randbytes(4_000), "binary"),
        (b"%PDF-1.7\n" + bytes(range(128, 256)) + bytes(range(32)) * 4, "binary"),
        (b"PK\x03\x04" + random.Random(2).randbytes(900), "binary"),
        (b"<html><head><title>502 Bad Gateway</title></head>\n<body>nginx</body></html>\n", "no_header"),
        (b'<!DOCTYPE html>\n<html lang="en">\n<a href="x">ticket_id</a>\n', "no_header"),
        (b'{"error": "ticket_id"}', "no_header"),
        (b'"' * 5_000, "no_header"),
        (b'"' * 5_001, "no_header"),
        (b"x" * 2_000_000, "no_header"),
        (b"\xff\xfe\x00\x00" + "ticket_id".encode("utf-32-le"), "no_header"),
        (TWO.split(b"\n", 1)[1], "no_header"),
    ],
    ids=[
        *("0 bytes", "blank lines", "BOM only", "UTF-16 BOM only", "one space", "all bytes", "noise", "PDF", "zip"),
        *("HTML 502", "HTML with the word", "JSON", "quotes", "quotes, odd", "one long line", "UTF-32", "headless"),
    ],
)
def test_a_file_that_is_no_table_is_refused(body: bytes, reason: str) -> None:
    assert refusal(body) == reason


def test_a_few_control_characters_make_no_file_binary() -> None:
    assert ids(sheet([ticket("A1", owner="\x01\x02\x1b[0m"), ticket("A2")])) == ["A1", "A2"]


def test_the_locale_of_the_machine_changes_nothing() -> None:
    program = (
        "import io, sys; from fleettickets.clean.rows import open_sheet;"
        "print([*open_sheet(io.BytesIO(sys.stdin.buffer.read())).rows()][0].raw.encode().hex())"
    )
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environ, "PYTHONCOERCECLOCALE": "0"},
        input=sheet([ticket("A1", owner="Zoë İI", region="KİSUMU ÉST")]),
        capture_output=True,
        check=True,
    )
    raw = json.loads(bytes.fromhex(done.stdout.decode()))
    assert (raw["owner"], raw["region"]) == ("Zoë İI", "KİSUMU ÉST".lower())


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"\0" * 40_000_000), gzip.compress(random.Random(3).randbytes(9_000_000), 1)],
    ids=["bomb", "binary inside"],
)
def test_a_refused_gzip_file_leaves_no_open_temporary_file(body: bytes) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        refusal(body)
        gc.collect()
    assert not [warning for warning in caught if issubclass(warning.category, ResourceWarning)]


def test_a_gzip_file_refused_for_its_header_leaves_no_open_temporary_file() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert refusal(gzip.compress(b"<html>")) == "no_header"
        gc.collect()
    assert not [warning for warning in caught if issubclass(warning.category, ResourceWarning)]


def test_a_refused_file_stays_open_for_its_owner() -> None:
    body = io.BytesIO(bytes(range(256)))
    with pytest.raises(FileUnusableError, match="binary"):
        open_sheet(body)
    assert not body.closed
