"""How long the page takes to show a large backlog: python bench/web_draw.py [TICKETS [FOLDER]].

The app that `sh .ci/prepare web` built (or the one in FOLDER) runs in Chromium, which draws WebGL in software. This
process serves the tickets as they travel, so that only the browser is measured. Printed: seconds from the arrival of
the data until the list could be used, all tickets stood on the map, and the map had come to rest, the median of five
visits; and the processor time of the page, its workers and the drawing.
"""

from __future__ import annotations

import gzip
import http.server
import json
import os
import random
import shutil
import statistics
import sys
import threading
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

ASSETS = Path(__file__).parents[1] / "fleettickets" / "web_assets"
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
TICKETS = 35_000
AIM_S = 2.0
VISITS = 5
SPENT = ("page", "workers", "graphics")
MILESTONES = ("list", "tickets", "rest")
# An attribute says that something was drawn; two frames later it is on the screen.
WATCH = """
    window.at = {}
    const frame = (then) => requestAnimationFrame(() => requestAnimationFrame(then))
    const now = (name) => { window.at[name] = -1; frame(() => { window.at[name] = performance.now() }) }
    const wait = setInterval(() => {
      const map = document.querySelector('.mapside .map')
      if (document.querySelector('.row') && !window.at.list) now('list')
      if (map?.dataset.drawn === '%d' && !window.at.tickets) now('tickets')
      if (map?.dataset.idle === '%d' && !window.at.rest) { now('rest'); clearInterval(wait) }
    }, 10)
"""
TAKEN = """
    (names) => {
      const asked = performance.getEntriesByType('resource')
      const arrived = asked.find(({ name }) => name.includes('/webhook/tickets')).responseEnd
      return names.map((name) => (window.at[name] - arrived) / 1000)
    }
"""
# Chromium's processes that do the work of a page.
KINDS = {"--type=renderer": "page", "--type=gpu-process": "graphics"}


def main() -> None:
    """Print one line of seconds and one of processor time."""
    given = iter(sys.argv[1:])
    n, folder = int(next(given, TICKETS)), Path(next(given, ASSETS))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _site(folder, n)) as server, sync_playwright() as playwright:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        visits = []
        for _ in range(VISITS):
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            visits.append(_visit(browser, f"http://127.0.0.1:{server.server_port}/", n))
            browser.close()
        server.shutdown()
    seconds = {name: statistics.median(visit[0][at] for visit in visits) for at, name in enumerate(MILESTONES)}
    cpu = {kind: statistics.median(visit[1].get(kind, 0) for visit in visits) for kind in SPENT}
    print(
        f"{n:,} tickets: list {seconds['list']:.2f} s, all tickets on the map {seconds['tickets']:.2f} s, "
        f"at rest {seconds['rest']:.2f} s after the data (aim: {AIM_S:g} s); "
        f"processor: {', '.join(f'{name} {spent:.2f} s' for name, spent in cpu.items())}"
    )


def _visit(browser: Browser, url: str, n: int) -> tuple[list[float], dict[str, float]]:
    page = browser.new_page(viewport={"width": 1360, "height": 860}, service_workers="block")
    page.add_init_script(WATCH % (n, n))
    page.goto(url)
    page.wait_for_function("window.at.rest > 0 && window.at.tickets > 0 && window.at.list > 0", timeout=120_000)
    return page.evaluate(TAKEN, MILESTONES), _processor_s()


def _processor_s() -> dict[str, float]:
    """Processor time of this process's Chromium: the page's own thread, its workers, the drawing."""
    spent: dict[str, float] = {}
    for task in Path("/proc").glob("[0-9]*/task/[0-9]*"):
        try:
            process = int(task.parts[2])
            command = Path(f"/proc/{process}/cmdline").read_text()
            kind = next((kind for flag, kind in KINDS.items() if flag in command), None)
            name, _, fields = (task / "stat").read_text().partition("(")[2].rpartition(")")
            if kind is None or not _is_ours(process):
                continue
        except OSError:
            continue  # it ended meanwhile
        if kind == "page" and task.name != str(process):
            kind = "workers" if name.startswith("DedicatedWorker") else "helpers"
        user, system = fields.split()[11:13]
        spent[kind] = spent.get(kind, 0) + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return spent


def _is_ours(process: int) -> bool:
    while process > 1 and process != os.getpid():
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return process == os.getpid()


def _site(folder: Path, n: int) -> type[http.server.SimpleHTTPRequestHandler]:
    tickets = gzip.compress(json.dumps(_collection(n)).encode(), 1)

    class Site(http.server.SimpleHTTPRequestHandler):
        """The app's files and the tickets; nothing else is there."""

        def __init__(self, *given: Any) -> None:  # noqa: ANN401  # passed on
            super().__init__(*given, directory=str(folder))

        def do_GET(self) -> None:
            """The tickets whole; of changes since then there are none."""
            if not self.path.startswith("/webhook/tickets"):
                super().do_GET()
                return
            self.send_response(304 if "since=" in self.path else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-encoding", "gzip")
            self.send_header("fleettickets-revision", "1")
            body = b"" if "since=" in self.path else tickets
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A bench prints its figures only."""

    return Site


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
