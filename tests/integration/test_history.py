"""History follows from the file versions in their order: not from when they came, nor in what company."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from feed import Shelf, closed, sheet, ticket
from hypothesis import given, settings
from hypothesis import strategies as st

from fleettickets import db
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import EAT, INC
from fleettickets.pipeline import Order, ingest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from conftest import Outcome

    from fleettickets.source.bucket import Bucket

    Shell = Callable[..., Outcome]

NOW = datetime(2026, 6, 25, 9, tzinfo=UTC)
START = datetime(2026, 6, 22, 6)  # noqa: DTZ001  # a name in the bucket is naive
IDS = "ABC"
TABLES = (
    *("inc", "alarm_rows", "import_files", "import_meta", "rejected_rows", "runs", "row_versions", "closure_events"),
    *("reopen_events", "exit_events", "open_spells", "inc_daily_snapshot"),
)
TOLD = """
SELECT jsonb_build_object(
    'closures', (SELECT jsonb_agg(to_jsonb(e) ORDER BY ticket_id, seq) FROM tickets.closure_events AS e),
    'reopens', (SELECT jsonb_agg(to_jsonb(e) ORDER BY ticket_id, seq) FROM tickets.reopen_events AS e),
    'exits', (SELECT jsonb_agg(to_jsonb(e) ORDER BY ticket_id, seq) FROM tickets.exit_events AS e),
    'spells', (SELECT jsonb_agg(to_jsonb(e) ORDER BY ticket_id, seq) FROM tickets.open_spells AS e),
    'days', (SELECT jsonb_agg(to_jsonb(e) ORDER BY day) FROM tickets.inc_daily_snapshot AS e),
    'watermark', (SELECT metadata ->> 'history_max_key' FROM tickets.import_meta WHERE dataset = 'inc')
)
"""


@dataclass(frozen=True)
class Sight:
    """What one file says of one ticket: its state and, when closed, the hour of closing (None: not said)."""

    ticket_id: str
    state: str
    closed_hour: int | None = None

    @property
    def closed_at(self) -> datetime | None:
        if self.state != "closed" or self.closed_hour is None:
            return None
        return START.replace(tzinfo=EAT) + timedelta(hours=self.closed_hour)

    def cells(self) -> dict[str, str]:
        if self.state == "closed":
            moment = self.closed_at
            return closed(self.ticket_id, moment.strftime("%Y-%m-%d %H:%M:%S") if moment else "")
        row = ticket(self.ticket_id, is_alarm="true" if self.state == "alarm" else "false")
        return row | ({"is_actionable": "false"} if self.state == "inactive" else {})


@dataclass(frozen=True)
class File:
    """One upload: the hour in its name, the minute it was put there, what it says."""

    hour: int
    minute: int
    sights: tuple[Sight, ...]

    @property
    def body(self) -> bytes:
        return sheet([sight.cells() for sight in self.sights])

    @property
    def exported_at(self) -> datetime:
        return START.replace(tzinfo=EAT) + timedelta(hours=self.hour)

    def put(self, shelf: Shelf) -> str:
        version = shelf.put(
            INC, str(START + timedelta(hours=self.hour)), self.body, self.exported_at + timedelta(minutes=self.minute)
        )
        return version.etag


sights = st.builds(
    Sight,
    st.sampled_from(IDS),
    st.sampled_from(["open", "closed", "closed", "inactive", "alarm"]),
    st.sampled_from([None, 1, 20, 40, 60]),
)
files = st.builds(
    File, st.sampled_from([0, 5, 20, 30, 45, 70]), st.integers(0, 1), st.lists(sights, max_size=4).map(tuple)
)
uploads = st.lists(files, min_size=1, max_size=7, unique_by=lambda file: (file.hour, file.minute))


@pytest.fixture(scope="module")
def database(request: pytest.FixtureRequest) -> Iterator[db.Connection]:
    """One database for all examples; each begins with empty tables."""
    connection = request.getfixturevalue("shared_connection")
    yield connection
    _empty(connection)


@settings(max_examples=40, deadline=None)
@given(uploads=uploads, data=st.data())
def test_any_order_and_grouping_of_files_tells_the_same_events_and_the_same_days(
    database: db.Connection, uploads: list[File], data: st.DataObject
) -> None:
    _empty(database)
    shelf = Shelf()
    for file in uploads:
        file.put(shelf)
    _run(shelf, database, 1)
    in_order = _told(database)

    _empty(database)
    shelf = Shelf()
    for file in data.draw(st.permutations(uploads), label="arrival"):
        file.put(shelf)
        if data.draw(st.booleans(), label="run now"):
            _run(shelf, database, data.draw(st.sampled_from([1, 4]), label="files a transaction"))
    _run(shelf, database, 4)
    assert _told(database) == in_order

    before = _told(database)
    _run(shelf, database, 1)
    assert _told(database) == before
    _run(shelf, database, 4, reseed=True)
    assert _told(database) == before
    database.execute("SELECT tickets.rebuild_history('inc', NULL, NULL, %s)", [NOW])
    assert _told(database) == before


@settings(max_examples=60, deadline=None)
@given(uploads=uploads)
def test_events_are_the_table_of_the_rules_applied_sight_by_sight(database: db.Connection, uploads: list[File]) -> None:
    _empty(database)
    shelf = Shelf()
    etags = {file: file.put(shelf) for file in uploads}
    _run(shelf, database, 4)

    expected = _model(sorted(uploads, key=lambda file: (file.hour, file.minute, etags[file])))
    told = _told(database)
    found = {
        "closures": [
            (e["ticket_id"], e["kind"], _instant(e["closed_at"]), e["supersedes"], e["closed_at_lost"])
            for e in told["closures"] or []
        ],
        "reopens": [(e["ticket_id"], e["inferred"], e["retracted"]) for e in told["reopens"] or []],
        "exits": [e["ticket_id"] for e in told["exits"] or []],
    }
    assert found == expected


@settings(max_examples=40, deadline=None)
@given(uploads=uploads)
def test_at_any_instant_every_ticket_is_open_closed_or_inactive_as_the_files_until_then_said(
    database: db.Connection, uploads: list[File]
) -> None:
    _empty(database)
    shelf = Shelf()
    etags = {file: file.put(shelf) for file in uploads}
    _run(shelf, database, 4)
    ordered = sorted(uploads, key=lambda file: (file.hour, file.minute, etags[file]))
    for hour in (-1, 0, 7, 30, 44, 70, 99):
        at = START.replace(tzinfo=EAT) + timedelta(hours=hour)
        rows = database.execute(
            "SELECT ticket_id, tickets.ticket_state(is_actionable, closed_at, bucket) "
            "FROM tickets.tickets_at('inc', %s)",
            [at],
        ).fetchall()
        expected = _states([file for file in ordered if file.hour <= hour])
        assert dict(rows) == expected
        assert len(rows) == len(expected)
        now_open = database.execute("SELECT ticket_id FROM tickets.open_at('inc', %s)", [at]).fetchall()
        assert sorted(ticket_id for (ticket_id,) in now_open) == sorted(
            ticket_id for ticket_id, state in expected.items() if state == "open"
        )
    for day, as_of, n_open in database.execute("SELECT day, as_of, open FROM tickets.inc_daily_snapshot").fetchall():
        known = _states([file for file in ordered if file.exported_at <= as_of])
        assert list(known.values()).count("open") == n_open, day


def test_a_run_in_the_past_does_not_take_a_day_back(database: db.Connection) -> None:
    _empty(database)
    shelf = Shelf()
    File(0, 0, (Sight("A", "open"),)).put(shelf)
    _run(shelf, database, 1)
    for hours, expected in ((-2, 0), (3, 3), (1, 3)):
        _run(shelf, database, 1, now=NOW + timedelta(hours=hours))
        taken = database.execute("SELECT as_of FROM tickets.inc_daily_snapshot WHERE day = '2026-06-25'").fetchone()
        assert taken == (NOW + timedelta(hours=expected),)


def test_days_without_a_file_or_a_run_are_missing_and_never_zero(database: db.Connection) -> None:
    _empty(database)
    shelf = Shelf()
    File(0, 0, (Sight("A", "open"), Sight("B", "closed", 1))).put(shelf)
    File(25, 0, (Sight("A", "closed", 20),)).put(shelf)
    _run(shelf, database, 4)
    days = database.execute(
        "SELECT day::text, method, open, closed FROM tickets.backlog_daily WHERE dataset = 'inc' ORDER BY day"
    ).fetchall()
    assert days == [
        ("2026-06-22", "replayed", 1, 1),
        ("2026-06-23", "replayed", 0, 1),
        ("2026-06-24", "missing", None, 0),
        ("2026-06-25", "observed", 0, 0),
    ]


def test_a_reader_of_reports_sees_the_daily_backlog_and_no_ticket(database: db.Connection) -> None:
    with database.transaction(force_rollback=True):
        database.execute("SET LOCAL ROLE dashboard_ro")
        database.execute("SELECT count(*) FROM tickets.backlog_daily")
        database.execute("SELECT count(*) FROM tickets.closures_daily")


def test_history_that_was_lost_is_told_again_from_the_archive(
    shell: Shell, bucket: Bucket, connection: db.Connection
) -> None:
    lives = [
        File(0, 0, (Sight("A", "open"), Sight("B", "closed", 1))),
        File(25, 0, (Sight("A", "closed", 20), Sight("B", "open"))),
        File(50, 0, (Sight("A", "closed", 40),)),
    ]
    for file in lives:
        name = f"{INC.changes}{START + timedelta(hours=file.hour):%Y-%m-%dT%H-%M-%S}.csv"
        bucket.client.put_object(Bucket=bucket.name, Key=name, Body=file.body)
    now = ("--now", "2026-06-25T12:00:00+03:00")
    assert shell("fleettickets", *now, "ingest", "inc", "--apply").exit_code == 0
    told = _told(connection)
    assert len(told["closures"]) == 3

    connection.execute("TRUNCATE tickets.row_versions, tickets.closure_events, tickets.open_spells")
    dry = shell("fleettickets", *now, "--json", "history", "rebuild", "inc")
    assert json.loads(dry.out)["rebuilt"][0]["files"] == 3
    assert _told(connection)["closures"] is None
    done = shell("fleettickets", *now, "history", "rebuild", "inc", "--apply")
    assert (done.exit_code, done.out) == (
        0,
        "inc: 3 archived files read, 2 tickets told again, 3 days taken again\n",
    )
    assert _told(connection) == told


def test_the_older_command_takes_the_day_as_often_as_one_likes(
    shell: Shell, bucket: Bucket, connection: db.Connection
) -> None:
    bucket.client.put_object(
        Bucket=bucket.name, Key=f"{INC.changes}2026-06-22T06-00-00.csv", Body=sheet([ticket("A"), ticket("B")])
    )
    assert shell("python", "-m", "inc.import_inc", "--from-bucket", "--apply").exit_code == 0
    connection.execute("TRUNCATE tickets.inc_daily_snapshot")
    dry = shell("python", "-m", "inc.import_inc", "--capture-history")
    assert (dry.exit_code, "2 open" in dry.out, "dry run" in dry.out) == (0, True, True)
    assert connection.execute("SELECT count(*) FROM tickets.inc_daily_snapshot").fetchone() == (0,)
    for _ in range(2):
        assert shell("python", "-m", "inc.import_inc", "--capture-history", "--apply").exit_code == 0
        assert connection.execute("SELECT count(*), sum(open) FROM tickets.inc_daily_snapshot").fetchone() == (1, 2)


class Life:
    """The rules of the history table, read off one sight of a ticket after the other."""

    def __init__(self, ticket_id: str) -> None:
        self.ticket_id = ticket_id
        self.closures: list[list[Any]] = []
        self.reopens: list[list[Any]] = []
        self.exits: list[str] = []
        self.state: str | None = None
        self.was_alarm = False
        self.seen_closed = START.replace(tzinfo=EAT)

    def see(self, sight: Sight, file: File, *, first: bool) -> None:
        if sight.state == "alarm":
            self.exits += [self.ticket_id] if self.state == "open" and not self.was_alarm else []
            self.was_alarm = True
            return
        if sight.state == "closed":
            self._see_closed(sight.closed_at, first=first)
            self.seen_closed = file.exported_at
        elif self.state == "closed":
            self.reopens.append([self.ticket_id, False, False])
        self.state, self.was_alarm = sight.state, False

    def _see_closed(self, closed_at: datetime | None, *, first: bool) -> None:
        if not self.closures:
            self._close("baseline" if first else "observed", closed_at)
        elif self.state != "closed" and closed_at == self.closures[-1][2]:
            self.reopens[-1][2] = True
        elif self.state != "closed":
            self._close("reclosed", closed_at)
        elif closed_at is None:
            self.closures[-1][4] |= self.closures[-1][2] is not None
        elif closed_at != self.closures[-1][2]:
            if closed_at > self.seen_closed:
                self.reopens.append([self.ticket_id, True, False])
                self._close("reclosed", closed_at)
            else:
                self._close("amended", closed_at, supersedes=len(self.closures))

    def _close(self, kind: str, closed_at: datetime | None, supersedes: int | None = None) -> None:
        self.closures.append([self.ticket_id, kind, closed_at, supersedes, False])


def _model(ordered: Sequence[File]) -> dict[str, Any]:
    lives = [Life(ticket_id) for ticket_id in IDS]
    for life in lives:
        for position, file in enumerate(ordered):
            for sight in [sight for sight in file.sights if sight.ticket_id == life.ticket_id][-1:]:
                life.see(sight, file, first=position == 0)
    return {
        "closures": [tuple(event) for life in lives for event in life.closures],
        "reopens": [tuple(event) for life in lives for event in life.reopens],
        "exits": [ticket_id for life in lives for ticket_id in life.exits],
    }


def _states(known: Sequence[File]) -> dict[str, str]:
    """Ticket -> its state after these files; an id that was only ever an alarm is none."""
    last: dict[str, str] = {}
    tickets = set()
    for file in known:
        for sight in file.sights:
            last[sight.ticket_id] = "inactive" if sight.state == "alarm" else sight.state
            if sight.state != "alarm":
                tickets.add(sight.ticket_id)
    return {ticket_id: state for ticket_id, state in last.items() if ticket_id in tickets}


def _told(connection: db.Connection) -> Any:
    row = connection.execute(TOLD).fetchone()
    assert row is not None
    return row[0]


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _run(
    shelf: Shelf, connection: db.Connection, max_files_per_tx: int, *, reseed: bool = False, now: datetime = NOW
) -> None:
    url = f"{connection.info.dsn} password={connection.info.password}"
    order = Order(INC, "test", apply=True, reseed=reseed, max_files_per_tx=max_files_per_tx)
    report = ingest(order, shelf, lambda: db.connect(url), now, NOBODY)
    assert (report.exit_code, report.error) == (0, None)


def _empty(connection: db.Connection) -> None:
    connection.execute(f"TRUNCATE {', '.join(f'tickets.{name}' for name in TABLES)}")
