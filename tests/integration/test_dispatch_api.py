"""Dispatch over HTTP: a real server, tokens with scopes, two dispatchers at once, trackers that push."""

from __future__ import annotations

import base64
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from apiserver import serving
from psycopg.types.json import Jsonb

from fleettickets.api.tokens import digest, new_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx
    from conftest import Outcome

    from fleettickets import db

NOW = datetime(2026, 6, 25, 6, tzinfo=UTC)
QUICK = {"settings": {"iterations": 50}, "now": NOW.isoformat()}
GPX = "{http://www.topografix.com/GPX/1/1}"


@pytest.fixture
def town(connection: db.Connection) -> db.Connection:
    """Two crews, four tickets near each of them, and one ticket that nobody can place."""
    for name, lon in (("EAST", 36.90), ("WEST", 36.70)):
        fix = {"vehicle_id": name, "lat": -1.28, "lon": lon, "fixed_at": NOW.isoformat()}
        connection.execute("SELECT dispatch.record_positions(%s, 'test', %s)", [Jsonb([fix]), NOW])
        for number in range(4):
            ticket(connection, f"{name[0]}{number}", -1.28 + number / 500, lon)
    connection.execute(
        "INSERT INTO tickets.inc (ticket_id, raw) VALUES ('LOST', '{\"is_actionable\": \"true\"}')",
    )
    for dataset in ("inc", "crq"):
        connection.execute("SELECT tickets.advance_revision(%s)", [dataset])
    return connection


@pytest.fixture
def client(town: db.Connection, database_url: str) -> Iterator[httpx.Client]:  # noqa: ARG001  # the town is served
    """A client of a server without tokens, on loopback."""
    with serving(database_url) as api:
        yield api.client


def ticket(connection: db.Connection, ticket_id: str, lat: float, lon: float, age_h: float = 20) -> None:
    raw = {
        "is_actionable": "true",
        "created_at_service": (NOW - timedelta(hours=age_h)).isoformat(),
        "location_name": "MUTHONI HOUSE 7",
    }
    connection.execute(
        "INSERT INTO tickets.inc (ticket_id, raw, geom, geo_source) "
        "SELECT %s, %s, public.st_setsrid(public.st_makepoint(%s, %s), 4326), 'location'",
        [ticket_id, Jsonb(raw), lon, lat],
    )


def token(connection: db.Connection, *scopes: str) -> dict[str, str]:
    secret = new_secret()
    connection.execute(
        "INSERT INTO tickets.api_tokens (name, secret_sha256, scopes) VALUES (%s, %s, %s)",
        ["-".join(scopes), digest(secret), list(scopes)],
    )
    return {"authorization": f"Bearer {secret}"}


def drafted(client: httpx.Client, **more: Any) -> dict[str, Any]:
    answer = client.post("/api/dispatch/plans", json={**QUICK, **more})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/dispatch/plans/{answer.json()['plan_id']}"
    plan: dict[str, Any] = answer.json()
    return plan


def orders(plan: dict[str, Any]) -> dict[str, list[str]]:
    return {route["vehicle_id"]: [stop["ticket_id"] for stop in route["stops"]] for route in plan["routes"]}


def test_a_dispatchers_day_over_http(client: httpx.Client, town: db.Connection) -> None:
    """Draft, lock, insert, compare, commit; the map's readers hear of the commit."""
    first = drafted(client)
    assert {name: sorted(ids) for name, ids in orders(first).items()} == {
        "EAST": ["E0", "E1", "E2", "E3"],
        "WEST": ["W0", "W1", "W2", "W3"],
    }
    assert [(left["ticket_id"], left["reason"]) for left in first["unassigned"]] == [("LOST", "no_location")]
    path = f"/api/dispatch/plans/{first['plan_id']}"
    locks = {"pinned": {"E0": "WEST"}, "first": {"WEST": ["W3"]}}
    changed = client.patch(path, json={"revision": 1, "locks": locks, "most_moved": 9}).json()
    assert orders(changed)["WEST"][0] == "W3"
    assert "E0" in orders(changed)["WEST"]
    assert (changed["revision"], changed["locks"]) == (2, locks)
    ticket(town, "URGENT", -1.279, 36.901, age_h=40)
    inserted = client.post(f"{path}/insert", json={"revision": 2, "ticket_id": "URGENT"}).json()
    assert inserted["inserted"]
    assert [one for one in orders(inserted["plan"])["EAST"] if one != "URGENT"] == orders(changed)["EAST"]
    second = drafted(client)
    change = client.get(f"{path}/diff", params={"to": second["plan_id"]}).json()
    assert ["E0", "WEST", "EAST"] in change["moved"]
    before = client.get("/api/freshness").json()["rev"]
    committed = client.post(f"{path}/commit", json={"revision": 3}).json()
    assert (committed["plan"]["state"], committed["closed_before"]) == ("committed", [])
    assert client.get("/api/dispatch/plans/current").json()["plan_id"] == first["plan_id"]
    assert town.execute("SELECT sum(revision) FROM tickets.revisions").fetchone() == (before + 1,)
    (told,) = (
        town.execute("SELECT ticket_ids FROM tickets.revision_log ORDER BY advanced_at DESC LIMIT 1").fetchone() or ()
    )
    assert set(told) == {stop for ids in orders(committed["plan"]).values() for stop in ids}
    vehicles = client.get("/api/dispatch/vehicles", params={"now": NOW.isoformat()}).json()["vehicles"]
    assert [(one["vehicle_id"], one["obstacle"], one["next_ticket"]) for one in vehicles] == [
        (name, None, orders(committed["plan"])[name][0]) for name in ("EAST", "WEST")
    ]


