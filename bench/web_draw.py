"""How long the map takes to draw a large backlog: python bench/web_draw.py [TICKETS], after sh .ci/prepare web.

The built app runs in Chromium, which draws WebGL in software; the tickets come from this process, so that only the
browser is measured. Printed: when the list could be used and when the map had drawn all, both from the data's arrival.
"""

from __future__ import annotations

import functools
import http.server
import json
import random
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

from playwright.sync_api import Route, sync_playwright

ASSETS = Path(__file__).parents[1] / "fleettickets" / "web_assets"
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
TICKETS = 35_000
WATCH = """
    const wait = setInterval(() => {
      const map = document.querySelector('.map')
      if (document.querySelector('.row') && !window.listAt) window.listAt = performance.now()
      if (map?.dataset.idle === '%d' && !window.drawnAt) { window.drawnAt = performance.now(); clearInterval(wait) }
    }, 10)
    const before = window.fetch
    window.fetch = async (...given) => {
      const response = await before(...given)
      if (String(given[0]).startsWith('/webhook/tickets')) window.dataAt ??= performance.now()
      return response
    }
"""


def main() -> None:
    """Print one line of three numbers."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else TICKETS
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(ASSETS))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"{n:,} tickets: {_measured(f'http://127.0.0.1:{server.server_port}/', n)}")
        server.shutdown()


def _measured(url: str, n: int) -> str:
    body = json.dumps(_collection(n))
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1360, "height": 860}, service_workers="block")
        page.add_init_script(WATCH % n)
        page.route("**/api/**", lambda route: route.fulfill(status=404, json={}))
        page.route("**/webhook/tickets*", lambda route: _answer(route, body))
        page.goto(url)
        page.wait_for_function("window.drawnAt", timeout=120_000)
        at: list[float] = page.evaluate("[window.listAt - window.dataAt, window.drawnAt - window.dataAt]")
        browser.close()
    return f"list {at[0] / 1000:.2f} s, map {at[1] / 1000:.2f} s after the data"


def _answer(route: Route, body: str) -> None:
    route.fulfill(body=body, content_type="application/json", headers={"fleettickets-revision": "1"})


def _collection(n: int) -> dict[str, Any]:
    draw = random.Random(1)  # noqa: S311  # the same tickets every time
    features = [
        {
            "type": "Feature",
            "id": f"INC-{number}",
            "geometry": {"type": "Point", "coordinates": [draw.gauss(36.85, 0.1), draw.gauss(-1.27, 0.08)]},
            "properties": {
                "ticket_id": f"INC-{number}",
                "dataset": "inc",
                "status": "ACCEPTED",
                "cluster": f"CLUSTER {number % 50}",
                "location_name": f"PLACE_{number % 900}_FDT{number % 24}",
                "assigned_team": f"Crew {number % 40}",
                "opened_at": "2026-06-01T08:00:00+03:00",
                "sla_at_risk_at": "2026-06-02T20:00:00+03:00",
                "sla_due_at": f"20{26 + number % 9}-06-03T08:00:00+03:00",
                "age_bound": "exact",
                "geo_source": ("feed", "location", "cluster")[number % 3],
            },
        }
        for number in range(n)
    ]
    return {"type": "FeatureCollection", "features": features, "summary": {"freshness": {"inc": {}, "crq": {}}}}


if __name__ == "__main__":
    main()
