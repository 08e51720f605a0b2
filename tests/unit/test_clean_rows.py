"""Text to rows: header, width, quotes, ids, the sentinel and alarm flags, each with its line."""

from __future__ import annotations

import io
import json

import pytest
from feed import sheet, ticket

from fleettickets.clean.rows import Rejected, Sentinel, Ticket, open_sheet
from fleettickets.datasets import DROPPED_COLUMNS, FEED_COLUMNS, REQUIRED_COLUMNS
from fleettickets.source.files import FileUnusableError

HEADER = sheet([])
WIDTH = len(FEED_COLUMNS)


def rows_of(body: bytes) -> list[Ticket | Rejected | Sentinel]:
    return list(open_sheet(io.BytesIO(body)).rows())


def outcomes(body: bytes) -> list[tuple[int, str]]:
    """Line and ticket id, reason or 'sentinel' of every record."""
    found: list[tuple[int, str]] = []
    for row in rows_of(body):
        if isinstance(row, Ticket):
            found.append((row.line, row.ticket_id))
        else:
            found.append((row.line, row.reason if isinstance(row, Rejected) else "sentinel"))
    return found


def raw(body: bytes, at: int = 0) -> dict[str, str | None]:
    row = rows_of(body)[at]
    assert isinstance(row, Ticket)
    found: dict[str, str | None] = json.loads(row.raw)
    return found


def refusal(body: bytes) -> str:
    with pytest.raises(FileUnusableError) as refused:
        open_sheet(io.BytesIO(body))
    return str(refused.value)


def plain(ticket_id: str, second: str = "") -> bytes:
    """A row without quotes."""
    return f"{ticket_id},{second}{',' * (WIDTH - 2)}\n".encode()


def row(ticket_id: str, **cells: str) -> bytes:
    return sheet([ticket(ticket_id, **cells)]).split(b"\n", 1)[1]


def test_a_header_alone_is_a_file_without_rows() -> None:
    assert rows_of(HEADER) == []
    assert rows_of(HEADER.rstrip(b"\n")) == []


def test_columns_are_found_by_name_in_any_order() -> None:
    body = sheet([ticket("A1", region="NAIROBI", is_alarm="true")], reversed(FEED_COLUMNS))
    (found,) = rows_of(body)
    assert isinstance(found, Ticket)
    assert (found.ticket_id, found.is_alarm, raw(body)["region"]) == ("A1", True, "nairobi")


def test_column_names_may_differ_in_case_and_outer_spaces() -> None:
    head, rest = sheet([ticket("A1")]).split(b"\n", 1)
    assert outcomes(head.upper().replace(b'"REGION"', b'" Region "') + b"\n" + rest) == [(2, "A1")]


def test_columns_that_say_nothing_are_dropped_and_may_be_missing() -> None:
    assert not DROPPED_COLUMNS & raw(sheet([ticket("A1", department="x", week_start="y")])).keys()
    assert outcomes(sheet([ticket("A1")], sorted(REQUIRED_COLUMNS))) == [(2, "A1")]


@pytest.mark.parametrize("column", sorted(REQUIRED_COLUMNS - {"ticket_id"}))
def test_a_missing_required_column_refuses_the_file(column: str) -> None:
    body = sheet([ticket("A1")], [name for name in FEED_COLUMNS if name != column])
    assert refusal(body) == f"missing_columns: {column}"


def test_every_missing_column_is_named() -> None:
    assert refusal(b"ticket_id,bucket\n").count(",") == len(REQUIRED_COLUMNS) - 3


def test_an_unknown_column_is_kept_in_raw_and_reported() -> None:
    body = sheet([ticket("A1", severity="P1 'high'")], (*FEED_COLUMNS, "severity"))
    assert open_sheet(io.BytesIO(body)).extra_columns == ("severity",)
    assert raw(body)["severity"] == "P1 'high'"


@pytest.mark.parametrize("again", ["cluster", "CLUSTER ", "ticket_id"])
def test_a_column_named_twice_refuses_the_file(again: str) -> None:
    assert refusal(HEADER.rstrip(b"\n") + f",{again}\n".encode()) == "duplicate_columns"


def test_a_header_of_thousands_of_columns_is_refused() -> None:
    assert refusal(",".join([*FEED_COLUMNS, *(f"c{at}" for at in range(5_000))]).encode()) == "too_many_columns"


def test_region_is_lower_case_status_upper_case_the_rest_as_it_came() -> None:
    cells = raw(sheet([ticket("A1", region="Nairobi EAST", raw_status="Closed complete", cluster="Muigai Inn")]))
    assert (cells["region"], cells["raw_status"], cells["cluster"]) == ("nairobi east", "CLOSED COMPLETE", "Muigai Inn")


