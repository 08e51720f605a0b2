"""The worked examples of tests/cases (or of FLEETTICKETS_CASES) through the commands and the database's own functions.

A group of cases is an adapter in GROUPS: it feeds the case to the real engine and asks the database for what the case
expects. Nothing is computed here a second time.
"""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from feed import sheet
from sla_cases import ADAPTERS, COMMON, forget_everything, only

from fleettickets import cli, db
from fleettickets.commands.ending import run
from fleettickets.errors import QualityGateError
from fleettickets.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    NewDatabase = Callable[[], AbstractContextManager[str]]

FOLDER = Path(os.environ.get("FLEETTICKETS_CASES") or Path(__file__).parents[1] / "cases")
HISTORY = """
SELECT jsonb_build_object(
    'closures', (
        SELECT coalesce(jsonb_agg(to_jsonb(e) ORDER BY e.observed_at, e.ticket_id, e.seq), '[]')
        FROM tickets.closure_events AS e WHERE e.dataset = %(dataset)s
    ),
    'n_closures', (SELECT count(*) FROM tickets.closure_events WHERE dataset = %(dataset)s),
    'last_closure', (
        SELECT to_jsonb(e) FROM tickets.closure_events AS e WHERE e.dataset = %(dataset)s
        ORDER BY e.observed_at DESC, e.seq DESC, e.ticket_id DESC LIMIT 1
    ),
    'reopens', (
        SELECT coalesce(jsonb_agg(to_jsonb(e) ORDER BY e.reopened_at, e.ticket_id, e.seq), '[]')
        FROM tickets.reopen_events AS e WHERE e.dataset = %(dataset)s
    ),
    'n_reopens', (SELECT count(*) FROM tickets.reopen_events WHERE dataset = %(dataset)s),
    'exits', (
        SELECT coalesce(jsonb_agg(to_jsonb(e) ORDER BY e.exited_at, e.ticket_id), '[]')
        FROM tickets.exit_events AS e WHERE e.dataset = %(dataset)s
    ),
    'n_exits', (SELECT count(*) FROM tickets.exit_events WHERE dataset = %(dataset)s),
    'closed_on', (
        SELECT coalesce(jsonb_agg(jsonb_build_array(e.day, e.closed) ORDER BY e.day), '[]')
        FROM tickets.closures_daily AS e WHERE e.dataset = %(dataset)s
    ),
    'snapshots', (
        SELECT coalesce(jsonb_object_agg(e.day, to_jsonb(e)), '{}') FROM tickets.inc_daily_snapshot AS e
    ),
    'snapshot_days', (
        SELECT coalesce(jsonb_agg(e.day ORDER BY e.day), '[]') FROM tickets.inc_daily_snapshot AS e
    ),
    'backlog', (
        SELECT coalesce(jsonb_object_agg(e.day, to_jsonb(e)), '{}') FROM tickets.backlog_daily AS e
        WHERE e.dataset = %(dataset)s
    ),
    'reopen_rate', (SELECT to_jsonb(e) FROM tickets.reopen_rate(%(dataset)s) AS e),
    'max_key', (SELECT metadata ->> 'source_max_key' FROM tickets.import_meta WHERE dataset = %(dataset)s),
    'history_max_key', (SELECT metadata ->> 'history_max_key' FROM tickets.import_meta WHERE dataset = %(dataset)s)
)
"""


@dataclass
class World:
    """The real engine with an empty database: what a case needs to be told and asked."""

    connection: db.Connection
    address: str
    folder: Path

    def put(self, key: str, rows: Sequence[Mapping[str, str | None]], uploaded: datetime) -> None:
        """Lay a file of the feed into the folder; the same key again is a new upload."""
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sheet({name: cell or "" for name, cell in row.items()} for row in rows))
        moment = uploaded.timestamp()
        os.utime(path, (moment, moment))

    def ingest(self, now: str, *, dataset: str = "inc", options: Sequence[str] = ()) -> None:
        """Run the command a person types, with the case's clock; a file of the case may end in quarantine."""
        arguments = ["--quiet", "--now", now, "ingest", dataset, "--dir", str(self.folder), "--apply", *options]
        assert run(cli.command, arguments) in {0, QualityGateError.exit_code}

    def ask(self, query: str, parameters: Mapping[str, Any]) -> Any:
        """The one value of a query."""
        row = self.connection.execute(query, parameters).fetchone()
        assert row is not None
        return row[0]


def _history(world: World, case: Mapping[str, Any]) -> Any:
    only(case, *COMMON, "dataset", "runs")
    dataset = case.get("dataset", "inc")
    for one in case["runs"]:
        only(one, "at", "files", "reseed")
        for file in one["files"]:
            only(file, "key", "rows")
            world.put(file["key"], file["rows"], datetime.fromisoformat(one["at"]))
        world.ingest(one["at"], dataset=dataset, options=["--reseed"] if one.get("reseed") else [])
    return world.ask(HISTORY, {"dataset": dataset})


def _repeat(world: World, case: Mapping[str, Any]) -> Any:
    only(case, *COMMON, "rows", "days")
    now = case.get("now", "2026-06-25T12:00:00+03:00")
    world.put("automations/inc/changes/2026-06-25T11-50-00.csv", case["rows"], datetime.fromisoformat(now))
    world.ingest(now)
    return world.ask(
        "SELECT coalesce(jsonb_agg(jsonb_build_array(ticket_id, earlier_id) ORDER BY ticket_id), '[]') "
        "FROM reporting.repeats('inc', (SELECT array_agg(ticket_id) FROM tickets.inc), "
        "'-infinity', 'infinity', %(now)s, 'happened', %(days)s) WHERE earlier_id IS NOT NULL",
        {"days": case["days"], "now": now},
    )


