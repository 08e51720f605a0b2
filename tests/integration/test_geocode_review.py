"""What a person decides is kept with who and when, moves the tickets at once, and no run touches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from conftest import NOW
from geocoder import Geocoder, Place
from geoworld import ROYSAMBU, named

from fleettickets.errors import UsageError
from fleettickets.geocode import review
from fleettickets.geocode.places import Point

if TYPE_CHECKING:
    from geoworld import GeoWorld

FAR = Place("Greenspan", -1.3600, 36.8862)


@pytest.fixture
def waiting(geo: GeoWorld, geocoder: Geocoder) -> GeoWorld:
    """Two tickets of a place whose candidate lies outside of the soft radius, and one beside."""
    geocoder.places = [ROYSAMBU, FAR]
    geo.tickets(named("A1", "GREENSPAN FDT1"), named("A2", "Greenspan, Hse 3"), named("A3", "ROYSAMBU"))
    geo.use(geocoder)
    geo.run("clusters")
    geo.run()
    return geo


def decide(geo: GeoWorld, action: str, point: Point | None = None, name: str | None = "GREENSPAN FDT1") -> Any:
    with geo.connect() as connection, connection.transaction():
        what = review.target(connection, name, "ROYSAMBU")
        if action == "undo":
            return review.undo(connection, what, who="Achieng", now=NOW)
        return review.decide(connection, what, action, who="Achieng", now=NOW, point=point)


def sources(geo: GeoWorld) -> list[Any]:
    return [place[0] for _, place in sorted(geo.placed().items())]


def queue(geo: GeoWorld) -> list[Any]:
    with geo.connect() as connection:
        return [(item["place"], item["reason"], item["tickets"]) for item in review.queue(connection, 10)]


def test_accepting_moves_every_spelling_and_no_run_moves_it_back(waiting: GeoWorld, geocoder: Geocoder) -> None:
    """A verified point stays, also farther away than any guard allows, also when the cluster changes."""
    assert queue(waiting) == [("Greenspan", "far", 2)]
    assert decide(waiting, "accept").moved == {"inc": 2, "crq": 0}
    assert sources(waiting) == ["location", "location", "cluster"]
    assert queue(waiting) == []
    waiting.query("UPDATE tickets.geo_clusters SET norm_version = NULL RETURNING 1")
    waiting.query("INSERT INTO tickets.geo_name_rules (kind, pattern) VALUES ('noise', 'ZZZ') RETURNING 1")
    geocoder.places = [ROYSAMBU]
    waiting.run("clusters")
    waiting.run()
    assert waiting.placed()["A1"] == ("location", "area", FAR.lat)
    waiting.tickets(named("A9", "greenspan_fdt_44"))
    waiting.run()
    assert waiting.query("SELECT geo_source, geo_verified FROM tickets.inc WHERE ticket_id = 'A9'") == [
        ("location", True)
    ]


def test_undo_restores_what_was_before(waiting: GeoWorld) -> None:
    """Each decision in turn, and its undoing is written down."""
    for action, point in (("accept", None), ("reject", None), ("keep-cluster", None), ("move", Point(-1.2, 36.9))):
        state = waiting.query(
            "SELECT location_name, status, geom, proposed_geom, verified FROM tickets.geo_locations ORDER BY 1"
        )
        before = waiting.placed()
        decide(waiting, action, point)
        decide(waiting, "undo")
        assert waiting.placed() == before
        assert state == waiting.query(
            "SELECT location_name, status, geom, proposed_geom, verified FROM tickets.geo_locations ORDER BY 1"
        )
    told = waiting.query("SELECT action, who, at, undone_by, tickets FROM tickets.geo_decisions ORDER BY decision_id")
    assert [row[0] for row in told] == ["accept", "reject", "keep-cluster", "move"]
    assert {row[1:4] for row in told} == {("Achieng", NOW, "Achieng")}
    assert [row[4] for row in told] == [2, 0, 0, 2]
    with pytest.raises(UsageError, match="no decision"):
        decide(waiting, "undo")


def test_a_rejected_candidate_is_not_offered_again(waiting: GeoWorld) -> None:
    """Not even when the name is asked again."""
    decide(waiting, "reject")
    assert queue(waiting) == []
    waiting.query("UPDATE tickets.geo_locations SET norm_version = NULL RETURNING 1")
    waiting.run()
    assert waiting.query("SELECT DISTINCT status FROM tickets.geo_locations WHERE place = 'Greenspan'") == [
        ("no_match",)
    ]


def test_a_kept_cluster_point_is_a_decision_too(waiting: GeoWorld) -> None:
    """The tickets stay at the cluster's point for good."""
    decide(waiting, "keep-cluster")
    waiting.query("UPDATE tickets.geo_locations SET norm_version = NULL RETURNING 1")
    waiting.run()
    assert (sources(waiting), queue(waiting)) == (["cluster", "cluster", "cluster"], [])


