"""Plans in the database: made from what is open, changed without surprises, committed once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.types.json import Jsonb

from fleettickets import db
from fleettickets.dispatch import audit, plans
from fleettickets.dispatch.day import Locks, Settings
from fleettickets.dispatch.document import document_of, instance_of, plan_of
from fleettickets.dispatch.model import Reason, Unassigned
from fleettickets.errors import ConflictError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Outcome

NOW = datetime(2026, 6, 25, 6, tzinfo=UTC)
"""09:00 East Africa Time: the shift has an hour behind it and eight to come."""
QUICK = Settings(iterations=100)


def ticket(
    connection: db.Connection, ticket_id: str, lat: float, lon: float, age_h: float = 20, source: str = "location"
) -> None:
    created = (NOW - timedelta(hours=age_h)).isoformat()
    connection.execute(
        "INSERT INTO tickets.inc (ticket_id, raw, geom, geo_source) "
        "SELECT %s, %s, public.st_setsrid(public.st_makepoint(%s, %s), 4326), %s",
        [ticket_id, Jsonb({"is_actionable": "true", "created_at_service": created}), lon, lat, source],
    )


def vehicle(connection: db.Connection, vehicle_id: str, lat: float, lon: float, at: datetime = NOW) -> None:
    fix = {"vehicle_id": vehicle_id, "lat": lat, "lon": lon, "fixed_at": at.isoformat()}
    connection.execute("SELECT dispatch.record_positions(%s, 'test', %s)", [Jsonb([fix]), NOW])


@pytest.fixture
def town(connection: db.Connection) -> db.Connection:
    """Two crews, six tickets near each of them."""
    vehicle(connection, "EAST", -1.28, 36.90)
    vehicle(connection, "WEST", -1.28, 36.70)
    for number in range(6):
        ticket(connection, f"E{number}", -1.28 + number / 500, 36.90 + number / 500, age_h=20 + number)
        ticket(connection, f"W{number}", -1.28 + number / 500, 36.70 + number / 500, age_h=20 + number)
    return connection


def test_a_plan_is_made_from_what_is_open_and_where_the_vehicles_are(town: db.Connection) -> None:
    made = plans.draft(town, QUICK, Locks(), NOW, "Wanjiku")
    routes = {route["vehicle_id"]: route for route in made.document["routes"]}
    assert {stop["ticket_id"][0] for stop in routes["EAST"]["stops"]} == {"E"}
    assert {stop["ticket_id"][0] for stop in routes["WEST"]["stops"]} == {"W"}
    assert made.document["summary"]["assigned"] == 12
    assert (made.state, made.created_by, made.revision) == ("draft", "Wanjiku", 1)
    assert audit.faults(instance_of(made.document), plan_of(made.document)) == []


def test_a_document_is_the_plan_again(town: db.Connection) -> None:
    made = plans.draft(town, QUICK, Locks(), NOW, "Wanjiku")
    again = document_of(instance_of(made.document), plan_of(made.document), NOW)
    assert again["routes"] == made.document["routes"]
    assert plan_of(again) == plan_of(made.document)


def test_a_route_bears_the_plate_and_two_of_one_plate_are_told_apart(town: db.Connection) -> None:
    town.execute("UPDATE dispatch.vehicle SET label = 'KDA 001A' WHERE vehicle_id = 'EAST'")
    made = plans.draft(town, QUICK, Locks(), NOW, "x")
    assert [route["label"] for route in made.document["routes"]] == ["KDA 001A", "WEST"]
    town.execute("UPDATE dispatch.vehicle SET label = 'kda-001a' WHERE vehicle_id = 'WEST'")
    twice = plans.draft(town, QUICK, Locks(), NOW, "x")
    assert [route["label"] for route in twice.document["routes"]] == ["KDA 001A (EAST)", "kda-001a (WEST)"]


def test_a_stale_vehicle_is_sent_nowhere(town: db.Connection) -> None:
    town.execute("DELETE FROM dispatch.vehicle_position")
    vehicle(town, "EAST", -1.28, 36.90, at=NOW - timedelta(days=1))
    made = plans.draft(town, QUICK, Locks(), NOW, "Wanjiku")
    assert made.document["summary"]["by_reason"] == {"stale_vehicle": 12}


def test_a_vehicle_in_the_sea_is_sent_nowhere_and_the_others_are(town: db.Connection) -> None:
    """A tracker that says so is wrong; where its vehicle is, nobody knows."""
    vehicle(town, "EAST", -5.5, 42.5, at=NOW + timedelta(minutes=1))
    made = plans.draft(town, QUICK, Locks(), NOW, "x")
    assert {route["vehicle_id"] for route in made.document["routes"] if route["stops"]} == {"WEST"}
    town.execute("DELETE FROM dispatch.vehicle WHERE vehicle_id = 'WEST'")
    made = plans.draft(town, QUICK, Locks(), NOW, "x")
    assert made.document["summary"]["by_reason"] == {"stale_vehicle": 12}


def test_more_tickets_than_a_plan_holds_are_refused_in_a_sentence(town: db.Connection) -> None:
    """Ten thousand are a plan, whatever time it takes; one more is a question to the dispatcher."""
    town.execute(
        "INSERT INTO tickets.inc (ticket_id, raw, geo_source) "
        "SELECT 'N' || n, '{\"is_actionable\": \"true\"}', 'none' FROM generate_series(1, 9988) AS n"
    )
    made = plans.draft(town, QUICK, Locks(), NOW, "x")
    assert made.document["summary"]["tickets"] == 10_000
    assert made.document["summary"]["by_reason"] == {"no_location": 9988}
    ticket(town, "ONE MORE", -1.28, 36.9)
    with pytest.raises(UsageError, match="10,001 open tickets are more than a plan holds"):
        plans.draft(town, QUICK, Locks(), NOW, "x")


def test_nobody_is_sent_to_the_middle_of_a_cluster_against_the_plans_will(town: db.Connection) -> None:
    ticket(town, "COARSE", -1.28, 36.9, source="cluster")
    made = plans.draft(town, replace(QUICK, allows_coarse=False), Locks(), NOW, "Wanjiku")
    assert [left["ticket_id"] for left in made.document["unassigned"]] == ["COARSE"]
    assert made.document["unassigned"][0]["reason"] == "coarse_location"


def test_an_uncertain_place_costs_time(town: db.Connection) -> None:
    ticket(town, "FED", -1.28, 36.9, source="feed")
    ticket(town, "COARSE", -1.28, 36.9, source="cluster")
    jobs = {
        job.ticket_id: job.service_s for job in instance_of(plans.draft(town, QUICK, Locks(), NOW, "x").document).jobs
    }
    assert (jobs["FED"], jobs["E0"], jobs["COARSE"]) == (45 * 60, 50 * 60, 65 * 60)


def test_what_if_a_vehicle_were_away_or_there_were_one_more(town: db.Connection) -> None:
    without = plans.draft(town, replace(QUICK, without_vehicles=("WEST",)), Locks(), NOW, "x")
    more = plans.draft(town, replace(QUICK, with_vehicles=1), Locks(), NOW, "x")
    longer = plans.draft(town, replace(QUICK, without_vehicles=("WEST",), longer_shift_minutes=180), Locks(), NOW, "x")
    assert without.document["summary"]["assigned"] < longer.document["summary"]["assigned"]
    assert [route["vehicle_id"] for route in more.document["routes"]] == ["EAST", "WEST", "(one more 1)"]
    assert plans.compare(without, longer).removed == ()


def test_an_urgent_ticket_goes_in_and_the_revision_moves(town: db.Connection) -> None:
    made = plans.draft(town, QUICK, Locks(), NOW, "x")
    ticket(town, "URGENT", -1.281, 36.901, age_h=46)
    changed = plans.insert(town, made, "URGENT", 1)
    assert isinstance(changed, plans.Stored)
    assert changed.revision == 2
    change = plans.compare(made, changed)
    assert (change.added, change.moved, change.reordered, change.removed) == (("URGENT",), (), (), ())


def test_an_urgent_ticket_that_cannot_be_saved_is_taken_all_the_same(town: db.Connection) -> None:
    """Late beats never."""
    made = plans.draft(town, QUICK, Locks(), NOW, "x")
    ticket(town, "LATE", -1.281, 36.901, age_h=47.9)
    changed = plans.insert(town, made, "LATE", 1)
    assert isinstance(changed, plans.Stored)
    (stop,) = [one for route in changed.document["routes"] for one in route["stops"] if one["ticket_id"] == "LATE"]
    assert stop["is_on_time"] is False


def test_an_urgent_ticket_that_fits_nowhere_says_what_is_in_its_place(town: db.Connection) -> None:
    town.execute("UPDATE dispatch.vehicle SET capacity = 6")
    made = plans.draft(town, QUICK, Locks(), NOW, "x")
    ticket(town, "URGENT", -1.281, 36.901, age_h=46)
    left = plans.insert(town, made, "URGENT", 1)
    assert isinstance(left, Unassigned)
    assert (left.reason, left.best_vehicle) == (Reason.OUTRANKED, "EAST")
    assert set(left.by) <= {f"E{number}" for number in range(6)}
    assert len(left.by) == 1


def test_locks_hold_and_say_how_many_tickets_a_fresh_plan_would_move(town: db.Connection) -> None:
    made = plans.draft(town, QUICK, Locks(), NOW, "x")
    locks = Locks(pinned={"E0": "WEST"}, first={"WEST": ("W5",)})
    changed, would_move, _ = plans.relock(town, made, locks, 1, most_moved=12)
    assert would_move is not None
    routes = {
        route["vehicle_id"]: [stop["ticket_id"] for stop in route["stops"]] for route in changed.document["routes"]
    }
    assert routes["WEST"][0] == "W5"
    assert "E0" in routes["WEST"]
    assert would_move >= 1
    assert plans.load(town, made.plan_id).locks == locks


@pytest.mark.parametrize(
    ("locks", "message"),
    [
        (Locks(pinned={"GONE": "EAST"}), "not open"),
        (Locks(pinned={"E0": "NOBODY"}), "not among the active vehicles"),
        (Locks(first={"NOBODY": ("E0",)}), "not among the active vehicles"),
    ],
)
def test_a_lock_on_what_is_not_there_is_refused(town: db.Connection, locks: Locks, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plans.draft(town, QUICK, locks, NOW, "x")


def test_of_two_dispatchers_committing_at_once_one_is_told(town: db.Connection, database_url: str) -> None:
    """Both made their drafts from the same state; the second has to look at the first one's plan."""
    one, two = (plans.draft(town, QUICK, Locks(), NOW, name) for name in ("Wanjiku", "Otieno"))
    with db.connect(database_url) as other:
        assert plans.commit(other, one, 1, "Wanjiku", NOW) == []
    with pytest.raises(ConflictError, match=f"plan {one.plan_id} was committed after"):
        plans.commit(town, two, 1, "Otieno", NOW)
    assert plans.load(town).plan_id == one.plan_id


