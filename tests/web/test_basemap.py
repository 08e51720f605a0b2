"""A configured ground under the map: a hosted style and an archive of tiles, from a server of its own on loopback."""

from __future__ import annotations

import gzip
import http.server
import json
import re
import struct
import threading
import zlib
from typing import TYPE_CHECKING

import pytest
from feed import ticket
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page
    from psycopg import Connection
    from web.conftest import Site, Visit

    Open = Callable[..., Visit]

CREDIT = "© Makers of the test map"
# What the archive's water is drawn in, and what the hosted style asks for.
QUIET_WATER = (0xDF, 0xE8, 0xEC)
HOSTED_WATER = (0x12, 0x34, 0x56)
FULL_TILE = """
    SELECT public.st_asmvt(tile, 'water', 4096, 'geom') FROM (
        SELECT public.st_makeenvelope(-64, -64, 4160, 4160) AS geom
    ) AS tile
"""


class Ground(http.server.ThreadingHTTPServer):
    """Files in memory, whole or a part of one, for any page."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Answer(http.server.BaseHTTPRequestHandler):
    server: Ground

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        body = self.server.files.get(self.path)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
        status = 404 if body is None else 206 if wanted else 200
        body = body or b""
        if wanted:
            body = body[int(wanted[1]) : int(wanted[2]) + 1]
        self.send_response(status)
        self.send_header("access-control-allow-origin", "*")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Its answers are asserted, not read."""


def archive(tile: bytes) -> bytes:
    """A PMTiles archive, version 3, with one tile for the whole world."""
    body = gzip.compress(tile)
    directory = bytes([1, 0, 1]) + _varint(len(body)) + bytes([1])
    metadata = json.dumps({"attribution": CREDIT, "vector_layers": [{"id": "water", "fields": {}}]}).encode()
    at_metadata = 127 + len(directory)
    at_tiles = at_metadata + len(metadata)
    parts = (127, len(directory), at_metadata, len(metadata), 0, 0, at_tiles, len(body), 1, 1, 1)
    plain, gzipped, vector = 1, 2, 1
    kinds = bytes([1, plain, gzipped, vector, 0, 0])
    world = struct.pack("<iiii", -1_800_000_000, -850_000_000, 1_800_000_000, 850_000_000)
    header = b"PMTiles\x03" + struct.pack("<11Q", *parts) + kinds + world + bytes([0]) + struct.pack("<ii", 0, 0)
    assert len(header) == 127
    return header + directory + metadata + body


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


STYLE = {
    "version": 8,
    "sources": {"hosted": {"type": "vector", "tiles": ["/{z}/{x}/{y}.mvt"], "maxzoom": 0, "attribution": CREDIT}},
    "layers": [
        {"id": "sky", "type": "background", "paint": {"background-color": "#ffffff"}},
        {"id": "w", "type": "fill", "source": "hosted", "source-layer": "water", "paint": {"fill-color": "#123456"}},
    ],
}


@pytest.fixture
def ground(connection: Connection) -> Iterator[Ground]:
    """A server of tiles, each of them all water."""
    row = connection.execute(FULL_TILE).fetchone()
    assert row
    server = Ground()
    server.files = {
        "/0/0/0.mvt": bytes(row[0]),
        "/style.json": json.dumps(STYLE).encode(),
        "/ground.pmtiles": archive(bytes(row[0])),
    }
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def settings(request: pytest.FixtureRequest, ground: Ground) -> dict[str, str]:
    """The address under test, on the server of tiles."""
    return {"FLEETTICKETS_BASEMAP_URL": request.param.format(ground.url)}


def pixel(page: Page) -> tuple[int, ...]:
    """The colour of the map where no ticket lies, out of a picture of one pixel."""
    box = page.locator(".mapside .map").bounding_box()
    assert box
    clip = {"x": box["x"] + box["width"] - 150, "y": box["y"] + 60, "width": 1, "height": 1}
    png = page.screenshot(clip=clip)  # type: ignore[arg-type]  # a dictionary of its four numbers
    data = b""
    at = 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    return tuple(zlib.decompress(data)[1:4])


@pytest.mark.parametrize(
    ("settings", "colour"),
    [
        ("{}/style.json", HOSTED_WATER),
        ("pmtiles://{}/ground.pmtiles", QUIET_WATER),
    ],
    indirect=["settings"],
    ids=["hosted", "archive"],
)
def test_a_configured_ground_is_drawn_and_its_makers_are_named(
    site: Site, visit: Open, ground: Ground, colour: tuple[int, ...]
) -> None:
    """Its tiles are drawn, its attribution is read, and the policy opens to its origin and no other."""
    site.load([ticket("INC-1", created_at_service=site.ago(60), latitude="-1.27", longitude="36.85")])
    page = visit("/?theme=light", allowed=ground.url).page
    page.wait_for_selector(".map[data-idle='1']", state="attached")
    expect(page.locator(".maplibregl-ctrl-attrib")).to_contain_text(CREDIT)
    expect(page.locator(".credit")).to_have_count(0)
    assert pixel(page) == colour
    policy = page.request.get("/", headers={"accept": "text/html"}).headers["content-security-policy"]
    assert f"connect-src 'self' {ground.url};" in policy
    assert "*" not in policy


@pytest.mark.parametrize("settings", ["{}/not-there.json", "{}/not-there.pmtiles"], indirect=True)
def test_without_its_ground_the_map_has_the_outlines(site: Site, visit: Open, ground: Ground) -> None:
    """A basemap that is not there takes nothing away: tickets over the built-in outlines, and a line that says so."""
    site.load([ticket("INC-1", created_at_service=site.ago(60), latitude="-1.27", longitude="36.85")])
    page = visit("/?theme=light", allowed=ground.url).page
    page.wait_for_selector(".map[data-idle='1']", state="attached")
    expect(page.locator(".credit")).to_contain_text("Basemap not reachable: outlines · Lines: Natural Earth")
    assert any("not-there" in path for path in ground.asked)
