"""What the numbers hold whatever the tickets are: sums, states, evidence, policies, time travel, on a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from feed import closed, ticket
from hypothesis import given, settings
from hypothesis import strategies as st
from sla_cases import drain, forget_everything

from fleettickets.datasets import EAT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets.db import Connection
    from fleettickets.demo.stack import Stack

NOW = datetime(2026, 6, 25, 12, tzinfo=EAT)
RANK = {"on_track": 0, "at_risk": 1, "breached": 2}
SUM = """
    SELECT to_jsonb(sla) FROM tickets.sla_sum('inc', 'T', 'open', %s, %s, NULL, 'KASARANI', NULL, NULL, %s, %s) AS sla
"""
moments = st.none() | st.integers(0, 13 * 24 * 60).map(lambda n: NOW + timedelta(minutes=n - 10 * 24 * 60))


@pytest.fixture(scope="module")
def address(shared_connection: Connection, servers: Stack) -> Iterator[str]:
    """The address of the shared database, emptied at the end."""
    yield psycopg.conninfo.make_conninfo(servers.database_url or "", dbname=shared_connection.info.dbname)
    forget_everything(shared_connection)


def ask(connection: Connection, query: str, *parameters: Any) -> Any:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]


@settings(max_examples=60, deadline=None)
@given(created=moments, seen=moments, now=moments, content=moments)
def test_what_the_data_knows_is_never_worse_than_the_clock_and_unknown_is_never_on_track(
    shared_connection: Connection,
    created: datetime | None,
    seen: datetime | None,
    now: datetime | None,
    content: datetime | None,
) -> None:
    sla = ask(shared_connection, SUM, created, seen, now, content)
    if now is None:
        assert (sla["sla_state"], sla["hours_open"], sla["evidence"]) == (None, None, None)
        return
    if sla["opened_at"] is None:
        assert sla["sla_state"] == "unknown"
        return
    assert sla["age_bound"] == ("exact" if sla["sla_basis"] == "created_at_service" else "at_least")
    if content is None:
        assert sla["sla_state_known"] is None
    else:
        assert RANK[sla["sla_state_known"]] <= RANK[sla["sla_state"]]
    proven = sla["sla_state"] == sla["sla_state_known"]
    expected = {"on_track": None}.get(sla["sla_state"], "proven" if proven else "presumed")
    assert sla["evidence"] == expected


@settings(max_examples=40, deadline=None)
@given(
    created=st.integers(0, 120),
    hours=st.lists(st.tuples(st.integers(0, 150), st.integers(1, 40)), max_size=4),
    age=st.integers(0, 200),
)
def test_a_pause_freezes_the_clock_and_never_turns_it_back(
    shared_connection: Connection, created: int, hours: list[tuple[int, int]], age: int
) -> None:
    """Elapsed time never falls as the clock goes on, never exceeds the wall clock, and reaches the target at due_at."""
    begin = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(hours=created)
    pauses = "{" + ",".join(f'["{at(h)}","{at(h + n)}")' for h, n in hours) + "}"
    elapsed = "SELECT tickets.active_seconds(NULL, %s::tstzmultirange, %s, %s)::float"
    early = ask(shared_connection, elapsed, pauses, begin, begin + timedelta(hours=age))
    later = ask(shared_connection, elapsed, pauses, begin, begin + timedelta(hours=age + 7))
    assert 0 <= early <= later <= (age + 7) * 3600
    due = ask(shared_connection, "SELECT tickets.active_until(NULL, %s::tstzmultirange, %s, 172800)", pauses, begin)
    assert ask(shared_connection, elapsed, pauses, begin, due) == 172800


def at(hour: int) -> str:
    return (datetime(2026, 6, 1, tzinfo=UTC) + timedelta(hours=hour)).isoformat()


cells = st.fixed_dictionaries(
    {
        "cluster": st.sampled_from(["", "KASARANI", "RUAKA"]),
        "normalized_status": st.sampled_from(["", "ACCEPTED", "CLOSED COMPLETE"]),
        "assigned_team": st.sampled_from(["", "Team A"]),
        "owner": st.sampled_from(["", "Jane"]),
        "bucket": st.sampled_from(["", "pending", "closed"]),
        "is_actionable": st.sampled_from(["", "true", "false"]),
        "created_at_service": st.sampled_from(
            ["", "2026-06-24 10:00:00", "2026-06-23 01:00:00", "2026-06-30", "1970-01-01", "x"]
        ),
        "first_seen_at": st.sampled_from(["", "2026-06-22 10:00:00", "2026-06-25 11:00:00"]),
        "closed_at": st.sampled_from(["", "2026-06-25 08:00:00", "2026-06-24 23:59:59", "2026-06-27 10:00:00"]),
        "sla_status": st.sampled_from(["", "Within SLA", "BREACHED "]),
        "mttr": st.sampled_from(["", "1.5", "-1"]),
    }
)


@settings(max_examples=8, deadline=None)
@given(rows=st.lists(cells, max_size=12), window=st.sampled_from(["today", "week", "month"]))
def test_every_group_of_the_dashboard_adds_up_to_its_total(
    shared_connection: Connection, address: str, rows: list[dict[str, str]], window: str
) -> None:
    """Open, closed and inactive are all rows; SLA, ageing, status, cluster and team add up to open and to closed."""
    forget_everything(shared_connection)
    drain(address, NOW, [ticket(f"T{n}", **one) for n, one in enumerate(rows)] or [])
    metrics = ask(
        shared_connection,
        "SELECT (reporting.inc_dashboard_of("
        "NULL, NULL, NULL, bounds.starts_at, bounds.ends_at, %s, %s, 'known')).metrics "
        "FROM reporting.window_bounds(%s, NULL, NULL, %s) AS bounds",
        NOW, NOW, window, NOW,
    )  # fmt: skip
    for part in ("open", "closed"):
        for group in ("by_status", "by_cluster", "by_team", "by_team_source"):
            assert sum(metrics[group][part].values()) == metrics[part], (group, part)
    assert sum(metrics["open_sla"].values()) == sum(metrics["ageing"].values()) == metrics["open"]
    assert sum(metrics["closed_sla"].values()) == sum(metrics["closed_sla_derived"].values()) == metrics["closed"]
    assert sum(day["closed"] or 0 for day in metrics["daily"]) <= metrics["closed"]  # days to come show none
    assert metrics["mttr"]["n"] + metrics["mttr"]["missing"] == metrics["closed"]
    dated = ask(
        shared_connection,
        "SELECT count(*) FROM tickets.inc WHERE tickets.ticket_state(is_actionable, closed_at, bucket) = 'closed' "
        "AND closed_at IS NOT NULL",
    )
    assert metrics["open"] + metrics["inactive"] + metrics["closed_undated"] + dated == len(rows)
    assert metrics["open"] == ask(shared_connection, "SELECT count(*) FROM reporting.open_sla_at('inc', %s)", NOW)


@pytest.fixture
def two_days(shared_connection: Connection, address: str) -> Connection:
    """A is open on the 23rd and closed on the 24th; B opens on the 24th."""
    forget_everything(shared_connection)
    drain(address, datetime(2026, 6, 23, 12, tzinfo=EAT), [ticket("A", created_at_service="2026-06-22 08:00:00")])
    drain(
        address,
        datetime(2026, 6, 24, 12, tzinfo=EAT),
        [
            closed("A", "2026-06-24 07:00:00", created_at_service="2026-06-22 08:00:00"),
            ticket("B", created_at_service="2026-06-24 08:00:00"),
        ],
    )
    return shared_connection


def test_a_read_in_the_past_answers_as_known_then(two_days: Connection) -> None:
    past = datetime(2026, 6, 23, 18, tzinfo=EAT)
    for function in ("fn_tickets_for_map(p_now => %s)", "fn_inc_dashboard(p_now => %s) -> 'open'"):
        answer = ask(two_days, f"SELECT reporting.{function}", past)
        assert [feature["id"] for feature in answer["features"]] == ["A"]
    clocks = ask(two_days, "SELECT reporting.fn_inc_dashboard(p_now => %s) -> 'freshness'", past)
    assert clocks["file_ts"] == "2026-06-23T12:00:00+03:00"
    assert clocks["content_as_of"] == "2026-06-22T08:00:00+03:00"
    assert ask(two_days, "SELECT reporting.fn_ticket('A', %s) #>> '{sla,state}'", past) == "open"
    assert ask(two_days, "SELECT reporting.fn_ticket('B', %s)", past) is None


def test_what_happened_is_told_by_what_is_known_now(two_days: Connection) -> None:
    """A was closed at 07:00 of the 24th; at 09:00 nobody knew. B was open at 09:00; nobody knew that either."""
    at_nine = datetime(2026, 6, 24, 9, tzinfo=EAT)
    ids = (
        "SELECT jsonb_path_query_array("
        "(reporting.fn_tickets_for_map(p_now => %s, p_mode => %s))::jsonb, '$.features[*].id')"
    )
    assert ask(two_days, ids, at_nine, "known") == ["A"]
    assert ask(two_days, ids, at_nine, "happened") == ["B"]


@pytest.mark.parametrize("setting", ["timezone = 'America/New_York'", "datestyle = 'SQL, DMY'"])
def test_no_answer_depends_on_session_settings(two_days: Connection, setting: str) -> None:
    now = "2026-06-24T21:30:00+00:00"
    queries = [
        "SELECT reporting.fn_inc_dashboard(p_window => 'week', p_now => %s)::text",
        "SELECT reporting.fn_tickets_for_map(p_now => %s)::text",
        "SELECT reporting.fn_ticket('A', %s)::text",
        "SELECT reporting.fn_check_freshness('inc', %s)::text",
        "SELECT reporting.fn_team_performance(p_now => %s)::text",
        "SELECT reporting.fn_data_quality(%s)::text",
        "SELECT reporting.fn_outages(%s)::text",
    ]
    usual = [ask(two_days, query, now) for query in queries]
    with two_days.transaction(force_rollback=True):
        two_days.execute(f"SET LOCAL {setting}")
        assert [ask(two_days, query, now) for query in queries] == usual


def test_a_policy_change_leaves_old_closures_their_version(two_days: Connection) -> None:
    with two_days.transaction(force_rollback=True):
        two_days.execute(
            "INSERT INTO tickets.sla_policies "
            "(name, version, position, dataset, target_min, at_risk_min, effective_from) "
            "VALUES ('default', 2, 1000, 'inc', 60, 30, '2026-06-24 12:00+03')"
        )
        now = datetime(2026, 6, 24, 13, tzinfo=EAT)
        sums = "SELECT reporting.fn_ticket(%s, %s) -> 'sla'"
        assert ask(two_days, sums, "A", now)["policy_version"] == 1
        open_now = ask(two_days, sums, "B", now)
        assert (open_now["policy_version"], open_now["sla_state"]) == (2, "breached")


def test_an_alarm_is_told_once_until_it_changes_and_its_recovery_is_announced(two_days: Connection) -> None:
    noted = "SELECT change, cause, severity FROM tickets.note_alarms('inc', %s) WHERE cause = 'feed'"
    with two_days.transaction(force_rollback=True):
        told = [
            two_days.execute(noted, [datetime(2026, 6, 24, hour, tzinfo=EAT)]).fetchall()
            for hour in (13, 16, 17, 19, 12)
        ]
    assert told == [
        [],
        [("raised", "feed", "warn")],
        [],
        [("changed", "feed", "error")],
        [("recovered", "feed", "error")],
    ]


def test_an_accumulation_that_chance_does_not_explain_is_an_outage_and_a_busy_place_is_none(
    shared_connection: Connection, address: str
) -> None:
    forget_everything(shared_connection)
    busy = [
        ticket(
            f"B{day}-{n}",
            location_name="RUAKA_FDT1",
            cluster="RUAKA",
            created_at_service=f"2026-06-{day:02} {10 + n}:05:00",
        )
        for day in range(1, 25)
        for n in range(6)
    ]
    struck = [
        ticket(f"S{n}", location_name=name, created_at_service=f"2026-06-24 14:{n:02}:00")
        for n, name in enumerate(["X_FDT12", "X FDT-12", "X fdt 12", "X_FDT#012", "X_FDT12", "X_FDT12", "X_FDT12"])
    ]
    drain(address, NOW, busy + struck)
    answer = ask(shared_connection, "SELECT reporting.fn_outages(%s)", NOW)
    assert [(one["kind"], one["name"], one["tickets"]) for one in answer["outages"]] == [
        ("element", "KASARANI FDT12", 7)
    ]
    assert answer["outages"][0]["p"] < answer["p_limit"]


@pytest.mark.parametrize(
    ("events", "expected", "chance"), [(0, 2.0, 1.0), (1, 1.0, 0.6321206), (9, 0.5, 3.4e-9), (3, 0.0, 0.0)]
)
def test_the_tail_of_the_poisson_distribution(
    shared_connection: Connection, events: int, expected: float, chance: float
) -> None:
    found = ask(shared_connection, "SELECT reporting.poisson_tail(%s, %s)", events, expected)
    assert found == pytest.approx(chance, rel=0.02)


def test_forecasts_are_scored_when_the_truth_arrives(shared_connection: Connection, address: str) -> None:
    """Half of the tickets live 10 hours, half 100: one that is open at age 20 breaches for certain."""
    forget_everything(shared_connection)
    past = [
        closed(
            f"P{n}",
            f"2026-06-{10 + (4 if n % 2 else 0)} {18 if n % 2 == 0 else 12}:00:00",
            created_at_service="2026-06-10 08:00:00",
        )
        for n in range(40)
    ]
    born = "2026-06-24 08:00:00"
    drain(
        address,
        datetime(2026, 6, 25, 12, tzinfo=EAT),
        [*past, closed("Z", "2026-06-25 04:00:00"), ticket("T", created_at_service=born)],
    )
    row = shared_connection.execute(
        "SELECT p_breach, breached FROM tickets.breach_forecasts WHERE ticket_id = 'T'"
    ).fetchone()
    assert row is not None
    assert row[0] == pytest.approx(1.0)
    assert row[1] is None
    drain(address, datetime(2026, 6, 29, 12, tzinfo=EAT), [closed("T", "2026-06-28 12:00:00", created_at_service=born)])
    score = ask(shared_connection, "SELECT reporting.fn_forecast(%s) -> 'score'", datetime(2026, 6, 29, 12, tzinfo=EAT))
    assert (score["n"], score["brier"], score["is_small"]) == (1, 0.0, True)


@pytest.mark.parametrize(
    "call",
    [
        "fn_inc_dashboard(p_window => 'fortnight')",
        "fn_inc_dashboard(p_window => NULL)",
        "fn_inc_dashboard(p_window => 'custom')",
        "fn_inc_dashboard(p_from => 'infinity')",
        "fn_inc_dashboard(p_from => '2026-06-02', p_to => '2026-06-01')",
        "fn_inc_dashboard(p_anchor => 'moon')",
        "fn_inc_dashboard(p_mode => 'guessed')",
        "fn_tickets_for_map(p_mode => 'guessed')",
        "fn_data_quality(p_days => 0)",
        "fn_check_freshness('fault')",
        "eat_instant('June')",
    ],
)
def test_bad_input_is_an_error_that_says_so(shared_connection: Connection, call: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        shared_connection.execute(f"SELECT reporting.{call}")


def test_the_backlog_of_a_day_is_what_was_known_that_day(two_days: Connection) -> None:
    """A day with a file is replayed, a day before the first is reconstructed, and none is carried on."""
    answer = ask(two_days, "SELECT reporting.fn_backlog_daily(p_now => %s)", NOW)
    assert [(day["day"], day["open"], day["closed"]) for day in answer["days"]] == [
        ("2026-06-22", 1, 0),
        ("2026-06-23", 1, 0),
        ("2026-06-24", 1, 1),
    ]
    assert answer["days"][0]["method"] == "reconstructed"
