"""A road router in front of the planner: asked in blocks, once a pair, and never believed when it cannot be right."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from fleet import day
from psycopg.types.json import Jsonb

from fleettickets.dispatch import plans
from fleettickets.dispatch.day import Locks, Settings
from fleettickets.dispatch.planner import plan
from fleettickets.dispatch.roads import roads_of
from fleettickets.errors import ConflictError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets import db

NOW = datetime(2026, 6, 25, 6, tzinfo=UTC)


@dataclass
class Router:
    """A real HTTP server that answers as OSRM and Valhalla do; roads are twice the degrees, a thousand a degree."""

    url: str = ""
    lie: Any = None
    status: int = 200
    drip: bool = False
    asked: list[int] = field(default_factory=list)

    def cell(self, a: tuple[float, float], b: tuple[float, float]) -> float:
        return 2_000 * (abs(a[0] - b[0]) + abs(a[1] - b[1]))

    def osrm(self, path: str) -> dict[str, Any]:
        places, _, query = path.rpartition("/")[2].partition("?")
        points = [tuple(map(float, one.split(","))) for one in places.split(";")]
        chosen = dict(part.split("=") for part in query.split("&"))
        sources, targets = ([points[int(n)] for n in chosen[name].split(";")] for name in ("sources", "destinations"))
        self.asked.append(len(points))
        if len(points) > 100:
            return {"code": "TooBig", "message": "Too many table coordinates"}
        rows: list[list[Any]] = [[self.cell(a, b) for b in targets] for a in sources]  # type: ignore[arg-type]  # pairs of floats
        if self.lie is not None:
            rows[0][-1] = None if self.lie == "null" else self.lie
        return {"code": "Ok", "durations": rows, "distances": [[_times_ten(one) for one in row] for row in rows]}

    def valhalla(self, question: dict[str, Any]) -> dict[str, Any]:
        sides = [[(one["lon"], one["lat"]) for one in question[name]] for name in ("sources", "targets")]
        self.asked.append(len(sides[0]) + len(sides[1]))
        cells = [[{"time": self.cell(a, b), "distance": self.cell(a, b) / 100} for b in sides[1]] for a in sides[0]]
        return {"sources_to_targets": cells}


def _times_ten(one: Any) -> Any:  # a lie may be anything
    return 10 * one if isinstance(one, int | float) else one


@pytest.fixture
def router() -> Iterator[Router]:
    told = Router()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(told.osrm(self.path))

        def do_POST(self) -> None:
            self.answer(told.valhalla(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

        def answer(self, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode() if told.status != 502 else b"<html>Bad Gateway</html>"
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if told.drip:
                with contextlib.suppress(OSError):
                    for at in range(len(body)):
                        self.wfile.write(body[at : at + 1])
                        time.sleep(0.02)
                return
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            """Tests are quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield told
        server.shutdown()


@pytest.mark.parametrize("kind", ["osrm", "valhalla"])
def test_a_table_is_asked_in_blocks_and_a_pair_only_once(connection: db.Connection, router: Router, kind: str) -> None:
    instance = day(5, 120, seed=1)
    roads = roads_of(kind, router.url, NOW)
    assert roads is not None
    travel = roads.travel(connection, instance)
    assert travel.source == kind
    assert max(router.asked) <= 100
    first = len(router.asked)
    again = roads.travel(connection, instance)
    assert len(router.asked) == first
    assert [travel.seconds(3, n) for n in range(130)] == [again.seconds(3, n) for n in range(130)]
    a, b = instance.jobs[3], instance.jobs[9]
    assert a.lat is not None
    assert b.lat is not None
    assert a.lon is not None
    assert b.lon is not None
    assert travel.seconds(3, 9) == pytest.approx(2_000 * (abs(a.lat - b.lat) + abs(a.lon - b.lon)), abs=1.5)
    assert plan(instance, travel).travel_source == kind


@pytest.mark.parametrize("lie", [-5, 1e12, float("nan"), float("inf"), "soon", True, "null"])
def test_a_road_that_cannot_be_is_replaced_by_a_straight_line_and_said_so(
    connection: db.Connection, router: Router, lie: object
) -> None:
    router.lie = lie
    instance = day(2, 20, seed=1)
    roads = roads_of("osrm", router.url, NOW)
    assert roads is not None
    travel = roads.travel(connection, instance)
    assert "pairs by straight line" in travel.source
    assert all(travel.seconds(a, b) >= 0 for a in range(24) for b in range(24))
    assert connection.execute("SELECT min(duration_s) >= 0 FROM dispatch.road").fetchone() == (True,)
    asked = len(router.asked)
    assert roads.travel(connection, instance).source == travel.source
    assert len(router.asked) == asked
    tomorrow = roads_of("osrm", router.url, NOW + timedelta(days=1, minutes=1))
    router.lie = None
    assert tomorrow is not None
    assert tomorrow.travel(connection, instance).source == "osrm"