def test_an_older_revision_changes_nothing(town: db.Connection) -> None:
    made = plans.draft(town, QUICK, Locks(), NOW, "x")
    plans.relock(town, made, Locks(pinned={"E0": "EAST"}), 1, most_moved=99)
    fresh = plans.load(town, made.plan_id)
    with pytest.raises(ConflictError, match="revision 2, not 1"):
        plans.relock(town, fresh, Locks(), 1, most_moved=99)
    with pytest.raises(ConflictError, match="revision 2, not 1"):
        plans.commit(town, fresh, 1, "x", NOW)


def test_a_ticket_that_closes_while_it_is_planned_is_left_out_and_named(town: db.Connection) -> None:
    made = plans.draft(town, QUICK, Locks(), NOW, "x")
    town.execute("UPDATE tickets.inc SET raw = raw || '{\"is_actionable\": \"false\"}' WHERE ticket_id = 'E3'")
    assert plans.commit(town, made, 1, "x", NOW) == ["E3"]
    states: dict[str, str] = dict(town.execute("SELECT ticket_id, state FROM dispatch.assignment").fetchall())
    assert states.pop("E3") == "closed_before"
    assert set(states.values()) == {"planned"}


def test_a_new_plan_supersedes_the_committed_one(town: db.Connection) -> None:
    first = plans.draft(town, QUICK, Locks(), NOW, "x")
    plans.commit(town, first, 1, "x", NOW)
    second = plans.draft(town, QUICK, Locks(), NOW, "x")
    assert second.based_on == first.plan_id
    plans.commit(town, second, 1, "x", NOW)
    assert [plans.load(town, one.plan_id).state for one in (first, second)] == ["superseded", "committed"]


