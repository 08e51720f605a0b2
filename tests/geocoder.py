"""A geocoder on this machine that behaves as the real ones do: LocationIQ, Nominatim, OpenCage and Photon in one.

It knows the places it is given, counts a quota, checks a key, and can be told to be slow, full, angry or a liar.
What it answers, word for word, is what the providers document.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEY = "canary-4f1d9e"
HTML = b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"
SEARCHES = {"/v1/search": "locationiq", "/search": "nominatim", "/geocode/v1/json": "opencage", "/api": "photon"}


@dataclass(frozen=True, slots=True)
class Place:
    """A place the server knows."""

    name: str
    lat: float
    lon: float
    kind: tuple[str, str] = ("place", "suburb")
    within: str = "Nairobi"
    importance: float = 0.4

    @property
    def label(self) -> str:
        return f"{self.name}, {self.within}, Kenya"


@dataclass(slots=True)
class Geocoder:
    """What the server knows, what it will do next, and what it was asked."""

    places: Sequence[Place] = ()
    key: str = KEY
    quota: int | None = None
    balance: bool = True
    honours_box: bool = True
    script: deque[str] = field(default_factory=deque)
    """What to do with the next requests, one word each; then it answers properly."""
    always: str | None = None
    hang_s: float = 5.0
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    @property
    def queries(self) -> list[str]:
        """What was searched for, in order."""
        return [parameters.get("q", "") for path, parameters in self.asked if path in SEARCHES]

    def found(self, parameters: dict[str, str]) -> list[Place]:
        """Places whose label has every word of the query, inside the box if one is honoured."""
        words = _words(parameters.get("q", ""))
        hits = [place for place in self.places if words and words <= _words(place.label)]
        box = _box(parameters)
        if box and self.honours_box:
            hits = [place for place in hits if box[1] <= place.lat <= box[3] and box[0] <= place.lon <= box[2]]
        return hits[: int(parameters.get("limit", "10"))]


@contextlib.contextmanager
def serving(**facts: Any) -> Iterator[Geocoder]:
    """Run a geocoder on a free port of this machine."""
    geocoder = Geocoder(**facts)

    class Handler(_Handler):
        world = geocoder

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        geocoder.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield geocoder
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    world: Geocoder
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        parameters = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.world.asked.append((parts.path, parameters))
        provider = SEARCHES.get(parts.path)
        if parts.path == "/v1/balance" and self.world.balance:
            self._balance(parameters)
        elif provider is None:
            self._send(404, b"<h1>Not Found</h1>", "text/html")
        else:
            word = self.world.script.popleft() if self.world.script else self.world.always
            self._misbehave(provider, word) if word else self._search(provider, parameters)

    def _balance(self, parameters: dict[str, str]) -> None:
        if parameters.get("key") != self.world.key:
            self._json(401, {"error": "Invalid key"})
        else:
            left = 5000 if self.world.quota is None else self.world.quota
            self._json(200, {"status": "ok", "balance": {"day": left, "bonus": 0}})

    def _search(self, provider: str, parameters: dict[str, str]) -> None:
        world = self.world
        if provider in {"locationiq", "opencage"} and parameters.get("key") != world.key:
            self._misbehave(provider, "key")
        elif world.quota is not None and world.quota <= 0:
            self._misbehave(provider, "day")
        else:
            if world.quota is not None:
                world.quota -= 1
            _ANSWERS[provider](self, world.found(parameters))

    def _misbehave(self, provider: str, word: str) -> None:
        if word == "hang":
            time.sleep(self.world.hang_s)
            self.close_connection = True
        elif word == "drip":
            self._drip()
        elif word == "html":
            self._send(200, HTML, "text/html")
        elif word == "html-502":
            self._send(502, HTML, "text/html")
        elif word == "redirect":
            self._send(302, b"", "text/html", Location=f"{self.world.url}/elsewhere")
        elif word == "lagos":
            _ANSWERS[provider](self, [Place("Kasarani", 6.5244, 3.3792, within="Lagos")])
        elif word == "nonsense":
            self._json(200, {"weather": "fine"})
        elif word == "broken":
            self._json(200, _BROKEN[provider])
        else:
            status, text = _REFUSALS[provider][word]
            self._refuse(provider, status, text)

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "100000")
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(int(self.world.hang_s * 20)):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.05)
        self.close_connection = True

    def _refuse(self, provider: str, status: int, text: str) -> None:
        if provider != "opencage":
            self._json(status, {"error": text})
            return
        document: dict[str, Any] = {"results": [], "status": {"code": status, "message": text}, "total_results": 0}
        if status == 402:
            document["rate"] = {"limit": 2500, "remaining": 0, "reset": int(time.time()) // 86400 * 86400 + 86400}
        self._json(status, document)

    def locationiq(self, places: list[Place]) -> None:
        if places:
            self._json(200, [_element(place) for place in places])
        else:
            self._json(404, {"error": "Unable to geocode"})

    def nominatim(self, places: list[Place]) -> None:
        renamed = [{**_element(place), "category": place.kind[0]} for place in places]
        for element in renamed:
            del element["class"]
        self._json(200, renamed)

    def opencage(self, places: list[Place]) -> None:
        document: dict[str, Any] = {
            "documentation": "https://opencagedata.com/api",
            "licenses": [{"name": "see attribution guide", "url": "https://opencagedata.com/credits"}],
            "results": [
                {
                    "bounds": {
                        "northeast": {"lat": place.lat + 0.001, "lng": place.lon + 0.001},
                        "southwest": {"lat": place.lat - 0.001, "lng": place.lon - 0.001},
                    },
                    "components": {"_type": _opencage_type(place), "country": "Kenya", "country_code": "ke"},
                    "confidence": 9,
                    "formatted": place.label,
                    "geometry": {"lat": place.lat, "lng": place.lon},
                }
                for place in places
            ],
            "status": {"code": 200, "message": "OK"},
            "stay_informed": {"blog": "https://blog.opencagedata.com"},
            "thanks": "For using an OpenCage API",
            "timestamp": {"created_http": "Thu, 25 Jun 2026 09:00:00 GMT", "created_unix": 1782378000},
            "total_results": len(places),
        }
        if self.world.quota is not None:
            document["rate"] = {"limit": 2500, "remaining": self.world.quota, "reset": 1782432000}
        self._json(200, document)

    def photon(self, places: list[Place]) -> None:
        features = [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [place.lon, place.lat]},
                "properties": {
                    "osm_type": "N",
                    "osm_id": abs(hash(place.name)) % 10**9,
                    "osm_key": place.kind[0],
                    "osm_value": place.kind[1],
                    "name": place.name,
                    "city": place.within,
                    "country": "Kenya",
                    "countrycode": "KE",
                },
            }
            for place in places
        ]
        self._json(200, {"type": "FeatureCollection", "features": features})

    def _json(self, status: int, document: Any) -> None:
        self._send(status, json.dumps(document).encode(), "application/json; charset=UTF-8")

    def _send(self, status: int, body: bytes, content_type: str, **headers: str) -> None:
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


_ANSWERS = {
    "locationiq": _Handler.locationiq,
    "nominatim": _Handler.nominatim,
    "opencage": _Handler.opencage,
    "photon": _Handler.photon,
}
_LIKE_LOCATIONIQ = {
    "400": (400, "Invalid Request"),
    "key": (401, "Invalid key"),
    "inactive": (401, "Key not active - Please write to support"),
    "service": (403, "Service not enabled"),
    "access": (403, "Access restricted"),
    "second": (429, "Rate Limited Second"),
    "minute": (429, "Rate Limited Minute"),
    "day": (429, "Rate Limited Day"),
    "500": (500, "Unknown error - Please try again after some time"),
}
_REFUSALS = {
    "locationiq": _LIKE_LOCATIONIQ,
    "nominatim": _LIKE_LOCATIONIQ,
    "photon": _LIKE_LOCATIONIQ,
    "opencage": {
        "400": (400, "bad request"),
        "key": (401, "invalid API key"),
        "inactive": (401, "missing API key"),
        "service": (403, "disabled"),
        "access": (403, "disabled"),
        "second": (429, "too many requests"),
        "minute": (429, "too many requests this minute"),
        "day": (402, "quota exceeded"),
        "500": (500, "internal server error"),
    },
}
_BROKEN: dict[str, Any] = {
    "locationiq": [{"lat": "north", "lon": None, "display_name": "X"}, {"lat": "NaN", "lon": "1"}, 7, None, {}],
    "nominatim": [{"lat": "-1.2", "display_name": "X"}, []],
    "opencage": {"results": [{"geometry": {"lat": "x"}}, 7, {"formatted": "X", "geometry": None}]},
    "photon": {"features": [{"geometry": {"coordinates": [36.8]}}, 7, {"properties": {}}, None]},
}


def _element(place: Place) -> dict[str, Any]:
    return {
        "place_id": "331" + str(abs(hash(place.name)) % 10**6),
        "licence": "https://locationiq.com/attribution",
        "osm_type": "node",
        "osm_id": str(abs(hash((place.name, place.lat))) % 10**9),
        "boundingbox": [
            str(place.lat - 0.001),
            str(place.lat + 0.001),
            str(place.lon - 0.001),
            str(place.lon + 0.001),
        ],
        "lat": str(place.lat),
        "lon": str(place.lon),
        "display_name": place.label,
        "class": place.kind[0],
        "type": place.kind[1],
        "importance": place.importance,
    }


def _opencage_type(place: Place) -> str:
    return {"highway": "road", "building": "building", "place": "suburb"}.get(place.kind[0], place.kind[1])


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", text.lower()))


def _box(parameters: dict[str, str]) -> list[float] | None:
    text = parameters.get("viewbox") or parameters.get("bounds") or parameters.get("bbox")
    if not text:
        return None
    x1, y1, x2, y2 = map(float, text.split(","))
    return [min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]
