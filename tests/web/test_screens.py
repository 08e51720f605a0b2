"""Every screen in both languages, light and dark, on a desk and on a phone; and what the app may never do."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from feed import closed, ticket
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page
    from web.conftest import Site, Visit

    Open = Callable[..., Visit]

SCREENS = ["/", "/board", "/trends", "/teams", "/review", "/quality", "/runs"]
WORDS = {"en": "Data ends", "sw": "Data inaishia"}
AXE = (Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
FIRST_LOAD_BYTES = 600_000
LIST_LOAD_BYTES = 200_000


@pytest.fixture
def filled(site: Site) -> Site:
    """A site with open and closed tickets."""
    site.load([ticket("INC-1", created_at_service=site.ago(60)), ticket("INC-2", created_at_service=site.ago(37))])
    site.load([closed(f"C-{n}", closed_at=site.ago(30 + n), created_at_service=site.ago(50 + n)) for n in range(30)])
    return site


def settled(page: Page) -> None:
    """Wait until the screen shows its data, or says why it cannot."""
    expect(page.locator(".skeleton")).to_have_count(0)
    expect(page.locator(".clocks strong")).to_be_visible()


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize(("lang", "theme"), [("en", "light"), ("sw", "dark")])
def test_each_screen_is_whole(filled: Site, visit: Open, lang: str, theme: str, phone: bool) -> None:  # noqa: FBT001  # a case
    """The clocks in words, no key for a word, nothing wider than the page, no serious barrier for anybody."""
    page = visit(f"/?lang={lang}&theme={theme}", phone=phone).page
    found = []
    for path in SCREENS:
        page.goto(f"{path}?lang={lang}&theme={theme}")
        settled(page)
        assert page.locator("html").get_attribute("lang") == lang
        assert WORDS[lang] in page.locator(".clocks").inner_text()
        text = page.locator("body").inner_text()
        assert re.findall(r"\b(?:list|filter|screen|sla|geo|event|runs|clock)\.[a-z_]+\b", text) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= (page.viewport_size or {"width": 0})["width"], (
            path
        )
        found += [(path, one) for one in barriers(page)]
    assert found == []
    assert filled.ask("SELECT count(*) FROM tickets.inc") == 32


def barriers(page: Page) -> list[str]:
    """What axe finds that is serious or critical."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    answer: dict[str, Any] = page.evaluate(
        "axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})"
    )
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]} {one['nodes'][0]['failureSummary'][:200]}"
        for one in answer["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


def test_the_policy_allows_no_inline_script_or_style(filled: Site, visit: Open) -> None:
    """The page's own headers forbid what markup could smuggle in; the map and its worker run under them."""
    page = visit("/").page
    answer = page.request.get("/", headers={"accept": "text/html"})
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    page.wait_for_selector(".map[data-idle]", state="attached")
    assert filled.url in page.url


def test_the_first_load_is_small_and_the_list_needs_no_map(filled: Site, visit: Open) -> None:
    """All that the first screen takes, as it travels; the list alone takes much less."""
    sizes: dict[str, int] = {}
    page = visit("/healthz", service_workers="block").page
    page.on("requestfinished", lambda request: sizes.update({request.url: request.sizes()["responseBodySize"]}))
    page.goto("/")
    page.wait_for_selector(".map[data-idle]", state="attached")
    page.wait_for_timeout(500)
    files = {url: size for url, size in sizes.items() if url.startswith(filled.url)}
    assert sum(files.values()) <= FIRST_LOAD_BYTES, files
    before = [size for url, size in files.items() if "index-" in url or url.endswith("/")]
    assert 0 < sum(before) <= LIST_LOAD_BYTES, files


def test_a_window_the_data_does_not_reach_has_no_numbers(filled: Site, visit: Open) -> None:
    """Today is not covered by data that ends yesterday: it is said, and no 0 is shown."""
    day = (filled.now + timedelta(days=1)).date().isoformat()
    page = visit(f"/teams?window=custom&from={day}").page
    settled(page)
    expect(page.get_by_text("nothing known for")).to_be_visible()
    assert page.locator("td.number").count() == 0


def test_it_prints_light_with_its_clocks(filled: Site, visit: Open) -> None:
    """On paper there are no buttons, but the age of the data stays."""
    page = visit("/").page
    settled(page)
    page.emulate_media(media="print")
    expect(page.locator(".clocks")).to_be_visible()
    expect(page.locator(".filters")).to_be_hidden()
    expect(page.locator(".slider")).to_be_hidden()
    assert filled.process.poll() is None