def test_an_empty_cell_is_null() -> None:
    assert raw(sheet([ticket("A1", owner="")]))["owner"] is None


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb", "\n\n", 'say "hi"', '"', '""', "a,b", "x;y\tz", "'", "\\", "\\N", "\r"]
)
def test_a_cell_is_kept_to_the_byte(text: str) -> None:
    body = sheet([ticket("A1", owner=text), ticket("A2")])
    assert raw(body)["owner"] == text
    assert [found for _, found in outcomes(body)] == ["A1", "A2"]


def test_lines_are_physical_lines_where_the_record_began() -> None:
    body = sheet([ticket("A1", owner="one\ntwo\nthree"), ticket("A2")]) + b"\n\n" + row("A3") + b"short\n"
    assert outcomes(body) == [(2, "A1"), (5, "A2"), (8, "A3"), (9, "ragged")]


@pytest.mark.parametrize("bad", [b"A2,too,few\n", plain("A2").rstrip(b"\n") + b",more\n", b'"A2"\n', b"x\n"])
def test_a_ragged_row_is_rejected_with_its_text_and_neighbours_load(bad: bytes) -> None:
    body = HEADER + row("A1") + bad + row("A3")
    assert outcomes(body) == [(2, "A1"), (3, "ragged"), (4, "A3")]
    assert rows_of(body)[1] == Rejected(3, "ragged", bad.decode().rstrip("\n"))


def test_an_upload_cut_mid_row_rejects_the_cut_row_only() -> None:
    whole = sheet([ticket("A1"), ticket("A2")])
    for cut in range(len(whole) - len(b',""\n'), whole.rindex(b'"A2"') + 1, -1):
        found = outcomes(whole[:cut])
        assert found[0] == (2, "A1")
        assert found[1][0] == 3
        assert found[1][1] in {"ragged", "malformed_quotes"}
        assert len(found) == 2


def test_a_stray_quote_in_the_middle_costs_its_own_line() -> None:
    bad = b'"A2","abc"def",\n'
    body = HEADER + row("A1") + bad + row("A3") + row("A4")
    assert outcomes(body) == [(2, "A1"), (3, "malformed_quotes"), (4, "A3"), (5, "A4")]
    assert rows_of(body)[1] == Rejected(3, "malformed_quotes", bad.decode().rstrip("\n"))


def test_an_unclosed_quote_gives_back_the_quoted_lines_it_swallowed() -> None:
    body = HEADER + row("A1") + b'"A2","never closed,\n' + row("A3") + row("A4")
    assert outcomes(body) == [(2, "A1"), (3, "malformed_quotes"), (4, "A3"), (5, "A4")]


def test_an_unclosed_quote_gives_back_the_plain_lines_it_swallowed_up_to_the_end() -> None:
    body = HEADER + plain("A1") + plain("A2", '"open') + plain("A3") + plain("A4")
    assert outcomes(body) == [(2, "A1"), (3, "malformed_quotes"), (4, "A3"), (5, "A4")]


def test_a_quote_that_closes_many_lines_later_is_ragged_and_gives_them_back() -> None:
    body = HEADER + plain("A1", '"open') + plain("A2") + b'A3,x",' + plain("", "more") + plain("A4")
    assert outcomes(body) == [(2, "ragged"), (3, "A2"), (4, "ragged"), (5, "A4")]


def test_an_unclosed_quote_at_the_end_of_the_file_costs_its_own_line() -> None:
    assert outcomes(HEADER + row("A1") + b'"A2","cut') == [(2, "A1"), (3, "malformed_quotes")]


def test_every_line_with_a_broken_quote_is_rejected_by_itself() -> None:
    body = HEADER + b"".join(plain(f"B{at}", '"open') + plain(f"A{at}") for at in range(200))
    found = outcomes(body)
    assert [line for line, _ in found] == list(range(2, 402))
    assert [what for _, what in found if what != "malformed_quotes"] == [f"A{at}" for at in range(200)]


def test_the_same_id_twice_is_two_rows_in_the_order_of_the_file() -> None:
    assert outcomes(sheet([ticket("A1", owner="x"), ticket("A1", owner="y")])) == [(2, "A1"), (3, "A1")]


SENTINELS = ["EXPORT STOPPED", "export stopped", "Export Stopped: row limit", " EXPORT STOPPED", "'Export stopped'"]
SENTINELS += ['"EXPORT STOPPED"', '\t" export STOPPED at 20000 rows"']


