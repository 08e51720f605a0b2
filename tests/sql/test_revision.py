"""A dataset's revision, the features it renews and who hears of it, on a real database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from conftest import NOW
from feed import Shelf, closed, sheet, ticket

from fleettickets import db
from fleettickets.datasets import DATASETS
from fleettickets.pipeline import Order, ingest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fleettickets.db import Connection
    from fleettickets.report import RunReport

INC = DATASETS["inc"]


class _Nobody:
    def started(self, files: int) -> None: ...
    def rows(self, n: int) -> None: ...
    def settled(self) -> None: ...


def drain(database_url: str, when: str, rows: Sequence[Mapping[str, str]]) -> RunReport:
    """One export of INC through the engine."""
    shelf = Shelf()
    shelf.put(INC, when, sheet(rows))
    return ingest(Order(INC, "test", apply=True), shelf, lambda: db.connect(database_url), NOW, _Nobody())


def one(connection: Connection, query: str, *parameters: Any) -> Any:
    row = connection.execute(query, parameters or None).fetchone()
    return row[0] if row else None


def features_agree(connection: Connection) -> bool:
    """The kept features are those of the map function, byte for byte, in its order."""
    kept = one(
        connection,
        "SELECT coalesce(string_agg(feature, ', ' ORDER BY dataset DESC, ticket_id), '') FROM tickets.map_features",
    )
    whole = one(connection, "SELECT reporting.fn_tickets_for_map()::text")
    return bool(f'"features" : [{kept}], "summary"' in whole)


def test_a_file_that_changes_tickets_advances_its_dataset_once(connection: Connection, database_url: str) -> None:
    drain(database_url, "2026-06-22 10:00:00", [ticket("A"), ticket("B"), closed("C")])
    drain(database_url, "2026-06-22 11:00:00", [ticket("A", cluster="RUAKA"), closed("B"), closed("D")])
    found = connection.execute("SELECT dataset, revision FROM tickets.revisions ORDER BY 1").fetchall()
    assert found == [("crq", 0), ("inc", 2)]
    assert one(connection, "SELECT ticket_ids FROM tickets.revision_log WHERE revision = 2") == ["A", "B"]
    assert features_agree(connection)


def test_a_run_that_changes_nothing_advances_nothing(connection: Connection, database_url: str) -> None:
    rows = [ticket("A"), closed("B")]
    drain(database_url, "2026-06-22 10:00:00", rows)
    assert drain(database_url, "2026-06-22 11:00:00", rows).rows.unchanged == 2
    assert one(connection, "SELECT revision FROM tickets.revisions WHERE dataset = 'inc'") == 1


def test_a_ticket_that_turns_alarm_leaves_the_kept_features(connection: Connection, database_url: str) -> None:
    drain(database_url, "2026-06-22 10:00:00", [ticket("A"), ticket("B")])
    drain(database_url, "2026-06-22 11:00:00", [ticket("A", is_alarm="true")])
    assert connection.execute("SELECT ticket_id FROM tickets.map_features").fetchall() == [("B",)]
    assert features_agree(connection)


def test_hostile_text_is_kept_as_the_map_function_writes_it(connection: Connection, database_url: str) -> None:
    name = 'a"b\\c\n}}, {"type" : "Feature", "id" : "X'
    drain(database_url, "2026-06-22 10:00:00", [ticket("Ä'1", location_name=name), ticket("b", owner="\u2028\t☂")])
    assert features_agree(connection)


def test_listeners_hear_of_it_at_the_commit_and_of_a_rollback_never(connection: Connection, database_url: str) -> None:
    with db.connect(database_url) as listener:
        listener.execute("LISTEN fleettickets")
        with connection.transaction(force_rollback=True):
            connection.execute("SELECT tickets.advance_revision('inc')")
        connection.execute("SELECT tickets.advance_revision('crq')")
        heard = [notify.payload for notify in listener.notifies(timeout=5, stop_after=1)]
    assert heard == ["crq:1"]


def test_more_tickets_than_worth_naming_are_any_ticket(connection: Connection) -> None:
    connection.execute("SELECT tickets.advance_revision('inc', '{}')")
    connection.execute("SELECT tickets.advance_revision('inc', ARRAY(SELECT n::text FROM generate_series(1, 5001) n))")
    connection.execute("SELECT tickets.advance_revision('inc', '{}')")
    log = connection.execute("SELECT ticket_ids FROM tickets.revision_log ORDER BY revision").fetchall()
    assert log == [(None,), (None,), ([],)]


def test_the_log_keeps_the_newest_thousand(connection: Connection) -> None:
    connection.execute("SELECT tickets.advance_revision('inc', '{}') FROM generate_series(1, 1005)")
    bounds = connection.execute("SELECT min(revision), max(revision), count(*) FROM tickets.revision_log").fetchone()
    assert bounds == (6, 1005, 1000)


def test_an_unknown_dataset_is_an_error(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        connection.execute("SELECT tickets.advance_revision('abc')")
