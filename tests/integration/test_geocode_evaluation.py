"""Our own evaluation set, through a provider that knows right points, and namesakes, streets and shops beside them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import NOW
from geocoder import KEY, Geocoder, Place, serving
from psycopg import sql

from fleettickets import config
from fleettickets.errors import UsageError
from fleettickets.geocode.evaluate import evaluate, read_expected
from fleettickets.geocode.providers import configured
from fleettickets.geocode.run import Order, wall_clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets.db import Connection

CASES = Path(__file__).parents[1] / "cases"
PLACES, NAMES = CASES / "evaluation_places.csv", CASES / "evaluation_names.csv"
KINDS = {"town": ("place", "town"), "suburb": ("place", "suburb"), "estate": ("place", "neighbourhood"),
         "street": ("highway", "residential"), "mall": ("shop", "mall"), "landmark": ("amenity", "place")}  # fmt: skip
DECOYS = [
    Place("Pipeline", -0.3300, 36.1300, within="Nakuru"),
    Place("Rongai", -0.1730, 35.8600, within="Nakuru"),
    Place("Kasarani Road", -1.2500, 36.8300, ("highway", "tertiary")),
    Place("Ruiru", -1.0100, 36.9000, ("shop", "kiosk"), within="Githunguri"),
    Place("Umoja", -1.5200, 37.2600, ("shop", "butcher"), within="Machakos"),
    Place("Kenya", -1.2, 36.8, ("place", "country"), within="Africa"),
]


@pytest.fixture(scope="module")
def city() -> Iterator[Geocoder]:
    """A geocoder that knows the places of the set, and decoys."""
    with PLACES.open(encoding="utf-8", newline="") as lines:
        places = [
            Place(row["name"], float(row["lat"]), float(row["lon"]), KINDS.get(row["tier"], ("place", "suburb")))
            for row in csv.DictReader(lines)
        ]
    with serving(places=[*DECOYS, *places], honours_box=False) as running:
        yield running


def marks(connection: Connection, folder: Path, city: Geocoder, provider: str) -> dict[str, Any]:
    """Evaluate with one provider."""
    city.asked.clear()
    environ = {"GEOCODER_PROVIDER": provider, "GEOCODER_API_KEY": KEY, "GEOCODER_BASE_URL": city.url}
    providers = configured(config.load(folder, environ))
    return evaluate(read_expected(PLACES, NAMES), Order(), providers, connection, wall_clock(NOW)).as_dict()


@pytest.mark.parametrize("provider", ["locationiq", "nominatim", "opencage", "photon"])
def test_names_lie_where_they_are(shared_connection: Connection, tmp_path: Path, city: Geocoder, provider: str) -> None:
    """At least 95 % within 1 km, none beyond 5 km, nothing where nothing is meant, under a request a name."""
    found = marks(shared_connection, tmp_path, city, provider)
    assert found["exit_code"] == 0
    assert found["within_1_km_share"] >= 0.95, found["wrong"]
    assert found["beyond_5_km_share"] == 0, found["wrong"]
    assert found["resolved_though_nothing"] == 0, found["wrong"]
    assert found["requests_per_distinct_name"] < 1
    assert found["requests"] == len(city.queries) == len(set(city.queries))


def test_an_evaluation_leaves_the_database_as_it_was(connection: Connection, tmp_path: Path, city: Geocoder) -> None:
    """No row of any table differs."""

    def rows() -> list[tuple[Any, ...]]:
        tables = ("geo_locations", "geo_clusters", "geo_answers", "geo_requests", "geo_decisions")
        query = sql.SQL("SELECT * FROM tickets.{}")
        return [(name, connection.execute(query.format(sql.Identifier(name))).fetchall()) for name in tables]

    before = rows()
    marks(connection, tmp_path, city, "locationiq")
    assert rows() == before


@pytest.mark.parametrize(
    ("places", "names"),
    [
        ("id,lat\n1,2\n", "raw,cluster,place_id\n"),
        ("id,lat,lon\na,north,36\n", "raw,cluster,place_id\n"),
        ("id,lat,lon\na,-1,36\n", "raw,cluster,place_id\nX,Y,b\n"),
        ("id,lat,lon\na,-1,36\n", "raw\n"),
    ],
)
def test_files_that_cannot_be_used_are_refused(tmp_path: Path, places: str, names: str) -> None:
    """With the file and what is wrong with it."""
    (tmp_path / "places.csv").write_text(places)
    (tmp_path / "names.csv").write_text(names)
    with pytest.raises(UsageError, match=r"(places|names)\.csv"):
        read_expected(tmp_path / "places.csv", tmp_path / "names.csv")


def test_files_that_are_not_there_are_refused(tmp_path: Path) -> None:
    """Or are no text."""
    with pytest.raises(UsageError):
        read_expected(tmp_path / "places.csv", tmp_path / "names.csv")