def test_a_router_that_drips_is_not_waited_for(connection: db.Connection, router: Router) -> None:
    """Each byte comes in time and the answer never does."""
    router.drip = True
    roads = roads_of("osrm", router.url, NOW, timeout_s=0.3)
    assert roads is not None
    travel = roads.travel(connection, day(2, 20, seed=1))
    assert "no complete answer within 0.3 s" in travel.source
    assert travel.source.startswith("straight line")


def test_a_plan_by_road_is_audited_over_what_the_router_said(connection: db.Connection, router: Router) -> None:
    """Nobody is asked again; a plan that its roads do not bear out is not committed."""
    for number in range(4):
        place = f"point({36.80 + number / 100} -1.28)"
        connection.execute(
            "INSERT INTO tickets.inc (ticket_id, raw, geom, geo_source) VALUES (%s, %s, %s, 'feed')",
            [f"T{number}", Jsonb({"is_actionable": "true"}), f"SRID=4326;{place}"],
        )
    fix = {"vehicle_id": "V", "lat": -1.28, "lon": 36.79, "fixed_at": NOW.isoformat()}
    connection.execute("SELECT dispatch.record_positions(%s, 'test', %s)", [Jsonb([fix]), NOW])
    roads = roads_of("osrm", router.url, NOW)
    settings = Settings(iterations=50)
    made = plans.draft(connection, settings, Locks(), NOW, "x", roads)
    assert (made.document["travel_source"], made.document["summary"]["assigned"]) == ("osrm", 4)
    asked = len(router.asked)
    plans.commit(connection, made, 1, "x", NOW)
    assert len(router.asked) == asked
    wrong = plans.draft(connection, settings, Locks(), NOW, "x", roads)
    connection.execute("UPDATE dispatch.road SET duration_s = duration_s + 600")
    with pytest.raises(ConflictError, match=r"cannot be driven .* plan anew"):
        plans.commit(connection, wrong, 1, "x", NOW)


def test_a_slow_router_is_asked_as_long_as_a_person_waits(connection: db.Connection, router: Router) -> None:
    """What it said by then is kept, the rest is by straight line and said so."""
    roads = roads_of("osrm", router.url, NOW)
    assert roads is not None
    ticks = iter(range(0, 10_000, 30))
    slow = replace(roads, clock=lambda: float(next(ticks)))
    travel = slow.travel(connection, day(5, 120, seed=1))
    assert travel.source.startswith("osrm; ")
    assert 0 < len(router.asked) < 9


@pytest.mark.parametrize("status", [502, 500, 429, 301])
def test_a_router_that_is_away_does_not_stop_a_plan(connection: db.Connection, router: Router, status: int) -> None:
    router.status = status
    roads = roads_of("osrm", router.url, NOW)
    assert roads is not None
    made = plan(day(2, 20, seed=1), roads.travel(connection, day(2, 20, seed=1)))
    assert made.travel_source.startswith("straight line")
    assert "the router" in made.travel_source
    assert made.assigned


@pytest.mark.parametrize(
    "document", [{"code": "Ok"}, {"code": "Ok", "durations": [], "distances": []}, {"code": "NoTable"}]
)
def test_a_router_that_answers_in_another_shape_does_not_stop_a_plan(
    connection: db.Connection, router: Router, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router, "osrm", lambda _path: document)
    roads = roads_of("osrm", router.url, NOW)
    assert roads is not None
    assert roads.travel(connection, day(1, 3, seed=1)).source.startswith("straight line")


def test_a_router_nobody_listens_at_does_not_stop_a_plan(connection: db.Connection) -> None:
    roads = roads_of("valhalla", "http://127.0.0.1:1", NOW)
    assert roads is not None
    assert "did not answer" in roads.travel(connection, day(1, 3, seed=1)).source


@pytest.mark.parametrize(("kind", "url"), [("google", "http://x"), ("osrm", None), ("osrm", "file:///etc/passwd")])
def test_a_router_that_cannot_be_is_a_usage_error(kind: str, url: str | None) -> None:
    with pytest.raises(UsageError, match="FLEETTICKETS_ROUTER"):
        roads_of(kind, url, NOW)


def test_without_a_router_there_are_straight_lines() -> None:
    assert roads_of(None, None, NOW) is None
