"""The read functions over HTTP, and the geocode review."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from feed import closed, ticket

from fleettickets import db
from fleettickets.datasets import FEED_COLUMNS

if TYPE_CHECKING:
    from apiserver import Api

    from fleettickets.db import Connection

AT = "2026-06-24T12:00:00%2B03:00"
AT_SQL = "'2026-06-24 12:00+03'"


@pytest.mark.parametrize(
    ("path", "function"),
    [
        (
            f"/webhook/inc-dashboard?window=month&cluster=KASARANI&now={AT}",
            f"fn_inc_dashboard('KASARANI', NULL, 'month', p_now => {AT_SQL})",
        ),
        (
            f"/webhook/inc-dashboard?from=2026-06-20&to=2026-06-24&now={AT}",
            f"fn_inc_dashboard(p_from => '2026-06-20 00:00+03', p_to => '2026-06-24 00:00+03', p_now => {AT_SQL})",
        ),
        (
            f"/api/backlog?from=2026-06-20&now={AT}",
            f"fn_backlog_daily('inc', '2026-06-20 00:00+03', p_now => {AT_SQL})",
        ),
        (f"/api/teams?window=week&now={AT}", f"fn_team_performance('week', p_now => {AT_SQL})"),
        (f"/api/quality?days=7&now={AT}", f"fn_data_quality({AT_SQL}, p_days => 7)"),
        (f"/api/outages?now={AT}", f"fn_outages({AT_SQL})"),
        (f"/api/tickets/B?now={AT}", f"fn_ticket('B', {AT_SQL})"),
        (f"/api/tickets/A?now={AT}&dataset=crq", f"fn_ticket('A', {AT_SQL}, 'crq')"),
        ("/api/runs?dataset=inc&limit=5", "fn_runs('inc', 5)"),
    ],
)
def test_the_answer_is_what_the_function_writes(shown: Api, path: str, function: str) -> None:
    with db.connect(shown.database_url) as connection:
        row = connection.execute(f"SELECT reporting.{function}::text".encode()).fetchone()
    found = shown.get(path)
    assert row is not None
    assert (found.status_code, found.text) == (200, row[0])
    assert shown.get(path, if_none_match=found.headers["etag"]).status_code == 304


def test_the_runs_are_paged(shown: Api) -> None:
    newest = shown.get("/api/runs?limit=1").json()
    older = shown.get(f"/api/runs?limit=1&before={newest['next_before']}").json()
    assert [newest["runs"][0]["dataset"], older["runs"][0]["dataset"]] == ["crq", "inc"]


def test_the_nearest_ticket_is_the_one_at_the_point(shown: Api) -> None:
    found = shown.get("/api/tickets/nearest?lon=36.891&lat=-1.221&k=2").json()["tickets"]
    assert {(one["dataset"], one["ticket_id"]) for one in found} == {("inc", "A"), ("crq", "Z")}


def test_without_scope_pii_no_function_tells_a_location_name(guarded: Api) -> None:
    secret = f"Bearer {guarded.token('read')}"
    for path in ("/api/tickets/B", "/webhook/inc-dashboard?window=month", "/api/quality", "/api/outages", "/api/teams"):
        found = guarded.get(path, authorization=secret)
        assert found.status_code == 200, path
        assert "FDT12" not in found.text, path
        assert "script" not in found.text, path


def test_no_read_tells_a_stranger_what_may_name_a_customer(filled: Api, drain: Any, connection: Connection) -> None:
    """Whatever GET is asked for, now or by a later version: location names and unknown columns need scope pii."""
    named = {"location_name": "WAMBUI_COURT", "customer_name": "WAMBUI", "latitude": "-1.2", "longitude": "36.8"}
    columns = [*FEED_COLUMNS, "customer_name"]
    drain("2026-06-22 12:00:00", [ticket("S", **named), closed("T", **named)], columns=columns)
    drain("2026-06-22 13:00:00", [ticket("S", owner="x", **named), ticket("", **named)], columns=[*columns, "extra"])
    connection.execute(
        "INSERT INTO tickets.geo_locations "
        "(location_name, cluster, decision_key, clean_kind, place, status, updated_at) "
        "VALUES ('WAMBUI_COURT', 'KASARANI', 'wambui court', 'place', 'WAMBUI COURT', 'no_match', now())"
    )
    stranger, trusted = ({"authorization": f"Bearer {filled.token(*scopes)}"} for scopes in (["read"], ["read", "pii"]))
    told = set()
    for path in reads(filled, trusted):
        assert b"WAMBUI" not in filled.client.get(path, headers=stranger).content.upper(), path
        if b"WAMBUI" in filled.client.get(path, headers=trusted).content.upper():
            told.add(path.partition("?")[0])
    assert told >= {
        "/webhook/tickets",
        "/webhook/inc-dashboard",
        "/api/tickets/S",
        "/api/export/open.csv",
        "/api/export/closed.csv",
        "/api/geocode/review",
        "/api/quarantine",
        "/ogc/collections/tickets/items",
    }


def reads(api: Api, headers: dict[str, str]) -> list[str]:
    """Every GET of our OpenAPI, about the ticket S and the days around it."""
    filled_in = {"layer": "tickets", "z": "0", "x": "0", "y": "0", "name": "tickets", "item": "S", "ending": "csv"}
    asked = {
        "/webhook/inc-dashboard": "from=2026-06-01&to=2026-07-01&now=2026-06-24",
        "/api/export/closed.csv": "from=2026-06-01&to=2026-07-01&now=2026-06-24",
        "/api/export/history.csv": "dataset=inc",
        "/api/tickets/nearest": "lon=36.8&lat=-1.2",
        "/api/dispatch/nearest": "lon=36.8&lat=-1.2",
        "/ogc/collections/tickets/items": "limit=1000",
    }
    found = []
    for path, methods in api.client.get("/api/openapi.json", headers=headers).json()["paths"].items():
        if "get" in methods and path != "/api/events":
            whole = re.sub(r"{(\w+)}", lambda hole: filled_in.get(hole[1], "S"), path)
            found.append(f"{whole}?{asked[whole]}" if whole in asked else whole)
    return [*found, "/webhook/tickets?since=1", "/webhook/tickets?now=2026-06-23T12:00", "/api/tickets/T"]


def test_a_review_moves_the_tickets_and_every_map_hears_of_it(filled: Api, connection: Connection) -> None:
    connection.execute(
        "INSERT INTO tickets.geo_locations "
        "(location_name, cluster, decision_key, clean_kind, place, status, updated_at) "
        "SELECT location_name, cluster, 'KEY', 'place', 'FDT12', 'no_match', now() "
        "FROM tickets.crq WHERE ticket_id = 'A'"
    )
    waiting = filled.get("/api/geocode/review").json()["queue"]
    assert [one["decision_key"] for one in waiting] == ["KEY"]
    verdict = {"cluster": "KASARANI", "decision_key": "KEY", "action": "move", "lon": 36.9, "lat": -1.22}
    done = filled.client.post("/api/geocode/review", json=verdict)
    assert (done.status_code, sum(done.json()["tickets_moved"].values()) > 0) == (200, True)
    filled.caught_up()
    moved = [
        one
        for one in json.loads(filled.map())["features"]
        if one["id"] == "A" and one["properties"]["dataset"] == "crq"
    ]
    assert moved[0]["geometry"]["coordinates"] == [36.9, -1.22]
    assert connection.execute("SELECT who FROM tickets.geo_decisions").fetchall() == [("local",)]
    assert filled.client.post("/api/geocode/review", json={**verdict, "action": "undo"}).status_code == 200
    refused = filled.client.post("/api/geocode/review", json={**verdict, "action": "undo"})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        ({"cluster": "NOWHERE", "decision_key": "x", "action": "accept"}, 409),
        ({"cluster": "NOWHERE", "action": "accept"}, 409),
        ({"cluster": "KASARANI", "action": "destroy"}, 400),
        ({"action": "accept"}, 400),
        ({"cluster": "KASARANI", "action": "move", "lon": 999, "lat": 0}, 400),
        ({"cluster": "KASARANI\u0000", "action": "accept"}, 400),
    ],
)
def test_a_decision_that_means_nothing_is_refused(shown: Api, verdict: dict[str, Any], status: int) -> None:
    assert shown.client.post("/api/geocode/review", json=verdict).status_code == status


def test_a_decision_needs_the_scope_review(guarded: Api) -> None:
    headers = {"authorization": f"Bearer {guarded.token('read', 'pii')}"}
    verdict = {"cluster": "KASARANI", "action": "accept"}
    assert guarded.client.post("/api/geocode/review", json=verdict, headers=headers).status_code == 403
