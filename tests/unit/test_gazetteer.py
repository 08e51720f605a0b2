"""The embedded gazetteer is plausible: places apart from each other, where we work, with the clusters of the demo."""

from __future__ import annotations

from itertools import combinations
from math import asin, cos, radians, sin, sqrt

import pytest

from fleettickets.demo.nairobi import CLUSTERS, Cluster
from fleettickets.geocode.gazetteer import Place, by_key, key, read
from fleettickets.geocode.names import Kind, clean
from fleettickets.geocode.points import OPERATING_AREA, Point
from fleettickets.geocode.rules import seeded

KINDS = {"town", "suburb", "estate", "street", "mall", "landmark"}
NEIGHBOURS_KM = [
    ("Kasarani", "Mwiki", 2, 5),
    ("Nairobi CBD", "Westlands", 2, 4),
    ("Nairobi CBD", "Thika", 35, 45),
    ("Nairobi CBD", "Kitengela", 22, 32),
    ("Nairobi CBD", "Limuru", 22, 32),
    ("Nairobi CBD", "Ongata Rongai", 13, 19),
    ("Nairobi CBD", "Ngong", 17, 23),
    ("Nairobi CBD", "Jomo Kenyatta International Airport", 11, 15),
    ("Juja", "Thika", 9, 14),
    ("Ruiru", "Githurai 45", 6, 10),
    ("South B", "South C", 1, 3),
    ("Thika Road Mall", "Garden City Mall", 1, 3),
    ("Kiambiu", "Kiambu", 11, 15),
    ("Kahawa West", "Kahawa Sukari", 2, 5),
]


def _km(one: Point, other: Point) -> float:
    lat_1, lat_2 = radians(one.lat), radians(other.lat)
    half = sin((lat_2 - lat_1) / 2) ** 2 + cos(lat_1) * cos(lat_2) * sin(radians(other.lon - one.lon) / 2) ** 2
    return 2 * 6371 * asin(sqrt(half))


@pytest.mark.parametrize("place", read(), ids=lambda place: place.name)
def test_a_place_lies_where_we_work_and_says_what_it_is(place: Place) -> None:
    assert OPERATING_AREA.holds(place.point)
    assert place.kind in KINDS
    assert 0.1 < place.radius_km <= 3
    assert place.source


def test_no_name_is_given_twice() -> None:
    names = [key(name) for place in read() for name in (place.name, *place.aliases)]
    assert sorted(names) == sorted(set(names))


def test_no_two_places_share_a_point() -> None:
    near = [(a.name, b.name) for a, b in combinations(read(), 2) if _km(a.point, b.point) < 0.12]
    assert near == []


@pytest.mark.parametrize(("one", "other", "least", "most"), NEIGHBOURS_KM)
def test_well_known_places_lie_as_far_apart_as_they_do(one: str, other: str, least: float, most: float) -> None:
    known = by_key()
    assert least < _km(known[key(one)].point, known[key(other)].point) < most


@pytest.mark.parametrize("cluster", CLUSTERS, ids=lambda cluster: cluster.name)
def test_every_cluster_of_the_demo_is_in_it(cluster: Cluster) -> None:
    name = clean(cluster.name, cluster.name, seeded())
    assert name.kind is Kind.CLUSTER
    assert key(name.place or "") in by_key()


@pytest.mark.parametrize("place", read(), ids=lambda place: place.name)
def test_a_name_of_the_gazetteer_survives_cleaning(place: Place) -> None:
    assert clean(place.name, None, seeded()).place == place.name


@pytest.mark.parametrize(
    ("alias", "name"), [(alias, place.name) for place in read() for alias in place.aliases if " " not in alias]
)
def test_a_short_name_of_the_gazetteer_is_read_as_its_place(alias: str, name: str) -> None:
    place = clean(alias, None, seeded()).place
    assert place is None or by_key()[key(place)].name == name


def test_where_quarry_road_lies_needs_a_person() -> None:
    assert not by_key()["quarryroad"].certain
    assert by_key()["ptmp"].name == "Pipeline"