def test_who_is_second_gets_a_conflict(client: httpx.Client) -> None:
    one, two = drafted(client), drafted(client)
    first = client.post(f"/api/dispatch/plans/{one['plan_id']}/commit", json={"revision": 1})
    second = client.post(f"/api/dispatch/plans/{two['plan_id']}/commit", json={"revision": 1})
    assert first.status_code == 200
    assert (second.status_code, second.json()["code"]) == (409, "conflict")
    assert "was committed after" in second.json()["detail"]
    stale = client.patch(f"/api/dispatch/plans/{two['plan_id']}", json={"revision": 7, "locks": {}})
    assert (stale.status_code, stale.json()["code"]) == (409, "conflict")


def test_a_plan_stands_beside_the_habit_of_today(client: httpx.Client) -> None:
    """What nearest-first would do with the same day, and for each stop what it rests on."""
    plan = drafted(client)
    summary, habit = plan["summary"], plan["summary"]["nearest_first"]
    assert summary["assigned"] == habit["assigned"] == 8
    assert summary["distance_m"] <= habit["distance_m"]
    assert (summary["late"], summary["late_served"]) == (0, 0)
    for route in plan["routes"]:
        left_at = NOW
        margins = [stop["arrival_margin_s"] for stop in route["stops"]]
        assert margins == sorted(margins)
        for stop in route["stops"]:
            arrives, ends = (datetime.fromisoformat(stop[name]) for name in ("arrives_at", "finishes_at"))
            assert (arrives - left_at).total_seconds() == stop["travel_s"]
            assert (ends - arrives).total_seconds() == stop["service_s"]
            assert (stop["tier"], stop["p_still_open"]) == ("routine", 1.0)
            left_at = ends


def test_a_new_draft_goes_on_from_the_committed_plan_and_moves_nobody(
    client: httpx.Client, town: db.Connection
) -> None:
    """What closed leaves, what is new fills in, every other ticket stays with its crew; locks on what is gone fall."""
    locks = {"pinned": {"E0": "WEST", "E1": "WEST"}, "first": {"EAST": ["E2", "E3"]}}
    first = drafted(client, locks=locks)
    client.post(f"/api/dispatch/plans/{first['plan_id']}/commit", json={"revision": 1})
    town.execute(
        "UPDATE tickets.inc SET raw = raw || '{\"is_actionable\": \"false\"}' WHERE ticket_id IN ('E1', 'E2', 'W1')"
    )
    ticket(town, "NEW", -1.279, 36.901)
    body = {"from_plan": first["plan_id"], "now": NOW.isoformat()}
    answer = client.post("/api/dispatch/plans", json=body)
    assert answer.status_code == 201, answer.text
    second = answer.json()
    assert (second["state"], second["based_on"]) == ("draft", first["plan_id"])
    assert second["locks"] == {"pinned": {"E0": "WEST"}, "first": {"EAST": ["E3"]}}
    change = client.get(f"/api/dispatch/plans/{first['plan_id']}/diff", params={"to": second["plan_id"]}).json()
    assert (change["added"], change["removed"], change["moved"]) == (["NEW"], ["E1", "E2", "W1"], [])
    both = client.post("/api/dispatch/plans", json={**body, "settings": {}})
    assert both.status_code == 400


def test_a_what_if_leaves_nothing_behind(client: httpx.Client) -> None:
    """One crew away: the answer is a plan, and no plan is kept."""
    away = {"without_vehicles": ["WEST"], "iterations": 0}
    answer = client.post("/api/dispatch/plans", json={"settings": away, "now": NOW.isoformat(), "keep": False})
    assert answer.status_code == 200
    assert answer.json()["plan_id"] is None
    assert [route["vehicle_id"] for route in answer.json()["routes"]] == ["EAST"]
    assert client.get("/api/dispatch/plans").json()["plans"] == []


