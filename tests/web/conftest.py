"""A real server over a real database, and a real browser that looks at it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from feed import Shelf, sheet
from playwright.sync_api import expect, sync_playwright

from fleettickets import db
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import EAT, INC
from fleettickets.errors import BusyError
from fleettickets.pipeline import Order, ingest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Page, Request, ViewportSize

    from fleettickets.datasets import Dataset
    from fleettickets.report import RunReport

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "fleettickets" / "web_assets"
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-dev-shm-usage"]


@dataclass
class Site:
    """A database with a server in front of it; rows go in as the engine takes them."""

    database_url: str
    url: str
    process: subprocess.Popen[str]
    shelf: Shelf = field(default_factory=Shelf)
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def load(self, rows: list[dict[str, str]], dataset: Dataset = INC, *, ago_h: float = 0.5) -> None:
        """Export these rows at so many hours before now, and ingest them."""
        self.shelf.put(dataset, self.ago(ago_h), sheet(rows))
        report = self._drained(Order(dataset, "test", apply=True))
        assert report.exit_code == 0, report.error

    def _drained(self, order: Order, patience: int = 50) -> RunReport:
        # The lock of a run before this one goes with its connection, which nobody waits for.
        try:
            return ingest(order, self.shelf, lambda: db.connect(self.database_url), datetime.now(UTC), NOBODY)
        except BusyError:
            if not patience:
                raise
            time.sleep(0.1)
            return self._drained(order, patience - 1)

    def ago(self, hours: float) -> str:
        """The instant so many hours before now, as the feed writes it."""
        return f"{(self.now - timedelta(hours=hours)).astimezone(EAT):%Y-%m-%d %H:%M:%S}"

    def ask(self, query: str) -> Any:
        """The first value that the database answers."""
        with db.connect(self.database_url) as connection:
            row = connection.execute(query.encode()).fetchone()
            assert row
            return row[0]


@dataclass
class Visit:
    """A page and what went wrong on it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, drawing WebGL without a graphics card."""
    found = next((path for name in _CHROMIUM if (path := shutil.which(name))), None)
    assert found, "there is no Chromium: sh .ci/prepare browser"
    assert (ASSETS / "index.html").is_file(), "the web app is not built: sh .ci/prepare web"
    expect.set_options(timeout=20_000)  # as long as a page may take on a busy machine
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=_FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def settings() -> dict[str, str]:
    """What the server is told beside its database; a module may tell it more."""
    return {}


@pytest.fixture
def site(database_url: str, tmp_path: Path, settings: dict[str, str]) -> Iterator[Site]:
    """An empty database with the server in front of it."""
    own = {"DATABASE_URL": database_url, "FLEETTICKETS_EMBEDDED": "never", "PYTHONPATH": str(ROOT)}
    environ = {**os.environ, **own, **settings}
    command = [str(Path(sys.executable).with_name("fleettickets")), "serve", "--port", "0", "--no-access-log"]
    log = tmp_path / "serve.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=output, stderr=output, text=True)
        try:
            yield Site(database_url, address(process, log), process)
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Visit]]:
    """Opens a page of the site as a person with a fresh browser would, and notes every error and foreign request."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def opened(path: str = "/", *, phone: bool = False, allowed: str | None = None, **options: Any) -> Visit:
        size: ViewportSize = {"width": 390, "height": 844} if phone else {"width": 1360, "height": 860}
        context = browser.new_context(
            base_url=site.url, viewport=size, has_touch=phone, is_mobile=phone, locale="en-GB", **options
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        visited = Visit(context.new_page())
        visits.append(visited)
        visited.page.on("pageerror", lambda error: visited.errors.append(str(error)))
        visited.page.on("console", lambda said: _note(visited, said.type, said.text))
        known = tuple(url for url in (site.url, allowed, "data:", "blob:") if url)
        visited.page.on("request", lambda request: _note_foreign(visited, request, known))
        visited.page.goto(path)
        return visited

    yield opened
    for context in contexts:
        context.close()
    assert [error for one in visits for error in one.errors] == []
    assert [url for one in visits for url in one.foreign] == []


def address(process: subprocess.Popen[str], log: Path) -> str:
    """Where the server that writes this log answers."""
    for _ in range(600):
        found = re.search(r"http://[\d.]+:\d+", log.read_text(encoding="utf-8"))
        if found:
            return found[0]
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError(log.read_text(encoding="utf-8"))


def _note(visited: Visit, kind: str, text: str) -> None:
    # A part of the server that is not there answers 404, and a stopped one nothing: the page says so itself.
    if kind == "error" and not text.startswith("Failed to load resource"):
        visited.errors.append(text)


def _note_foreign(visited: Visit, request: Request, known: tuple[str, ...]) -> None:
    if not request.url.startswith(known):
        visited.foreign.append(request.url)
