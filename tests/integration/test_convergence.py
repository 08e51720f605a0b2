"""Any order, duplication or split of the same files gives the same table: the last writer of each row wins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from feed import Shelf, closed, sheet, ticket
from hypothesis import given, settings
from hypothesis import strategies as st

from fleettickets import db
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import EAT, INC
from fleettickets.pipeline import Order, ingest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets.report import RunReport

NOW = datetime(2026, 6, 25, 9, tzinfo=UTC)
START = datetime(2026, 6, 22, 6)  # noqa: DTZ001  # a name in the bucket is naive
IDS = "ABCDE"


@dataclass(frozen=True)
class Line:
    """One row of a file: which ticket, what it says, and how."""

    ticket_id: str
    team: str
    kind: str

    def cells(self) -> dict[str, str]:
        made = closed(self.ticket_id) if self.kind == "closed" else ticket(self.ticket_id)
        return made | {"assigned_team": self.team, "is_alarm": "true" if self.kind == "alarm" else "false"}


@dataclass(frozen=True)
class File:
    """One upload: the hour in its name, the minute it was put there, its rows."""

    hour: int
    uploaded_minute: int
    lines: tuple[Line, ...]

    @property
    def order(self) -> tuple[int, int, str]:
        version = Shelf().put(INC, self.when, self.body, self.uploaded)
        return (self.hour, self.uploaded_minute, version.etag)

    @property
    def when(self) -> str:
        return str(START + timedelta(hours=self.hour))

    @property
    def uploaded(self) -> datetime:
        return START.replace(tzinfo=EAT) + timedelta(hours=self.hour, minutes=self.uploaded_minute)

    @property
    def body(self) -> bytes:
        return sheet([line.cells() for line in self.lines])


lines = st.builds(
    Line, st.sampled_from(IDS), st.sampled_from(["x", "y", "z"]), st.sampled_from(["open", "closed", "alarm"])
)
files = st.builds(File, st.integers(0, 5), st.integers(0, 2), st.lists(lines, max_size=6).map(tuple))
uploads = st.lists(files, min_size=1, max_size=6, unique_by=lambda file: (file.hour, file.uploaded_minute, file.body))


@pytest.fixture(scope="module")
def database(request: pytest.FixtureRequest) -> Iterator[db.Connection]:
    """One database for all examples; each begins with empty tables."""
    connection = request.getfixturevalue("shared_connection")
    yield connection
    _empty(connection)


@settings(max_examples=60, deadline=None)
@given(uploads=uploads, data=st.data())
def test_any_order_split_and_grouping_of_files_gives_the_last_writer_of_each_row(
    database: db.Connection, uploads: list[File], data: st.DataObject
) -> None:
    _empty(database)
    url = _address(database)
    shelf = Shelf()
    for file in data.draw(st.permutations(uploads), label="arrival"):
        shelf.put(INC, file.when, file.body, file.uploaded)
        if data.draw(st.booleans(), label="run now"):
            _run(shelf, url, data.draw(st.sampled_from([1, 4]), label="files a transaction"))
    _run(shelf, url, 1)

    assert _table(database) == _fold(uploads)
    again = _run(shelf, url, 1)
    assert again.files == {}
    assert _ledger_adds_up(database)


@settings(max_examples=15, deadline=None)
@given(uploads=uploads)
def test_reading_everything_again_after_a_reseed_changes_no_ticket(
    database: db.Connection, uploads: list[File]
) -> None:
    _empty(database)
    url = _address(database)
    shelf = Shelf()
    for file in uploads:
        shelf.put(INC, file.when, file.body, file.uploaded)
    _run(shelf, url, 1)
    before = _table(database)

    again = _run(shelf, url, 1, reseed=True)

    assert again.files["applied"] == len(uploads)
    assert again.rows.new == again.rows.changed == 0
    assert _table(database) == before


def _run(shelf: Shelf, url: str, max_files_per_tx: int, *, reseed: bool = False) -> RunReport:
    order = Order(INC, "test", apply=True, reseed=reseed, max_files_per_tx=max_files_per_tx)
    report = ingest(order, shelf, lambda: db.connect(url), NOW, NOBODY)
    assert (report.exit_code, report.error) == (0, None)
    return report


def _fold(uploads: list[File]) -> dict[str, tuple[str, str, bool]]:
    """Ticket -> (team, alarm, open) of its greatest row, for ids that were ever more than an alarm."""
    newest: dict[str, Line] = {}
    tickets = set()
    for file in sorted(uploads, key=lambda file: file.order):
        for line in file.lines:
            newest[line.ticket_id] = line
            if line.kind != "alarm":
                tickets.add(line.ticket_id)
    return {
        ticket_id: (line.team, line.cells()["is_alarm"], line.kind == "open")
        for ticket_id, line in newest.items()
        if ticket_id in tickets
    }


def _table(connection: db.Connection) -> dict[str, tuple[str, str, bool]]:
    rows = connection.execute(
        "SELECT ticket_id, raw ->> 'assigned_team', raw ->> 'is_alarm', is_actionable FROM tickets.inc"
    )
    return {ticket_id: (team, alarm, is_open) for ticket_id, team, alarm, is_open in rows}


def _ledger_adds_up(connection: db.Connection) -> bool:
    row = connection.execute(
        "SELECT coalesce(bool_and(state = 'applied' AND rows_read = rows_new + rows_changed + rows_unchanged "
        "+ rows_stale + rows_duplicate + rows_alarm + rows_sentinel + rows_rejected), true) FROM tickets.import_files"
    ).fetchone()
    return row == (True,)


def _empty(connection: db.Connection) -> None:
    connection.execute(
        "TRUNCATE tickets.inc, tickets.alarm_rows, tickets.import_files, tickets.import_meta, tickets.rejected_rows"
    )


def _address(connection: db.Connection) -> str:
    return f"{connection.info.dsn} password={connection.info.password}"