def test_a_lock_without_a_fresh_plan_moves_only_what_it_names(client: httpx.Client) -> None:
    """Null instead of a bound: no search, no offer. With a bound: what a fresh plan would do."""
    made = drafted(client)
    path = f"/api/dispatch/plans/{made['plan_id']}"
    locks = {"pinned": {"E0": "WEST"}, "first": {}}
    changed = client.patch(path, json={"revision": 1, "locks": locks, "most_moved": None}).json()
    assert (changed["would_move"], changed["fresh"]) == (None, None)
    assert sorted(orders(changed)["WEST"]) == ["E0", "W0", "W1", "W2", "W3"]
    assert [one for one in orders(made)["EAST"] if one != "E0"] == orders(changed)["EAST"]
    free = client.patch(path, json={"revision": 2, "locks": {}, "most_moved": 0}).json()
    assert free["would_move"] == 1
    assert orders(free) == orders(changed)
    assert free["fresh"]["distance_m"] < free["summary"]["distance_m"]


WRONG: Any = [
    ("GET", "/api/dispatch/plans/77", None, 404),
    ("GET", "/api/dispatch/plans/77/export.gpx", None, 404),
    ("GET", "/api/dispatch/plans/0", None, 400),
    ("GET", "/api/dispatch/plans/current", None, 404),
    ("POST", "/api/dispatch/plans/77/commit", {"revision": 1}, 404),
    ("PATCH", "/api/dispatch/plans/77", {"revision": 1, "locks": {}}, 404),
    ("POST", "/api/dispatch/plans", {"settings": {"speed": 1}}, 400),
    ("POST", "/api/dispatch/plans", {"settings": {"iterations": 10**9}}, 400),
    ("POST", "/api/dispatch/plans", {"locks": {"pinned": {"GONE": "EAST"}}}, 400),
    ("POST", "/api/dispatch/plans", {"locks": {"pinned": {"a\0b": "EAST"}}}, 400),
    ("GET", "/api/dispatch/nearest", None, 400),
    ("GET", "/api/dispatch/nearest?ticket=E0&vehicle=EAST", None, 400),
    ("GET", "/api/dispatch/nearest?ticket=NOTHING", None, 404),
    ("GET", "/api/dispatch/nearest?vehicle=NOTHING", None, 404),
    ("GET", "/api/dispatch/nearest?ticket=E0&k=0", None, 400),
    ("GET", "/api/dispatch/attribution?from=2026-06-25&to=2026-06-01", None, 400),
]


def test_what_cannot_be_is_a_problem(client: httpx.Client) -> None:
    for method, path, body, status in WRONG:
        answer = client.request(method, path, json=body)
        said = answer.status_code, answer.headers["content-type"]
        assert said == (status, "application/problem+json"), (method, path, answer.text)


def test_the_nearest_of_both_kinds(client: httpx.Client) -> None:
    at = {"now": NOW.isoformat()}
    vehicles = client.get("/api/dispatch/nearest", params={"ticket": "E0", **at}).json()
    assert [one["vehicle_id"] for one in vehicles["vehicles"]] == ["EAST", "WEST"]
    tickets = client.get("/api/dispatch/nearest", params={"vehicle": "WEST", "k": 2, **at}).json()
    assert [one["ticket_id"] for one in tickets["tickets"]] == ["W0", "W1"]
    point = client.get("/api/dispatch/nearest", params={"lon": 36.9, "lat": -1.28, "k": 1, **at}).json()
    assert [one["ticket_id"] for one in point["tickets"]] == ["E0"]


def test_scopes_decide(town: db.Connection, database_url: str) -> None:
    reader, dispatcher, tracker = (token(town, *one) for one in (("read",), ("read", "dispatch"), ("positions",)))
    fix = {"vehicle_id": "NEW", "lat": -1.3, "lon": 36.8, "fixed_at": "2026-06-25T06:00:00Z"}
    with serving(database_url) as api:
        client = api.client
        assert client.post("/api/dispatch/plans", json=QUICK, headers=reader).status_code == 403
        assert client.post("/api/dispatch/plans", json=QUICK).status_code == 401
        assert client.post("/api/dispatch/plans", json=QUICK, headers=dispatcher).status_code == 201
        assert client.get("/api/dispatch/plans", headers=reader).json()["plans"][0]["created_by"] == "read-dispatch"
        assert client.get("/api/dispatch/plans", headers=tracker).status_code == 403
        assert client.post("/api/dispatch/positions", json=fix, headers=dispatcher).status_code == 403
        assert client.post("/api/dispatch/positions", json=fix).status_code == 401
        assert client.post("/api/dispatch/positions", json=fix, headers=tracker).json()["new"] == 1
        near = client.get("/api/dispatch/nearest", params={"ticket": "E0"}, headers=reader).json()
        assert near["ticket"]["location_name"] is None


