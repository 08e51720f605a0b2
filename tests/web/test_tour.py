"""The demo's five steps: a step is done when what it asks for really happened, and b really breaks the feed."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from feed import ticket
from playwright.sync_api import expect
from web.conftest import Site, address

from fleettickets.demo import scene
from fleettickets.demo.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Locator, Page
    from web.conftest import Visit

    Open = Callable[..., Visit]

ROOT = Path(__file__).parents[2]
COMMAND = "FLEETTICKETS_HOME=play fleettickets sla explain INC-1"
NOON = datetime(2026, 6, 25, 9, tzinfo=UTC)
"""A Thursday, 12:00 in Nairobi: three silent hours from here are active ones."""


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    """The demo's own server over an empty database."""
    play(tmp_path, NOON)
    environ = {**os.environ, "DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "from fleettickets.demo.server import main; main()", str(tmp_path), "0"]
    log = tmp_path / "serve.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=output, stderr=output, text=True)
        try:
            yield Site(database_url, address(process, log), process, now=NOON)
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def told(site: Site) -> Site:
    """The demo with two open tickets, of a file that has just come."""
    site.load([ticket("INC-1", created_at_service=site.ago(90)), ticket("INC-2", created_at_service=site.ago(50))])
    return site


def play(home: Path, now: datetime, phase: str = "live", began: datetime = NOON) -> None:
    """Let the demo's clock show this."""
    scene.tell(home, Scene(began, now, phase, COMMAND))


def words(page: Page) -> Locator:
    return page.locator(".tour .words")


def done(page: Page) -> list[str]:
    return [one.inner_text() for one in page.locator(".tour li[data-done=true] > span:first-child").all()]


def go_to(page: Page, step: int) -> None:
    """Press Next until the step is shown."""
    for _ in range(step - 1):
        page.get_by_role("button", name="Next").click()


def test_each_step_is_done_by_doing_it(told: Site, visit: Open) -> None:
    """Opening a ticket, asking for what is proven, going to last Tuesday, copying the command: nothing else counts."""
    page = visit("/").page
    expect(words(page)).to_contain_text("2 tickets are open")
    assert done(page) == []
    page.locator(".list").get_by_text("INC-1").click()
    expect(page.locator(".tour li[data-done=true]")).to_have_count(1)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="proven", exact=True).click()
    expect(page.locator(".tour li[data-done=true]")).to_have_count(2)
    page.get_by_role("button", name="Next").click()
    expect(words(page)).to_contain_text("last Tuesday, Tue 23 Jun")
    for _ in range(3):
        page.keyboard.press("[")
    expect(page.locator(".tour li[data-done=true]")).to_have_count(3)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Next").click()
    expect(words(page).locator("code")).to_have_text(COMMAND)
    page.get_by_role("button", name="Copy").click()
    expect(page.locator(".tour li[data-done=true]")).to_have_count(4)
    assert told.ask("SELECT count(*) FROM tickets.inc") == 2


def test_b_breaks_the_feed_and_the_header_tells_it(told: Site, visit: Open, tmp_path: Path) -> None:
    """Amber after three silent hours, red after six, with the reason; b again mends it, and the header agrees."""
    page = visit("/").page
    go_to(page, 4)
    expect(words(page)).to_contain_text("Press b")
    page.keyboard.press("b")
    expect(words(page)).to_contain_text("Exports stay")
    assert scene.is_broken(tmp_path)
    clocks = page.locator(".clocks")
    for hours, level in ((2, "ok"), (4, "warn"), (7, "error")):
        play(tmp_path, NOON + timedelta(hours=hours))
        expect(clocks).to_have_attribute("data-level", level)
    expect(clocks).to_contain_text("Alarm: feed silent for 7 h")
    expect(words(page)).to_contain_text("Press b again")
    assert done(page) == []
    page.keyboard.press("b")
    for _ in range(100):
        if not scene.is_broken(tmp_path):
            break
        page.wait_for_timeout(100)
    assert not scene.is_broken(tmp_path)
    told.now = NOON + timedelta(hours=8)
    play(tmp_path, told.now)
    told.load([ticket("INC-3", created_at_service=told.ago(50))])
    expect(words(page)).to_contain_text("Nothing was lost")
    expect(clocks).to_have_attribute("data-level", "ok")


def test_while_the_forty_days_run_b_breaks_nothing(told: Site, visit: Open, tmp_path: Path) -> None:
    """Said in words, and true."""
    play(tmp_path, NOON, "replay")
    page = visit("/?lang=sw").page
    expect(words(page)).to_contain_text("Tiketi 2 ziko wazi")
    for _ in range(3):
        page.get_by_role("button", name="Endelea").click()
    expect(words(page)).to_contain_text("Siku arobaini bado zinapita")
    page.keyboard.press("b")
    page.wait_for_timeout(300)
    assert not scene.is_broken(tmp_path)
    assert told.ask("SELECT count(*) FROM tickets.inc") == 2


def test_escape_closes_what_is_open_and_then_the_steps_for_good(told: Site, visit: Open, tmp_path: Path) -> None:
    """A reload keeps where one was; a skipped tour stays away, until another demo begins."""
    page = visit("/").page
    go_to(page, 3)
    page.reload()
    expect(words(page)).to_contain_text("last Tuesday")
    page.keyboard.press("Escape")
    expect(page.locator(".tour")).to_have_count(0)
    page.reload()
    expect(page.locator(".list")).to_contain_text("INC-1")
    expect(page.locator(".tour")).to_have_count(0)
    play(tmp_path, NOON, began=NOON + timedelta(days=1))
    page.reload()
    expect(words(page)).to_contain_text("2 tickets are open")
    assert told.ask("SELECT count(*) FROM tickets.inc") == 2


def test_only_the_page_itself_breaks_the_feed(told: Site, visit: Open, tmp_path: Path) -> None:
    """Another site's form or script cannot, nor a body that says anything else."""
    page = visit("/").page
    answers: list[Any] = page.evaluate(
        """async () => Promise.all([{broken: 'yes'}, {}, {broken: true, more: 1}].map(async (body) => (await fetch(
            '/api/demo/feed',
            {method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify(body)}
        )).status))"""
    )
    assert answers == [400, 400, 400]
    foreign = page.request.post(
        f"{told.url}/api/demo/feed", data={"broken": True}, headers={"origin": "https://elsewhere.example"}
    )
    assert foreign.status == 403
    assert not scene.is_broken(tmp_path)