def _asking(
    adapter: Callable[[db.Connection, str, Mapping[str, Any]], Any],
) -> Callable[[World, Mapping[str, Any]], Any]:
    """An adapter of tests/sla_cases.py as one of a world."""
    return lambda world, case: adapter(world.connection, world.address, case)


GROUPS: dict[str, Callable[[World, Mapping[str, Any]], Any]] = {
    "history": _history,
    "repeat": _repeat,
    **{name: _asking(adapter) for name, adapter in ADAPTERS.items()},
}


def _cases() -> list[Any]:
    cases = []
    for path in sorted(FOLDER.glob("*_cases.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        cases += [pytest.param(case, id=f"{case['group']}-{case['id']}") for case in document["cases"]]
    return cases


@pytest.fixture(scope="module")
def case_address(new_database: NewDatabase) -> Iterator[str]:
    """One migrated database for all cases; the commands find it in the environment."""
    with new_database() as url, pytest.MonkeyPatch.context() as patch:
        with db.connect(url) as connection:
            migrate(connection)
        for name in ("FLEETTICKETS_ENV_FILE", "FLEETTICKETS_DATABASE_URL"):
            patch.delenv(name, raising=False)
        patch.setenv("DATABASE_URL", url)
        patch.setenv("FLEETTICKETS_EMBEDDED", "never")
        handler = signal.getsignal(signal.SIGTERM)  # a command sets its own
        yield url
        signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="module")
def case_connection(case_address: str) -> Iterator[db.Connection]:
    """One connection for what all cases ask."""
    with db.connect(case_address) as connection:
        yield connection


@pytest.fixture
def world(case_connection: db.Connection, case_address: str, tmp_path: Path) -> World:
    """An empty database and an empty folder."""
    forget_everything(case_connection)
    return World(case_connection, case_address, tmp_path)


@pytest.mark.parametrize("case", _cases())
def test_a_worked_example_comes_out_as_written(world: World, case: Mapping[str, Any]) -> None:
    assert case["group"] in GROUPS, f"nobody runs the cases of group {case['group']!r}"
    found = GROUPS[case["group"]](world, case)
    assert differences(case["expect"], found) == [], case["why"]


def differences(expected: Any, found: Any, at: str = "") -> list[str]:
    """Where `found` lacks something of `expected`: objects are subsets, lists are exact in length."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return [f"{at}: expected an object, found {found!r}"]
        missing = [f"{at}.{key}: missing" for key in expected if key not in found]
        return missing + [
            line
            for key, value in expected.items()
            if key in found
            for line in differences(value, found[key], f"{at}.{key}")
        ]
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return [f"{at}: expected {expected!r}, found {found!r}"]
        pairs = zip(expected, found, strict=True)
        return [line for i, (one, other) in enumerate(pairs) for line in differences(one, other, f"{at}[{i}]")]
    if type(expected) is bool or type(found) is bool:
        same = expected is found
    else:
        same = expected == found or (_instant(expected) is not None and _instant(expected) == _instant(found))
    return [] if same else [f"{at}: expected {expected!r}, found {found!r}"]


def _instant(value: Any) -> datetime | None:
    """The instant a text names with its offset, or None: the same moment may be written in two zones."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None


def test_a_difference_is_found_wherever_it_is() -> None:
    """Without this, a runner that compares nothing would pass every case."""
    assert differences({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}], "d": 3}) == []
    assert differences({"at": "2026-06-22T18:20:00+03:00"}, {"at": "2026-06-22T15:20:00+00:00"}) == []
    for expected, found in [
        ({"a": 1}, {}),
        ({"a": 1}, {"a": 2}),
        ({"a": True}, {"a": 1}),
        ({"a": None}, {"a": 0}),
        ({"a": []}, {"a": [1]}),
        ([{"b": 1}], [{"c": 1}]),
        ({"at": "2026-06-22T18:20:00+03:00"}, {"at": "2026-06-22T18:20:00+00:00"}),
    ]:
        assert differences(expected, found) != []


@pytest.mark.parametrize(
    "case",
    [
        {"group": "sla", "row": {"ticket_id": "T1"}, "thresholds": {}},
        {"group": "window", "args": {"kind": "today", "zone": "UTC"}},
        {"group": "coverage", "args": {"kind": "today"}, "file_ts": None},
        {"group": "metrics", "rows": [], "args": {"kind": "today", "region": "x"}},
        {"group": "freshness", "args": {"muted": True}},
        {"group": "history", "runs": [{"at": "2026-06-25T12:00:00+03:00", "files": [], "crashes": True}]},
        {"group": "repeat", "rows": [], "days": 30, "radius": 1},
    ],
    ids=lambda case: case["group"],
)
def test_a_case_that_says_what_nobody_reads_is_refused(world: World, case: Mapping[str, Any]) -> None:
    """Ignored, the word would make the case pass for less than it says."""
    with pytest.raises(AssertionError, match="a key nobody reads"):
        GROUPS[case["group"]](world, {"now": "2026-06-25T12:00:00+03:00", **case})
