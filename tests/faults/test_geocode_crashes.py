"""kill -9 in the middle of geocoding: one request at most is lost, nothing is asked twice, the next run finishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from geocoder import KEY, Geocoder, Place
from geoworld import ROYSAMBU, named

from fleettickets import failpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Outcome
    from geoworld import GeoWorld

KILLED = -9
GARDENS = [Place(f"{word} Gardens", -1.22, 36.887) for word in ("Alpha", "Bravo", "Charlie")]


@pytest.mark.parametrize("point", failpoint.GEOCODING_POINTS)
def test_a_killed_run_costs_at_most_one_request(
    geo: GeoWorld, geocoder: Geocoder, shell: Callable[..., Outcome], point: str
) -> None:
    """Reserved before it is sent: the books are never short, and the next run goes on where this one stopped."""
    geocoder.places = [ROYSAMBU, *GARDENS]
    geo.tickets(*(named(f"A{n}", place.name) for n, place in enumerate(GARDENS)))
    geo.use(geocoder)
    geo.run("clusters")
    geocoder.asked.clear()
    environ: dict[str, str | None] = {**geo.environ, "FLEETTICKETS_DEADLINE_S": "10"}
    command = ("fleettickets", "geocode", "locations", "--apply")
    killed = shell(*command, env={**environ, "FLEETTICKETS_FAILPOINT": f"{point}:kill"})
    assert killed.exit_code == KILLED
    done = shell(*command, env=environ)
    assert (done.exit_code, KEY in done.out + done.err) == (0, False)
    books = geo.query(
        "SELECT count(*), count(*) FILTER (WHERE state = 'reserved') "
        "FROM tickets.geo_requests WHERE query_key <> 'roysambu'"
    )
    sent = len(geocoder.queries)
    assert books == [(sent + (point == "asking"), int(point != "decided"))]
    assert sent <= len(GARDENS) + 1
    assert {place[0] for place in geo.placed().values()} == {"location"}
