"""The corpus of hostile files in one stream, a good file behind each: every one ends as it should, for itself alone."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from feed import Shelf, sheet, ticket
from hostile import CORPUS, FAMILIES, HEADER
from hypothesis import given, settings
from hypothesis import strategies as st

from fleettickets import db
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import FEED_COLUMNS, INC
from fleettickets.pipeline import Order, ingest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from fleettickets.report import RunReport

NOW = datetime(2026, 6, 25, 9, tzinfo=UTC)
FIRST = datetime(2026, 6, 20, tzinfo=UTC)


@dataclass(frozen=True)
class Drained:
    """What the ledger, the tickets and the quarantine say after one run over the whole corpus."""

    report: RunReport
    again: RunReport
    files: list[dict[str, Any]]
    tickets: dict[str, dict[str, Any]]
    rejected: dict[int, list[tuple[int, str, str]]]


def when(at: int) -> str:
    return f"{FIRST + timedelta(minutes=at):%Y-%m-%d %H:%M:%S}"


@pytest.fixture(scope="module", params=[1, 25], ids=["a file a transaction", "25 files a transaction"])
def drained(
    request: pytest.FixtureRequest, migrated_database: Callable[[], AbstractContextManager[str]]
) -> Iterator[Drained]:
    """The corpus, loaded in one run; then a second run over the same files."""
    shelf = Shelf()
    for at, case in enumerate(CORPUS.values()):
        shelf.put(INC, when(2 * at), case.body)
        shelf.put(INC, when(2 * at + 1), sheet([ticket(f"GOOD-{at}")]))
    with migrated_database() as url:
        order = Order(INC, "test", apply=True, max_files_per_tx=request.param)
        first, second = (ingest(order, shelf, lambda: db.connect(url), NOW, NOBODY) for _ in range(2))
        with db.connect(url) as connection:
            files = connection.execute("SELECT to_jsonb(f) FROM tickets.import_files AS f ORDER BY key").fetchall()
            tickets: dict[str, dict[str, Any]] = dict(
                connection.execute("SELECT ticket_id, to_jsonb(t) FROM tickets.inc AS t").fetchall()
            )
            rejected: dict[int, list[tuple[int, str, str]]] = {}
            for file_id, *kept in connection.execute(
                "SELECT r.file_id, r.line, r.reason, r.record FROM tickets.rejected_rows AS r"
            ):
                rejected.setdefault(file_id, []).append((kept[0], kept[1], kept[2]))
        yield Drained(first, second, [entry for (entry,) in files], tickets, rejected)


def test_the_corpus_has_at_least_120_files_of_named_functions() -> None:
    """No two of them are the same bytes."""
    assert len(CORPUS) == sum(1 for family in FAMILIES for _ in family()) >= 120
    assert len({case.body for case in CORPUS.values()}) == len(CORPUS)


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_file_ends_as_the_corpus_says(drained: Drained, name: str) -> None:
    """Its state and reason, its tickets, its rejected rows with their lines, its counts and flags."""
    at, case = list(CORPUS).index(name), CORPUS[name]
    entry = drained.files[2 * at]
    assert (entry["state"], entry["reason"]) == ("quarantined" if case.reason else "applied", case.reason)
    written = {one for one, found in drained.tickets.items() if found["source_exported_at"] == entry["exported_at"]}
    assert written == set(case.tickets)
    expected = {"new": len(case.tickets), "alarm": 0, "sentinel": 0, "duplicate": 0, "stale": 0, **case.counts}
    assert {outcome: entry[f"rows_{outcome}"] for outcome in expected} == expected
    assert entry["export_truncated"] == ("sentinel" in case.counts)
    kept = drained.rejected.get(entry["file_id"], [])
    assert Counter(reason for _, reason, _ in kept) == case.rejected
    assert entry["rows_rejected"] == len(kept)
    assert all(line > 1 and record for line, _, record in kept)
    assert entry["flags"] == case.flags
    if case.typed:
        first = drained.tickets[case.tickets[0]]
        assert {column: first[column] for column in case.typed} == case.typed


def test_no_file_changes_what_becomes_of_another(drained: Drained) -> None:
    """Every good file between the hostile ones is applied, and nothing else became a ticket."""
    assert [entry["state"] for entry in drained.files[1::2]] == ["applied"] * len(CORPUS)
    expected = {one for case in CORPUS.values() for one in case.tickets} | {f"GOOD-{at}" for at in range(len(CORPUS))}
    assert set(drained.tickets) == expected
    assert drained.report.error is None
    assert drained.report.exit_code == 3
    assert drained.report.files == {
        "applied": 2 * len(CORPUS) - drained.report.files["quarantined"],
        "quarantined": sum(case.reason is not None for case in CORPUS.values()),
    }
    json.dumps(drained.report.as_dict())


def test_a_second_run_over_the_corpus_does_nothing(drained: Drained) -> None:
    assert (drained.again.exit_code, drained.again.rows.read, dict(drained.again.files)) == (0, 0, {})
    assert {entry["attempts"] for entry in drained.files} == {1}


ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LIKELY = st.text(st.sampled_from("0123456789-+:.TZ eE,\t\n\"'\\/Inf\0\x85\u2028\xa0"), max_size=24)
SHEETS = st.lists(
    st.fixed_dictionaries(dict.fromkeys(FEED_COLUMNS, ANY | LIKELY | st.sampled_from(["", "true", "1", "-1.29"]))),
    max_size=3,
).map(sheet)
BYTES = st.tuples(st.sampled_from([b"", HEADER, b"\xff\xfe", b"\x1f\x8b\x08\0"]), st.binary(max_size=400)).map(b"".join)


@settings(deadline=None, max_examples=40)
@given(body=SHEETS | BYTES)
def test_any_bytes_under_an_exports_name_are_applied_or_quarantined(shared_database_url: str, body: bytes) -> None:
    """From the bytes through the typed columns: no exception, no database error, every row counted."""
    shelf = Shelf()
    shelf.put(INC, when(0), body)
    shelf.put(INC, when(1), sheet([ticket("GOOD")]))
    report = ingest(Order(INC, "fuzz"), shelf, lambda: db.connect(shared_database_url), NOW, NOBODY)
    assert (report.error, report.files["failed"]) == (None, 0)
    assert report.files["applied"] + report.files["quarantined"] == 2
    rows = report.rows.as_dict()
    assert rows.pop("read") == sum(rows.values())
    assert rows["new"] >= 1
