"""Clusters and names become points through a real HTTP server and a real database: asked once, checked, kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from feed import closed, ticket
from geocoder import Geocoder, Place, serving
from geoworld import MIREMA, ROYSAMBU, THIKA_ROAD_MALL, named

from fleettickets.datasets import CRQ

if TYPE_CHECKING:
    from geoworld import GeoWorld


@pytest.mark.parametrize("provider", ["locationiq", "nominatim", "opencage", "photon"])
def test_a_name_becomes_a_point_by_any_provider(geo: GeoWorld, geocoder: Geocoder, provider: str) -> None:
    """Clusters first, then names; the ticket says what its point is worth."""
    geo.tickets(
        named("A1", "ADR_MNT_MIREMA_DRIVE_FDT07"),
        named("A2", "ROYSAMBU_FDT1"),
        named("A3", "BEHIND TRM"),
        named("A4", "N/A"),
    )
    geo.use(geocoder, provider)
    assert (geo.run("clusters").exit_code, geo.run().exit_code) == (0, 0)
    assert geo.placed() == {
        "A1": ("location", "street", MIREMA.lat),
        "A2": ("cluster", "area", ROYSAMBU.lat),
        "A3": ("location", "near", THIKA_ROAD_MALL.lat),
        "A4": ("cluster", "area", ROYSAMBU.lat),
    }


def test_twenty_equal_names_cost_one_request_and_a_second_run_none(geo: GeoWorld, geocoder: Geocoder) -> None:
    """All spellings of a place share one question, and what is decided is not asked again."""
    geo.tickets(
        *(named(f"A{n}", f"NW_ADR_MNT_MIREMA_DRIVE_FDT{n:02}") for n in range(20)),
        *(named(f"B{n}", f"Mirema Drive, Hse {n}") for n in range(20)),
    )
    geo.use(geocoder)
    geo.run("clusters")
    geocoder.asked.clear()
    assert geo.run().requests == {"locationiq": 1}
    assert geocoder.queries == ["Mirema Drive"]
    assert {place[0] for place in geo.placed().values()} == {"location"}
    geocoder.asked.clear()
    again = [geo.run("clusters"), geo.run()]
    assert [report.exit_code for report in again] == [0, 0]
    assert geocoder.asked == []


def test_a_dry_run_sends_nothing_and_says_what_it_would_cost(geo: GeoWorld, geocoder: Geocoder) -> None:
    """The questions, how many requests at least and at most, what is left of the day."""
    geo.tickets(named("A1", "MIREMA_DRIVE_FDT1"), named("A2", "KASALANI MWIKI"), named("A3", "SDUS"))
    geo.use(geocoder, GEOCODER_DAILY_LIMIT="100")
    clusters, names = geo.run("clusters", apply=False), geo.run(apply=False)
    assert (clusters.would_ask, clusters.would_ask_at_most) == (["Roysambu"], 1)
    assert names.would_ask == ["Kasalani Mwiki", "Mirema Drive"]
    assert (names.would_ask_at_least, names.would_ask_at_most >= 3, names.left_today) == (2, True, {"locationiq": 95})
    assert geocoder.asked == []
    assert geo.query("SELECT count(*) FROM tickets.geo_requests") == [(0,)]
    assert geo.query("SELECT count(*) FROM tickets.geo_locations") == [(0,)]


def test_what_no_person_would_look_up_is_never_sent(geo: GeoWorld, geocoder: Geocoder) -> None:
    """Blank, codes, phone numbers, units, noise, endless text, broad areas, bare roads; and nothing breaks."""
    odd = ["", "  ", "44", "C07_F12", "NW_", "SDUS", "0712 345 678", "HSE 14", "N/A", "NAIROBI", "MSA RD",
           "HWTC1A2B3C4D", "x" * 10_000, "KASARANI " * 1_500, "🙂🙂", "jane@example.org", "-", "0"]  # fmt: skip
    geo.tickets(*(named(f"A{n}", text) for n, text in enumerate(odd)))
    geo.use(geocoder)
    geo.run("clusters")
    geocoder.asked.clear()
    assert geo.run().exit_code == 0
    assert geocoder.asked == []
    assert {place[0] for place in geo.placed().values()} == {"cluster"}


def test_sql_and_hostile_text_in_a_name_is_only_text(geo: GeoWorld, geocoder: Geocoder) -> None:
    """Parameters, never statements."""
    geo.tickets(
        named("A1", "MIREMA DRIVE'); DROP TABLE tickets.inc; --"), named("A2", "Mirema \\' OR 1=1 Drive %s {x}")
    )
    geo.use(geocoder)
    geo.run("clusters")
    assert geo.run().exit_code == 0
    assert geo.query("SELECT count(*) FROM tickets.inc") == [(2,)]


def test_written_coordinates_are_a_point_without_a_request(geo: GeoWorld, geocoder: Geocoder) -> None:
    """Twelve decimals, swapped, far from the cluster, or outside of the operating area."""
    geo.tickets(
        named("A1", "-1.218612345678, 36.886212345678"),
        named("A2", "36.8862 -1.2186"),
        named("A3", "-1.4560, 36.9780"),
        named("A4", "6.5244, 3.3792"),
    )
    geo.use(geocoder)
    geo.run("clusters")
    geocoder.asked.clear()
    geo.run()
    assert geocoder.asked == []
    assert geo.placed() == {
        "A1": ("location", "point", -1.2186),
        "A2": ("location", "point", -1.2186),
        "A3": ("cluster", "area", ROYSAMBU.lat),
        "A4": ("cluster", "area", ROYSAMBU.lat),
    }


def test_a_place_of_two_clusters_is_asked_once_and_decided_twice(geo: GeoWorld, geocoder: Geocoder) -> None:
    """The answer belongs to the question, the decision to place and cluster."""
    geocoder.places = [
        Place("Kware", -1.3170, 36.8900), Place("Kware", -1.3990, 36.7600),
        Place("Pipeline", -1.3160, 36.8930), Place("Ongata Rongai", -1.3960, 36.7570),
    ]  # fmt: skip
    geo.tickets(named("A1", "KWARE FDT1", "PTMP"), named("A2", "KWARE FDT1", "RONGAI"))
    geo.use(geocoder)
    geo.run("clusters")
    geocoder.asked.clear()
    geo.run()
    assert geocoder.queries == ["Kware"]
    assert {ticket_id: place[2] for ticket_id, place in geo.placed().items()} == {"A1": -1.3170, "A2": -1.3990}


def test_a_candidate_outside_the_soft_radius_waits_for_a_person(geo: GeoWorld, geocoder: Geocoder) -> None:
    """Between 12 and 25 km the map keeps the centroid; beyond 25 km it is refused."""
    geocoder.places = [ROYSAMBU, Place("Greenspan", -1.3600, 36.8862), Place("Noonkopir", -1.4760, 36.9600)]
    geo.tickets(named("A1", "GREENSPAN FDT1"), named("A2", "NOONKOPIR FDT1"))
    geo.use(geocoder)
    geo.run("clusters")
    assert dict(geo.run().by_status) == {"far": 1, "refused": 1}
    assert {place[0] for place in geo.placed().values()} == {"cluster"}
    review = geo.query(
        "SELECT place, reason, round(lat::numeric, 2)::float8, tickets FROM tickets.geo_review ORDER BY 1"
    )
    assert review == [("Greenspan", "far", -1.36, 1), ("Noonkopir", "far", -1.48, 1)]


def test_a_point_outside_the_operating_area_is_refused_for_clusters_too(geo: GeoWorld) -> None:
    """A provider that ignores the box: Pipeline of Nakuru, Kasarani of Lagos."""
    places = [Place("Pipeline", -0.3300, 36.1300, within="Nakuru"), Place("Kasarani", 6.5244, 3.3792, within="Lagos")]
    with serving(places=places, honours_box=False) as liar:
        geo.tickets(named("A1", "PIPELINE MALL", "PTMP"), named("A2", "Seasons", "KASARANI"))
        geo.use(liar)
        assert dict(geo.run("clusters").by_status) == {"refused": 2}
        geo.run()
    assert {place[0] for place in geo.placed().values()} == {"none"}
    assert geo.query("SELECT geom FROM tickets.geo_clusters WHERE geom IS NOT NULL") == []


def test_a_wrong_centre_is_found_out_by_its_names(geo: GeoWorld, geocoder: Geocoder) -> None:
    """More names refused than accepted, and together: the guard is off, a person is asked, names get points."""
    estates = [
        Place(f"Estate {word}", -1.2 + n / 1000, 36.9) for n, word in enumerate(("Alpha", "Bravo", "Charlie", "Delta"))
    ]
    geocoder.places = estates
    geo.tickets(*(named(f"A{n}", place.name, "GHOST") for n, place in enumerate(estates)))
    geo.query("INSERT INTO tickets.geo_clusters (cluster, geom) VALUES ('GHOST', "
              "public.st_setsrid(public.st_makepoint(36.60, -1.60), 4326)) RETURNING 1")  # fmt: skip
    geo.use(geocoder)
    report = geo.run()
    assert report.suspects == ["GHOST"]
    assert {place[0] for place in geo.placed().values()} == {"location"}
    assert geo.query("SELECT reason, cluster FROM tickets.geo_review") == [("suspect_centroid", "GHOST")]
    geocoder.asked.clear()
    assert (geo.run().exit_code, geocoder.asked) == (0, [])


def test_a_centre_set_by_hand_is_doubted_when_its_own_name_lies_elsewhere(geo: GeoWorld, geocoder: Geocoder) -> None:
    """The point stays, the proposal waits for a person."""
    geo.tickets(named("A1", "N/A"))
    geo.query("INSERT INTO tickets.geo_clusters (cluster, geom) VALUES ('ROYSAMBU', "
              "public.st_setsrid(public.st_makepoint(36.70, -1.40), 4326)) RETURNING 1")  # fmt: skip
    geo.use(geocoder)
    assert geo.run("clusters").suspects == ["ROYSAMBU"]
    assert geo.query("SELECT lat, suspect, round(public.st_y(proposed_geom)::numeric, 4)::float8 "
                     "FROM tickets.geo_clusters") == [(-1.40, True, ROYSAMBU.lat)]  # fmt: skip


def test_without_a_centre_two_sure_candidates_far_apart_are_no_point(geo: GeoWorld, geocoder: Geocoder) -> None:
    """Neither is a place node: nobody can know which is meant."""
    geocoder.places = [
        Place("Sunrise Court", -1.20, 36.90, ("building", "apartments")),
        Place("Sunrise Court", -1.30, 36.80, ("building", "apartments")),
    ]
    geo.tickets(named("A1", "SUNRISE COURT", "GHOST"))
    geo.use(geocoder)
    assert dict(geo.run().by_status) == {"ambiguous": 1}
    assert geo.placed()["A1"][0] == "none"


def test_a_cluster_known_by_another_name_asks_for_one_confirmation(geo: GeoWorld, geocoder: Geocoder) -> None:
    """QOA is Quarry Road by name; its point is used, unverified, and shown to a person."""
    geocoder.places = [Place("Quarry Road", -1.2560, 36.7420)]
    geo.tickets(named("A1", "NW_QUARRY_ROAD_FDT2", "QOA"))
    geo.use(geocoder)
    geo.run("clusters")
    geo.run()
    assert geo.placed()["A1"] == ("cluster", "area", -1.2560)
    assert geo.query("SELECT cluster, place, tickets FROM tickets.geo_review") == [("QOA", "Quarry Road", 1)]


def test_the_most_urgent_place_is_asked_first(geo: GeoWorld, geocoder: Geocoder) -> None:
    """Breached before on track, then by tickets, then installations, then closed ones."""
    recent = {"created_at_service": "2026-06-25 08:00:00"}
    geo.tickets(
        named("A1", "Alpha Gardens", **recent),
        named("A2", "Bravo Gardens", **recent), named("A3", "Bravo Gardens FDT 2", **recent),
        named("A4", "Charlie Gardens"),
        closed("A5", location_name="Echo Gardens", cluster="ROYSAMBU"),
    )  # fmt: skip
    geo.tickets(named("C1", "Delta Gardens"), dataset=CRQ)
    geo.use(geocoder)
    geo.run(closed=True)
    asked = list(dict.fromkeys(query.split()[0] for query in geocoder.queries))
    assert asked == ["Charlie", "Bravo", "Alpha", "Delta", "Echo"]


def test_a_ticket_that_comes_back_keeps_its_place_and_a_new_one_finds_it(geo: GeoWorld, geocoder: Geocoder) -> None:
    """An upsert never downgrades a ticket from its location to its cluster."""
    geo.tickets(named("A1", "MIREMA_DRIVE_FDT1"))
    geo.use(geocoder)
    geo.run("clusters")
    geo.run()
    before = geo.placed()["A1"]
    geo.tickets(named("A1", "MIREMA_DRIVE_FDT1", owner="somebody else"), named("A2", "MIREMA_DRIVE_FDT1"))
    assert geo.placed() == {"A1": before, "A2": before}
    assert before[0] == "location"


def test_points_an_earlier_deployment_paid_for_are_used_and_not_asked_again(geo: GeoWorld, geocoder: Geocoder) -> None:
    """A row without a cluster serves the name wherever no row of its own cluster does."""
    geo.query("INSERT INTO tickets.geo_locations (location_name, geom) VALUES ('MIREMA_DRIVE_FDT1', "
              "public.st_setsrid(public.st_makepoint(36.89, -1.21), 4326)) RETURNING 1")  # fmt: skip
    geo.tickets(named("A1", "MIREMA_DRIVE_FDT1"))
    geo.use(geocoder)
    geo.run()
    assert (geocoder.asked, geo.placed()["A1"]) == ([], ("location", "place", -1.21))


def test_the_map_shows_source_precision_and_verification(geo: GeoWorld, geocoder: Geocoder) -> None:
    """Also in the features readers keep."""
    geo.tickets(named("A1", "MIREMA_DRIVE_FDT1"), ticket("A2", latitude="-1.3", longitude="36.8"))
    geo.use(geocoder)
    geo.run("clusters")
    geo.run()
    shown = (
        "SELECT p ->> 'geo_source', p ->> 'geo_precision', p ->> 'geo_verified' "
        "FROM (SELECT feature -> 'properties' AS p FROM "
    )
    expected = [("feed", "point", "true"), ("location", "street", "false")]
    live = "json_array_elements(reporting.fn_tickets_for_map() -> 'features') AS feature) AS one ORDER BY 1"
    kept = "(SELECT feature::json FROM tickets.map_features) AS kept) AS one ORDER BY 1"
    assert geo.query(shown + live) == expected == geo.query(shown + kept)


def test_a_gazetteer_point_never_poses_as_more_than_an_area(geo: GeoWorld, geocoder: Geocoder) -> None:
    """The embedded gazetteer needs no key, no network, no budget."""
    geo.tickets(named("A1", "ROYSAMBU FDT1"), named("A2", "ZIMMERMAN FDT 4"))
    geo.use(geocoder, "gazetteer")
    geo.run("clusters")
    geo.run()
    assert [place[:2] for place in geo.placed().values()] == [("cluster", "area"), ("location", "area")]
    assert geocoder.asked == []
    assert geo.query("SELECT count(*) FROM tickets.geo_requests") == [(0,)]