def test_moving_a_cluster_moves_its_tickets_and_judges_its_names_again(waiting: GeoWorld, geocoder: Geocoder) -> None:
    """Verified: the point is the person's, the names are held to it from now on."""
    moved = decide(waiting, "move", Point(-1.3500, 36.8862), name=None)
    assert moved.moved == {"inc": 3, "crq": 0}
    geocoder.asked.clear()
    waiting.run()
    assert sources(waiting) == ["location", "location", "cluster"]
    waiting.run("clusters")
    assert waiting.query("SELECT lat, verified, verified_by FROM tickets.geo_clusters") == [(-1.35, True, "Achieng")]


@pytest.mark.parametrize("point", [None, Point(36.9, -1.2), Point(51.5, 0.0)])
def test_a_point_outside_of_kenya_is_refused(waiting: GeoWorld, point: Point | None) -> None:
    """Swapped, foreign or missing."""
    with pytest.raises(UsageError, match="Kenya"):
        decide(waiting, "move", point)


def test_an_unknown_name_or_nobody_is_refused(waiting: GeoWorld) -> None:
    """A decision needs a place that is known, and somebody who decides."""
    with pytest.raises(UsageError, match="not known"):
        decide(waiting, "accept", name="ELSEWHERE")
    with waiting.connect() as connection, pytest.raises(UsageError, match="--by"):
        review.decide(connection, review.target(connection, "greenspan", "ROYSAMBU"), "accept", who=" ", now=NOW)


def test_another_candidate_can_be_accepted_and_the_point_says_whose_it_is(
    waiting: GeoWorld, geocoder: Geocoder
) -> None:
    """What the provider offered is kept; accepting one of it takes its provider, and undo gives back what was."""
    with waiting.connect() as connection:
        (item,) = [one for one in review.queue(connection, 10) if one["place"] == "Greenspan"]
    (offer,) = item["candidates"]
    assert (offer["name"], offer["lat"], offer["lon"], item["moves"]) == ("Greenspan", FAR.lat, FAR.lon, 2)
    assert round(offer["dist_m"]) == round(item["dist_m"])
    before = waiting.query("SELECT provider, provider_ref FROM tickets.geo_locations ORDER BY location_name")
    waiting.query(
        "UPDATE tickets.geo_locations SET candidates = candidates || jsonb_build_array(candidates -> 0 || "
        """'{"lat": -1.3, "lon": 36.9, "provider": "opencage", "ref": "way/7", "precision": "street"}') """
        "WHERE decision_key = 'greenspan' RETURNING 1"
    )
    with pytest.raises(UsageError, match="none of the candidates"):
        decide(waiting, "accept", Point(-1.31, 36.9))
    assert decide(waiting, "accept", Point(-1.3, 36.9)).moved == {"inc": 2, "crq": 0}
    found = waiting.query(
        "SELECT DISTINCT provider, provider_ref, precision, lat, lon FROM tickets.geo_locations WHERE verified"
    )
    assert found == [("opencage", "way/7", "street", -1.3, 36.9)]
    assert "opencage" in waiting.query("SELECT reporting.fn_credits()")[0][0]
    decide(waiting, "undo")
    assert waiting.query("SELECT provider, provider_ref FROM tickets.geo_locations ORDER BY location_name") == before
    assert geocoder.places
