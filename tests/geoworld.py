"""A database with tickets, a clock that does not wait, and a way to geocode: shared by the tests of geocoding."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from feed import Shelf, sheet, ticket
from geocoder import KEY, Geocoder, Place

from fleettickets import config, db
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import INC, Dataset
from fleettickets.geocode.clusters import geocode_clusters
from fleettickets.geocode.locations import geocode_locations
from fleettickets.geocode.providers import configured
from fleettickets.geocode.run import Order
from fleettickets.pipeline import Order as Ingest
from fleettickets.pipeline import ingest

if TYPE_CHECKING:
    from pathlib import Path

    from fleettickets.geocode.report import GeocodeReport

KASARANI = Place("Kasarani", -1.2219, 36.8976)
MIREMA = Place("Mirema Drive", -1.2150, 36.8900, ("highway", "residential"), within="Roysambu")
ROYSAMBU = Place("Roysambu", -1.2186, 36.8862)
THIKA_ROAD_MALL = Place("Thika Road Mall", -1.2196, 36.8885, ("shop", "mall"), within="Roysambu")
PLACES = [KASARANI, MIREMA, ROYSAMBU, THIKA_ROAD_MALL, Place("Kiambu", -1.1714, 36.8356)]


class StillClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self, now: datetime) -> None:
        self.at = now
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)

    def jitter(self) -> float:
        return 0.0


class GeoWorld:
    """A database with tickets and a way to geocode them."""

    def __init__(self, url: str, folder: Path, now: datetime) -> None:
        self.url = url
        self.now = now
        self.folder = folder
        self.clock = StillClock(now)
        self.shelf = Shelf()
        self.environ: dict[str, str] = {}
        self._hour = 0

    def tickets(self, *rows: dict[str, str], dataset: Dataset = INC) -> None:
        """Ingest one more export file."""
        self._hour += 1
        self.shelf.put(dataset, f"2026-06-22 {self._hour:02}:00:00", sheet(rows))
        report = ingest(Ingest(dataset, "test", apply=True), self.shelf, self.connect, self.now, NOBODY)
        assert report.exit_code == 0, report.error

    def connect(self) -> db.Connection:
        return db.connect(self.url)

    def use(self, geocoder: Geocoder, provider: str = "locationiq", **environ: str) -> None:
        """Configure the provider; `environ` adds settings."""
        self.environ = {
            "GEOCODER_PROVIDER": provider,
            "GEOCODER_API_KEY": KEY,
            "GEOCODER_BASE_URL": geocoder.url,
            "FLEETTICKETS_DEADLINE_S": "1",
            **environ,
        }

    def run(self, what: str = "locations", **order: Any) -> GeocodeReport:
        """One run, for real unless said otherwise."""
        settings = config.load(self.folder, self.environ)
        run = {"clusters": geocode_clusters, "locations": geocode_locations}[what]
        return run(Order(**{"apply": True, **order}), configured(settings), self.connect, self.clock, _unseen)

    def query(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(query, parameters or None).fetchall()

    def placed(self, dataset: str = "inc") -> dict[str, tuple[Any, ...]]:
        """Where each ticket lies, by what, how precisely."""
        query = "SELECT ticket_id, geo_source, geo_precision, round(latitude::numeric, 4)::float8 FROM tickets."
        return {row[0]: row[1:] for row in self.query(query + dataset)}


def named(ticket_id: str, location_name: str, cluster: str = "ROYSAMBU", **cells: str) -> dict[str, str]:
    return ticket(ticket_id, location_name=location_name, cluster=cluster, **cells)


def _unseen(done: int, total: int) -> None:
    """Nobody watches."""
