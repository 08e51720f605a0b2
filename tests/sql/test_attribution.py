"""Who closed what, as the tracks tell: stays, the weight of the evidence, and silence where there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets import db

NOON = datetime(2026, 6, 25, 9, tzinfo=UTC)
HOME = (-1.28, 36.82)
DEGREE_M = 111_195.0


@pytest.fixture
def rolled_back(shared_connection: db.Connection) -> Iterator[db.Connection]:
    with shared_connection.transaction(force_rollback=True):
        yield shared_connection


def drive(
    connection: db.Connection, vehicle: str, *stops: tuple[float, float, float, float], team: str | None = None
) -> None:
    """Fixes every two minutes at each (from minute, to minute, metres north, metres east) of HOME; away in between."""
    fixes: list[dict[str, Any]] = []

    def fix(minute: float, lat: float, lon: float) -> None:
        at = (NOON + timedelta(minutes=minute)).isoformat()
        fixes.append({"vehicle_id": vehicle, "lat": lat, "lon": lon, "fixed_at": at})

    for begin, end, north, east in stops:
        fix(begin - 6, HOME[0] + 0.3, HOME[1] + 0.3)
        for step in range(int((end - begin) // 2) + 1):
            fix(begin + 2 * step, HOME[0] + north / DEGREE_M, HOME[1] + east / DEGREE_M)
        fix(end + 6, HOME[0] + 0.3, HOME[1] - 0.3)
    connection.execute("SELECT dispatch.record_positions(%s, 'test', %s)", [Jsonb(fixes), NOON + timedelta(days=1)])
    connection.execute("UPDATE dispatch.vehicle SET team = %s WHERE vehicle_id = %s", [team, vehicle])


def close(
    connection: db.Connection, ticket: str, minute: float = 0, source: str = "feed", team: str | None = None
) -> None:
    at = NOON + timedelta(minutes=minute)
    connection.execute(
        "INSERT INTO tickets.inc (ticket_id, raw, geom, geo_source) "
        "VALUES (%s, '{}', public.st_setsrid(public.st_makepoint(%s, %s), 4326), %s)",
        [ticket, HOME[1], HOME[0], source],
    )
    connection.execute(
        "INSERT INTO tickets.closure_events (dataset, ticket_id, seq, kind, closed_at, observed_at, team) "
        "VALUES ('inc', %s, 1, 'observed', %s, %s, %s)",
        [ticket, at, at, team],
    )


def score(connection: db.Connection) -> dict[str, tuple[str, str | None]]:
    window = [NOON - timedelta(days=1), NOON + timedelta(days=1)]
    connection.execute("SELECT dispatch.find_stays(%s, %s)", window)
    connection.execute("SELECT dispatch.score_closures(%s, %s)", window)
    rows = connection.execute("SELECT ticket_id, verdict, vehicle_id FROM dispatch.attribution").fetchall()
    return {ticket: (verdict, vehicle) for ticket, verdict, vehicle in rows}


def test_a_stay_is_five_minutes_without_leaving(rolled_back: db.Connection) -> None:
    drive(rolled_back, "V", (-60, -20, 0, 0), (0, 3, 0, 0))
    rolled_back.execute("SELECT dispatch.find_stays(%s, %s)", [NOON - timedelta(days=1), NOON + timedelta(days=1)])
    found = rolled_back.execute("SELECT began_at, ended_at, fixes FROM dispatch.stay").fetchall()
    assert found == [(NOON - timedelta(minutes=60), NOON - timedelta(minutes=20), 21)]


def test_stays_are_the_same_found_at_once_or_hour_by_hour(rolled_back: db.Connection) -> None:
    drive(rolled_back, "V", (-300, -200, 0, 0), (-90, 10, 500, 0), (60, 100, 0, 900))
    query = "SELECT vehicle_id, began_at, ended_at, fixes FROM dispatch.stay ORDER BY began_at"
    rolled_back.execute("SELECT dispatch.find_stays(%s, %s)", [NOON - timedelta(hours=8), NOON + timedelta(hours=8)])
    at_once = rolled_back.execute(query).fetchall()
    for hour in range(-8, 8):
        begin = NOON + timedelta(hours=hour)
        rolled_back.execute("SELECT dispatch.find_stays(%s, %s)", [begin, begin + timedelta(hours=1)])
    assert rolled_back.execute(query).fetchall() == at_once
    assert len(at_once) == 3


def test_the_crew_that_was_there_when_it_closed_closed_it(rolled_back: db.Connection) -> None:
    drive(rolled_back, "THERE", (-50, -5, 30, 20))
    drive(rolled_back, "NEARBY", (-50, -5, 400, 0))
    close(rolled_back, "T")
    assert score(rolled_back) == {"T": ("attributed", "THERE")}


def test_a_crew_that_is_still_there_may_have_closed_it(rolled_back: db.Connection) -> None:
    drive(rolled_back, "THERE", (-40, 20, 30, 20))
    close(rolled_back, "T")
    assert score(rolled_back) == {"T": ("attributed", "THERE")}


@pytest.mark.parametrize(
    "stop",
    [
        (10, 60, 0, 0),  # it came after the closing
        (-400, -300, 0, 0),  # it left five hours before
        (-50, -5, 3000, 0),  # it was three kilometres away
    ],
)
def test_a_visit_that_explains_nothing_is_not_made_to(
    rolled_back: db.Connection, stop: tuple[int, int, int, int]
) -> None:
    drive(rolled_back, "ELSEWHERE", (-600, -590, 9000, 0), (600, 610, 9000, 0))
    drive(rolled_back, "V", stop)
    close(rolled_back, "T")
    assert score(rolled_back) == {"T": ("unattributed", None)}


def test_two_crews_at_one_place_are_told_apart_by_their_team_or_not_at_all(rolled_back: db.Connection) -> None:
    drive(rolled_back, "A", (-50, -5, 30, 0), team="Team A")
    drive(rolled_back, "B", (-50, -5, 0, 30), team="Team B")
    close(rolled_back, "OURS", team="team a ")
    close(rolled_back, "NOBODYS")
    found = score(rolled_back)
    assert found["OURS"] == ("attributed", "A")
    assert found["NOBODYS"][0] == "unattributed"
    runner_up = rolled_back.execute("SELECT runner_up, runner_up_p FROM dispatch.attribution WHERE ticket_id = 'OURS'")
    ((other, p),) = runner_up.fetchall()
    assert (other, 0 < p < 0.5) == ("B", True)


def test_a_place_known_only_by_its_cluster_proves_less(rolled_back: db.Connection) -> None:
    """The same visit: certain at a fed point, never certain at a cluster's middle."""
    drive(rolled_back, "V", (-50, -5, 60, 0))
    for source in ("feed", "location", "cluster"):
        close(rolled_back, source, source=source)
    found = {ticket: verdict for ticket, (verdict, _) in score(rolled_back).items()}
    assert found["feed"] == "attributed"
    assert found["cluster"] != "attributed"
    p: dict[str, float] = dict(rolled_back.execute("SELECT ticket_id, p FROM dispatch.attribution").fetchall())
    assert p["feed"] > p["location"] > p["cluster"]