def test_trackers_push_in_their_own_words(town: db.Connection, database_url: str) -> None:
    secret = token(town, "positions")["authorization"].removeprefix("Bearer ")
    bearer = {"authorization": f"Bearer {secret}"}
    basic = {"authorization": "Basic " + base64.b64encode(f"phone:{secret}".encode()).decode()}
    jimi = {"deviceImei": "8601", "lat": -1.29, "lng": 36.8, "gpsTime": "2026-06-25 05:59:00", "gpsSpeed": 30}
    traccar = {
        "position": {"latitude": -1.27, "longitude": 36.81, "fixTime": "2026-06-25T05:58:00.000+00:00", "speed": 10},
        "device": {"uniqueId": "TC1", "name": "KDB 002B"},
    }
    owntracks = {"_type": "location", "topic": "owntracks/juma/phone", "lat": -1.26, "lon": 36.82, "tst": 1782367020}
    zero = {"vehicle_id": "Z", "lat": 0, "lon": 0, "fixed_at": "2026-06-25T06:00:00Z"}
    path = "/api/dispatch/positions"
    form = {"content-type": "application/x-www-form-urlencoded"}
    with serving(database_url) as api:
        client = api.client
        told = urlencode({"token": secret, "data_list": json.dumps([jimi])})
        assert client.post(path, content=told, headers=form).json()["code"] == 0
        wrong = urlencode({"token": "wrong", "data_list": json.dumps([jimi])})
        assert client.post(path, content=wrong, headers=form).status_code == 401
        assert client.post(path, json=traccar, headers=bearer).json()["new"] == 1
        assert client.post(path, json=traccar, headers=bearer).json()["known"] == 1
        assert client.post(path, json=owntracks, headers=basic).json() == []
        assert client.post(path, json=[zero], headers=bearer).json()["rejected"] == {"zero_position": 1}
        assert client.post(path, content=b"nonsense", headers=bearer).status_code == 400
        assert client.post(path, content=b" " * (1 << 21), headers=bearer).status_code == 413
    rows = town.execute(
        "SELECT vehicle_id, speed_km_per_h FROM dispatch.vehicle_position WHERE source = 'push' ORDER BY vehicle_id"
    )
    assert rows.fetchall() == [("8601", 30.0), ("TC1", pytest.approx(18.52)), ("juma/phone", None)]


def test_a_plan_is_a_file_for_telephones_and_maps(
    client: httpx.Client, town: db.Connection, shell: Callable[..., Outcome], tmp_path: Any
) -> None:
    town.execute("UPDATE dispatch.vehicle SET skills = '{<b>&}'")
    plan = drafted(client)
    path = f"/api/dispatch/plans/{plan['plan_id']}/export"
    gpx = client.get(f"{path}.gpx")
    assert gpx.headers["content-type"] == "application/gpx+xml"
    routes = ET.fromstring(gpx.content).findall(f"{GPX}rte")  # noqa: S314  # our own bytes
    names = [[point.findtext(f"{GPX}name") for point in route.findall(f"{GPX}rtept")] for route in routes]
    assert names == [
        ["start", *(f"{number} {ticket_id}" for number, ticket_id in enumerate(ids, 1))]
        for ids in orders(plan).values()
    ]
    features = client.get(f"{path}.geojson").json()["features"]
    kinds = [feature["properties"]["kind"] for feature in features]
    assert (kinds.count("route"), kinds.count("stop"), kinds.count("unassigned")) == (2, 8, 1)
    assert next(one for one in features if one["properties"]["kind"] == "unassigned")["geometry"] is None
    written = tmp_path / "plan.gpx"
    done = shell("fleettickets", "dispatch", "export", str(plan["plan_id"]), "--format", "gpx", "--out", str(written))
    assert (done.exit_code, written.read_bytes()) == (0, gpx.content), done.err


def test_the_map_is_read_while_a_plan_is_made(client: httpx.Client) -> None:
    """A plan of many iterations costs seconds; whoever asks meanwhile is answered before it is there."""
    answered: list[int] = []
    made = threading.Thread(target=lambda: drafted(client, settings={"iterations": 20_000}))
    made.start()
    while made.is_alive():
        answered.append(client.get("/api/dispatch/vehicles").status_code)
        time.sleep(0.05)
    made.join()
    assert len(answered) > 3
    assert set(answered) == {200}