@pytest.mark.parametrize("note", SENTINELS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_sentinel_is_known_in_any_case_and_place(note: str, place: int) -> None:
    rows = [ticket("A1"), ticket("A2")]
    rows.insert(place, ticket(note))
    expected = [(2, ""), (3, ""), (4, "")]
    found = outcomes(sheet(rows))
    assert found[place] == (expected[place][0], "sentinel")
    assert [what for _, what in found if what != "sentinel"] == ["A1", "A2"]


@pytest.mark.parametrize(
    "line", [b"EXPORT STOPPED\n", b'"export stopped"\r\n', b"Export stopped: limit, see log\n", b' "EXPORT STOPPED"']
)
@pytest.mark.parametrize("columns", [FEED_COLUMNS, FEED_COLUMNS[::-1]], ids=["usual", "id last"])
def test_the_sentinel_may_stand_alone_in_its_line(line: bytes, columns: tuple[str, ...]) -> None:
    assert outcomes(sheet([ticket("A1")], columns) + line) == [(2, "A1"), (3, "sentinel")]


def test_a_ticket_that_only_mentions_the_sentinel_is_a_ticket() -> None:
    assert outcomes(sheet([ticket("A1", owner="EXPORT STOPPED"), ticket("X EXPORT STOPPED")])) == [
        (2, "A1"),
        (3, "X EXPORT STOPPED"),
    ]


def test_a_sentinel_cut_inside_its_quotes_is_still_a_sentinel() -> None:
    assert outcomes(sheet([ticket("A1")]) + b'"EXPORT STOPPED: row li') == [(2, "A1"), (3, "sentinel")]


def test_a_sentinel_with_an_open_quote_swallows_no_neighbours() -> None:
    body = HEADER + b'EXPORT STOPPED,"\n' + plain("A1") + plain("A2", 'x"')
    assert [what for _, what in outcomes(body)] == ["sentinel", "A1", "A2"]


@pytest.mark.parametrize(
    "flag", ["true", "TRUE", "True", "t", "T", "1", "yes", "Y", "on", " true ", "\ttrue", "true\r\n"]
)
def test_an_alarm_is_known_in_any_spelling(flag: str) -> None:
    (found,) = rows_of(sheet([ticket("A1", is_alarm=flag)]))
    assert isinstance(found, Ticket)
    assert found.is_alarm


@pytest.mark.parametrize("flag", ["false", "FALSE", "0", "no", "", " ", "null", "maybe", "untrue", "2"])
def test_what_does_not_say_yes_is_no_alarm(flag: str) -> None:
    (found,) = rows_of(sheet([ticket("A1", is_alarm=flag)]))
    assert isinstance(found, Ticket)
    assert not found.is_alarm


@pytest.mark.parametrize("ticket_id", ["", " ", "\t", "\n", "\u00a0"])
def test_a_row_without_ticket_id_is_rejected(ticket_id: str) -> None:
    assert [what for _, what in outcomes(sheet([ticket(ticket_id), ticket("A2")]))] == ["no_ticket_id", "A2"]


@pytest.mark.parametrize(
    ("ticket_id", "fits"),
    [
        ("x" * 200, True),
        ("x" * 201, False),
        ("é" * 100, True),
        ("é" * 101, False),
        ("🎫" * 50, True),
        ("🎫" * 51, False),
    ],
    ids=["200", "201", "200 in two-byte", "202 in two-byte", "200 in four-byte", "204 in four-byte"],
)
def test_a_ticket_id_holds_200_bytes(ticket_id: str, *, fits: bool) -> None:
    assert outcomes(sheet([ticket(ticket_id), ticket("A2")])) == [
        (2, ticket_id if fits else "ticket_id_too_long"),
        (3, "A2"),
    ]


def test_a_ticket_id_is_kept_without_outer_spaces() -> None:
    assert raw(sheet([ticket("  A1\t")]))["ticket_id"] == "A1"


def test_a_large_cell_is_accepted() -> None:
    assert raw(sheet([ticket("A1", owner="x" * 200_000)]))["owner"] == "x" * 200_000


@pytest.mark.parametrize("cells", [{"owner": "x" * 1_100_000}, {"owner": "x" * 600_000, "cluster": "y" * 600_000}])
def test_a_row_over_a_mebibyte_is_rejected_and_neighbours_load(cells: dict[str, str]) -> None:
    body = sheet([ticket("A1"), ticket("A2", **cells), ticket("A3")])
    assert outcomes(body) == [(2, "A1"), (3, "oversized"), (4, "A3")]


def test_the_kept_text_of_an_oversized_record_is_bounded() -> None:
    (found,) = rows_of(HEADER + b"x" * 8_000_000)
    assert isinstance(found, Rejected)
    assert len(found.record) <= 2 << 20
