"""The geocode commands as a person types them, the older ones flag for flag, and how they end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from geocoder import KEY, Geocoder
from geoworld import named

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Outcome
    from geoworld import GeoWorld

    Type = Callable[..., Outcome]


@pytest.fixture
def typed(geo: GeoWorld, geocoder: Geocoder, shell: Type) -> Type:
    """Types a command with the provider configured and four tickets in the database."""
    geo.tickets(named("A1", "MIREMA_DRIVE_FDT1"), named("A2", "Mirema Drive, Hse 2"), named("A3", "SDUS"))
    environ: dict[str, str | None] = {
        "GEOCODER_PROVIDER": "locationiq",
        "LOCATIONIQ_API_KEY": KEY,
        "GEOCODER_BASE_URL": geocoder.url,
    }
    return lambda *words, **env: shell(*words, env={**environ, **env})


@pytest.mark.parametrize(
    "program", [("python", "-m", "inc.import_inc"), ("python", "-m", "crq.import_crq"), ("python", "import_tickets.py")]
)
def test_the_older_flags_geocode(typed: Type, geo: GeoWorld, geocoder: Geocoder, program: tuple[str, ...]) -> None:
    """A dry run unless --apply: then both datasets, clusters and locations."""
    dry = typed(*program, "--geocode-clusters", "--geocode-locations")
    assert (dry.exit_code, geocoder.asked) == (0, [])
    assert "Mirema Drive" in dry.out
    clusters = typed(*program, "--geocode-clusters", "--apply")
    locations = typed(*program, "--geocode-locations", "--apply", "--json")
    assert (clusters.exit_code, locations.exit_code) == (0, 0)
    assert json.loads(locations.out)["runs"][0]["requests"]["sent"] == 1
    assert [place[0] for _, place in sorted(geo.placed().items())] == ["location", "location", "cluster"]


def test_the_commands_tell_what_they_did_and_what_waits(typed: Type) -> None:
    """Summary for people, one document for programs."""
    assert typed("fleettickets", "geocode", "clusters", "--apply").exit_code == 0
    done = typed("fleettickets", "geocode", "locations", "--apply")
    told = [" ".join(line.split()) for line in done.out.splitlines()]
    assert {"got a point 1", "no place in it 1", "requests sent locationiq 1", "tickets moved inc 2, crq 0"} <= {*told}
    again = json.loads(typed("fleettickets", "--json", "geocode", "locations", "--apply").out)["runs"][0]
    assert (again["names"], again["requests"]["sent"], again["exit_code"]) == (0, 0, 0)
    moved = typed("fleettickets", "geocode", "review", "move", "MIREMA_DRIVE_FDT1", "--cluster", "ROYSAMBU",
                  "--at=-1.2151,36.8901", "--by", "Achieng")  # fmt: skip
    assert (moved.exit_code, moved.out) == (0, "move: miremadrive; moves 2 tickets\n")
    undone = typed(
        "fleettickets", "geocode", "review", "undo", "miremadrive", "--cluster", "ROYSAMBU", "--by", "Achieng"
    )
    assert undone.out == "undo move: miremadrive; moves 2 tickets\n"
    listed = typed("fleettickets", "geocode", "review", "list", "--json")
    assert json.loads(listed.out) == {"queue": []}


def test_a_wrong_key_is_exit_2_a_spent_budget_5(typed: Type) -> None:
    """One line says why; no traceback, no key."""
    cases: list[tuple[int, str, dict[str, str]]] = [
        (2, "does not accept the key", {"LOCATIONIQ_API_KEY": "wrong-" + KEY}),
        (2, "LOCATIONIQ_API_KEY is not set", {"LOCATIONIQ_API_KEY": ""}),
        (5, "the budget is spent", {"GEOCODER_DAILY_LIMIT": "0"}),
        (2, "opencage does not accept the key", {"GEOCODER_PROVIDER": "opencage", "OPENCAGE_API_KEY": "wrong-" + KEY}),
    ]
    for code, words, environ in cases:
        done = typed("fleettickets", "geocode", "locations", "--apply", **environ)
        assert (done.exit_code, words in done.err, done.err.count("\n")) == (code, True, 1), done.err
        assert KEY not in done.out + done.err


def test_evaluate_prints_its_marks(typed: Type, geo: GeoWorld, tmp_path: Path) -> None:
    """For people and for programs; the database stays as it was."""
    places, names = tmp_path / "places.csv", tmp_path / "names.csv"
    places.write_text("id,name,cluster,lat,lon,radius_km,tier\nm,Mirema Drive,ROYSAMBU,-1.2150,36.8900,0.5,street\n")
    names.write_text("raw,cluster,place_id\nMIREMA_DRIVE_FDT1,ROYSAMBU,m\nSDUS,ROYSAMBU,\n")
    document: dict[str, Any] = json.loads(
        typed("fleettickets", "geocode", "evaluate", str(places), str(names), "--json").out
    )
    assert (document["within_1_km_share"], document["beyond_5_km_share"], document["unresolved_share"]) == (
        1.0,
        0.0,
        0.0,
    )
    assert (document["median_error_km"], document["requests"], document["requests_for_clusters"]) == (0.0, 2, 1)
    assert (
        "within 1 km                100.0 %"
        in typed("fleettickets", "geocode", "evaluate", str(places), str(names)).out
    )
    assert geo.query("SELECT count(*) FROM tickets.geo_requests") == [(0,)]