def test_without_tracks_nobody_is_judged(rolled_back: db.Connection) -> None:
    close(rolled_back, "T")
    assert score(rolled_back) == {"T": ("no_track", None)}


def test_scoring_again_changes_nothing(rolled_back: db.Connection) -> None:
    drive(rolled_back, "V", (-50, -5, 30, 20))
    close(rolled_back, "T")
    first = score(rolled_back)
    assert score(rolled_back) == first
    assert rolled_back.execute("SELECT count(*) FROM dispatch.attribution").fetchone() == (1,)


def test_assigned_stands_beside_observed_and_coverage_is_always_told(rolled_back: db.Connection) -> None:
    drive(rolled_back, "V", (-50, -5, 30, 20), team="Team A")
    close(rolled_back, "T", team="Team A")
    close(rolled_back, "FAR", minute=-700, team="Team B")
    score(rolled_back)
    (told,) = rolled_back.execute(
        "SELECT dispatch.fn_attribution(%s, %s)", [NOON - timedelta(days=1), NOON + timedelta(days=1)]
    ).fetchone() or ({},)
    coverage = told["coverage"]
    assert coverage["closures"] == 2
    assert sum(n for name, n in coverage.items() if name != "closures") == 2
    teams = {team["team"]: team for team in told["teams"]}
    assert (teams["Team A"]["assigned"], teams["Team A"]["attributed"], teams["Team A"]["agree"]) == (1, 1, 1)
    assert (teams["Team B"]["assigned"], teams["Team B"]["attributed"]) == (1, 0)
    assert 0 < teams["Team A"]["utilisation"] < 1


def test_a_fault_that_comes_back_counts_against_the_crew_that_closed_last_there(rolled_back: db.Connection) -> None:
    """Within 7 and 30 days; the place is the same however it is written, the crew too."""
    closed = NOON - timedelta(hours=1)
    for ticket, team, place, at in (
        ("FIRST", "Team A", "Ruaka Heights", closed - timedelta(days=2)),
        ("LAST", "team b ", "RUAKA_HEIGHTS", closed),
        ("OTHER", "Team B", "Kasarani", closed),
    ):
        close(rolled_back, ticket, minute=(at - NOON).total_seconds() / 60, team=team)
        told = {"is_actionable": "false", "bucket": "closed", "location_name": place, "closed_at": at.isoformat()}
        rolled_back.execute("UPDATE tickets.inc SET raw = %s WHERE ticket_id = %s", [Jsonb(told), ticket])
    for ticket, days in (("SOON", 3), ("LATER", 20), ("TOO LATE", 31)):
        created = (closed + timedelta(days=days)).isoformat()
        told = {"is_actionable": "true", "location_name": " ruaka  heights", "created_at_service": created}
        rolled_back.execute("INSERT INTO tickets.inc (ticket_id, raw) VALUES (%s, %s)", [ticket, Jsonb(told)])
    (told,) = rolled_back.execute(
        "SELECT dispatch.fn_attribution(%s, %s, 'inc', %s)",
        [NOON - timedelta(days=5), NOON, NOON + timedelta(days=40)],
    ).fetchone() or ({},)
    found = {team["team"].strip().lower(): (team["repeats_7d"], team["repeats_30d"]) for team in told["teams"]}
    assert found == {"team a": (0, 0), "team b": (1, 1)}