def test_a_plan_for_nothing_and_for_nobody_is_a_plan(connection: db.Connection) -> None:
    assert plans.draft(connection, QUICK, Locks(), NOW, "x").document["summary"]["assigned"] == 0
    ticket(connection, "T", -1.28, 36.8)
    assert plans.draft(connection, QUICK, Locks(), NOW, "x").document["summary"]["by_reason"] == {"skill": 1}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"datasets": ["abc"]}, "choose of"),
        ({"datasets": []}, "choose of"),
        ({"horizon_hours": -1}, "horizon_hours"),
        ({"with_vehicles": 10_000}, "with_vehicles"),
        ({"with_vehicles": 1}, "no vehicle with a fresh position"),
        ({"speed": 3}, "unknown setting speed"),
        ({"iterations": "many"}, "wrong type"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    connection: db.Connection, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        plans.draft(connection, Settings.of(values), Locks(), NOW, "x")


def test_the_dispatchers_day_on_the_command_line(town: db.Connection, shell: Callable[..., Outcome]) -> None:
    """Plan, question, insert, commit; dry runs keep nothing."""
    now = ("--now", NOW.isoformat())
    dry = shell("fleettickets", "dispatch", "plan", "--iterations", "50", *now)
    assert (dry.exit_code, "not kept" in dry.out) == (0, True), dry.err
    assert town.execute("SELECT count(*) FROM dispatch.plan").fetchone() == (0,)
    kept = shell("fleettickets", "dispatch", "plan", "--iterations", "50", "--apply", *now)
    assert "12 assigned to 2 vehicles" in kept.out
    (number,) = town.execute("SELECT plan_id FROM dispatch.plan").fetchone() or (0,)
    explained = shell("fleettickets", "dispatch", "explain", "E0")
    assert "of EAST" in explained.out
    ticket(town, "URGENT", -1.281, 36.901, age_h=46)
    assert shell("fleettickets", "dispatch", "insert", "URGENT", "--apply", *now).exit_code == 0
    committed = shell("fleettickets", "dispatch", "commit", str(number), "--apply", *now)
    assert (committed.exit_code, "is committed" in committed.out) == (0, True), committed.err
    again = shell("fleettickets", "dispatch", "commit", str(number), "--apply", *now)
    assert (again.exit_code, "make a new draft" in again.err) == (5, True)
    near = shell("fleettickets", "dispatch", "nearest", "E0", *now)
    assert near.out.startswith("EAST")
    assert shell("fleettickets", "dispatch", "nearest", "NOTHING").exit_code == 2
    assert shell("fleettickets", "dispatch", "explain", "NOTHING").exit_code == 2


def test_a_database_without_our_schema_is_said_in_a_sentence(
    shell: Callable[..., Outcome], empty_database_url: str
) -> None:
    for words in (("plan",), ("nearest", "INC-1"), ("commit", "1"), ("positions", "view")):
        found = shell("fleettickets", "dispatch", *words, env={"DATABASE_URL": empty_database_url})
        assert found.exit_code == 2, found.err
        assert "run fleettickets migrate" in found.err or "FLEETTICKETS_POSITIONS_VIEW" in found.err
