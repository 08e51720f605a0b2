"""What a person does with the map, the list and the board, and what must then be true."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from feed import closed, ticket
from playwright.sync_api import expect

from fleettickets.datasets import CRQ

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from playwright.sync_api import Page
    from web.conftest import Site, Visit

    Open = Callable[..., Visit]

AGES = [1, 5, 20, 37, 40, 47, 49, 60, 100, 300]


def ages(site: Site, hours: Sequence[float], prefix: str = "INC", **cells: str) -> list[dict[str, str]]:
    """Open tickets so many hours old, each at a place of its own."""
    return [
        ticket(
            f"{prefix}-{number:04d}",
            created_at_service=site.ago(age),
            first_seen_at=site.ago(age),
            latitude=f"{-1.20 - number % 17 * 0.01:.4f}",
            longitude=f"{36.70 + number % 23 * 0.012:.4f}",
            **cells,
        )
        for number, age in enumerate(hours)
    ]


def chip(page: Page, state: str) -> str:
    """The number on the button of an SLA state."""
    return page.locator(f"button[data-state={state}] b").inner_text()


def drawn(page: Page, n: int) -> None:
    """Wait until the map has drawn so many tickets."""
    page.wait_for_selector(f".map[data-idle='{n}']", state="attached")


def test_map_list_board_and_database_agree(site: Site, visit: Open) -> None:
    """The same tickets are counted the same everywhere."""
    site.load(ages(site, AGES))
    site.load(ages(site, [2, 90], "CRQ"), CRQ)
    page = visit("/").page
    expect(page.get_by_role("heading", name="12 open tickets")).to_be_visible()
    drawn(page, 12)
    truth = site.ask("SELECT reporting.fn_status() #> '{datasets,inc,backlog}'")
    assert [truth[state] for state in ("breached", "at_risk", "on_track")] == [4, 3, 3]
    assert [chip(page, state) for state in ("breached", "at_risk", "on_track", "unknown")] == ["4", "3", "3", "0"]
    page.keyboard.press("2")
    expect(page.locator("[data-sum]")).to_have_attribute("data-sum", "12")
    columns = page.locator(".column > h2 b")
    assert sum(int(columns.nth(at).inner_text()) for at in range(3)) == 4 + 3
    exported = json.loads(page.request.get("/api/export/open.geojson").text())
    assert len(exported["features"]) == 12


def test_a_filter_holds_in_list_map_board_url_and_export(site: Site, visit: Open) -> None:
    """What is chosen once is chosen everywhere, and the URL brings it back."""
    site.load([*ages(site, [50, 60], cluster="RUAKA"), *ages(site, [1, 70, 80], "X", cluster="KAREN")])
    page = visit("/").page
    page.select_option("select[data-part=cluster]", "RUAKA")
    expect(page.get_by_role("heading", name="2 of 5 open tickets")).to_be_visible()
    drawn(page, 2)
    assert "cluster=RUAKA" in page.url
    page.click("#export")
    assert "cluster=RUAKA" in (page.get_by_role("link", name="GeoJSON").get_attribute("href") or "")
    again = visit(page.url.replace(site.url, "")).page
    expect(again.get_by_role("heading", name="2 of 5 open tickets")).to_be_visible()
    page.keyboard.press("Escape")
    page.fill("#search", "nothing has this name")
    expect(page.get_by_text("No open tickets in RUAKA.")).to_be_visible()
    page.get_by_role("button", name="Clear filter").last.click()
    expect(page.get_by_role("heading", name="5 open tickets")).to_be_visible()


def test_a_delta_moves_the_numbers_and_keeps_what_is_chosen(site: Site, visit: Open) -> None:
    """A new file is seen without a reload: new, changed and closed tickets, and the open drawer stays."""
    site.load(ages(site, AGES), ago_h=1)
    page = visit("/").page
    expect(page.get_by_role("heading", name="10 open tickets")).to_be_visible()
    page.locator("[data-key='inc:INC-0009']").click()
    expect(page.get_by_role("complementary", name="Ticket INC-0009")).to_be_visible()
    page.evaluate("document.body.dataset.same = 'page'")
    site.load([closed("INC-0000", closed_at=site.ago(0.4)), *ages(site, [3, 4], "NEW")], ago_h=0.3)
    expect(page.get_by_role("heading", name="11 open tickets")).to_be_visible(timeout=2_000)
    drawn(page, 11)
    expect(page.get_by_role("complementary", name="Ticket INC-0009")).to_be_visible()
    assert page.evaluate("document.body.dataset.same") == "page"


def test_proven_and_presumed_part_where_the_data_ends(site: Site, visit: Open) -> None:
    """By the clock a ticket is late; proven it is only as far as the data reaches."""
    site.load([*ages(site, [100, 60]), closed("C-1", closed_at=site.ago(30))])
    page = visit("/").page
    expect(page.get_by_role("heading", name="2 open tickets")).to_be_visible()
    assert [chip(page, "breached"), chip(page, "at_risk")] == ["2", "0"]
    page.get_by_role("button", name="proven", exact=True).click()
    expect(page.locator("button[data-state=breached] b")).to_have_text("1")
    page.keyboard.press("2")
    expect(page.locator("[data-column=breached_proven] h2 b")).to_have_text("1")
    expect(page.locator("[data-column=breached_presumed] h2 b")).to_have_text("1")


def test_an_age_of_which_only_a_bound_is_known_is_written_so(site: Site, visit: Open) -> None:
    """First sight is later than creation: the age is at least that."""
    row = ages(site, [51])[0]
    site.load([row | {"created_at_service": ""}])
    page = visit("/").page
    expect(page.locator(".row")).to_contain_text("≥ 51 h")
    page.locator(".row").click()
    expect(page.locator(".drawer")).to_contain_text("at least this old")


def test_the_slider_shows_a_past_day_as_it_was_known(site: Site, visit: Open) -> None:
    """A ticket closed today was open yesterday."""
    site.load(ages(site, [60, 70]), ago_h=50)
    site.load([closed("INC-0000", closed_at=site.ago(2))], ago_h=1)
    page = visit("/").page
    expect(page.get_by_role("heading", name="1 open ticket")).to_be_visible()
    at = (site.now - timedelta(hours=24)).isoformat().replace("+00:00", "Z")
    past = visit(f"/?at={at}").page
    expect(past.get_by_role("heading", name="2 open tickets")).to_be_visible()
    past.locator(".slider").get_by_role("button", name="Live").click()
    expect(past.get_by_role("heading", name="1 open ticket")).to_be_visible()


HOSTILE = [
    "<img src=x onerror=\"document.title='run'\">",
    "<script>document.title='run'</script>",
    "</option><svg onload=document.title='run'>",
    "javascript:document.title='run'",
    "{n, plural, one {x} other {y}}",
]


@pytest.mark.parametrize("column", ["location_name", "cluster", "assigned_team", "owner", "normalized_status"])
def test_markup_in_the_feed_is_shown_as_text(site: Site, visit: Open, column: str) -> None:
    """Whatever a cell holds goes through the whole pipeline and is read, never run."""
    rows = ages(site, [float(age) for age in range(50, 50 + len(HOSTILE))])
    site.load([row | {column: text} for row, text in zip(rows, HOSTILE, strict=True)])
    page = visit("/").page
    expect(page.get_by_role("heading", name="5 open tickets")).to_be_visible()
    drawn(page, 5)
    page.locator(".row").first.click()
    expect(page.locator(".drawer")).to_be_visible()
    shown = page.locator("body").inner_text().lower()
    assert all(text.lower() in shown or column == "owner" for text in HOSTILE[:3])
    for path in ("/board", "/teams?window=month", "/quality", "/runs"):
        page.goto(path)
        page.wait_for_timeout(300)
    assert page.locator("img[src=x], svg[onload]").count() == 0
    assert "run" not in page.title().lower().replace("runs", "")


def test_a_review_moves_all_tickets_of_a_place_at_once(site: Site, visit: Open) -> None:
    """One key accepts a point for every spelling; undo takes it back."""
    site.load(
        [
            ticket(f"INC-{n}", created_at_service=site.ago(n + 1), location_name="JOYLAND_FDT3", cluster="RUAKA")
            for n in range(14)
        ]
    )
    site.ask(
        "INSERT INTO tickets.geo_locations "
        "(location_name, cluster, decision_key, place, status, proposed_geom, dist_m, updated_at) "
        "VALUES ('JOYLAND_FDT3', 'RUAKA', 'joylandruaka', 'JOYLAND', 'far', "
        "public.st_setsrid(public.st_point(36.77, -1.21), 4326), 9400, now()) RETURNING 1"
    )
    page = visit("/review").page
    expect(page.locator(".case")).to_contain_text("moves 14 tickets")
    page.keyboard.press("a")
    expect(page.locator("[data-told=true]")).to_contain_text("14 tickets moved")
    assert site.ask("SELECT count(*) FROM tickets.inc WHERE geo_source = 'location' AND geo_verified") == 14
    page.keyboard.press("1")
    drawn(page, 14)
    page.keyboard.press("5")
    expect(page.get_by_text("Nothing to review.")).to_be_visible()


def test_without_the_server_the_last_data_stays_and_says_so(site: Site, visit: Open) -> None:
    """The server is killed: the tickets stay on map, list and board, marked."""
    site.load(ages(site, AGES))
    page = visit("/").page
    drawn(page, 10)
    site.process.kill()
    site.process.wait(20)
    expect(page.locator(".banner")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("heading", name="10 open tickets")).to_be_visible()
    page.locator(".banner button").click()
    expect(page.locator(".banner")).to_contain_text("Offline: data of")
    expect(page.locator(".clocks")).to_have_attribute("data-away", "true")
    page.keyboard.press("2")
    expect(page.locator("[data-sum]")).to_have_attribute("data-sum", "10")


# Until the payload is kept.
KEPT = """async () => {
    const kept = () => caches.open('fleettickets-payload').then((cache) => cache.match('/webhook/tickets'))
    while ((await kept()) === undefined) await new Promise((done) => setTimeout(done, 50))
}"""


def test_a_phone_without_network_shows_the_last_data(site: Site, visit: Open) -> None:
    """Installed once, the app opens with its last payload."""
    site.load(ages(site, AGES))
    page = visit("/", phone=True).page
    expect(page.get_by_role("heading", name="10 open tickets")).to_be_visible()
    page.evaluate("navigator.serviceWorker.ready")
    page.evaluate(KEPT)
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", name="10 open tickets")).to_be_visible()
    expect(page.locator(".banner")).to_contain_text("Offline: data of")
    page.locator(".row").first.click()
    drawer = page.get_by_role("complementary", name="Ticket INC-0009")
    expect(drawer.get_by_role("button", name="Copy id")).to_be_visible()
    assert (drawer.get_by_role("link", name="Directions").get_attribute("href") or "").startswith("geo:")


def test_an_empty_database_says_what_to_type(site: Site, visit: Open) -> None:
    """First run: three commands, no zero that looks like a number."""
    page = visit("/").page
    expect(page.get_by_text("No tickets yet")).to_be_visible()
    expect(page.locator("pre")).to_contain_text("python -m inc.import_inc --from-bucket --apply")
    assert site.ask("SELECT count(*) FROM tickets.inc") == 0


def test_keys_lead_everywhere(site: Site, visit: Open) -> None:
    """1 to 7 are the screens, / searches, j and k move, Enter opens, Escape closes, l speaks the other language."""
    site.load(ages(site, AGES))
    page = visit("/").page
    expect(page.locator(".row").first).to_be_visible()
    for key, path in zip("234567", ("board", "trends", "teams", "review", "quality", "runs"), strict=True):
        page.keyboard.press(key)
        expect(page.locator("h1")).to_be_visible()
        assert f"/{path}" in page.url
    page.keyboard.press("1")
    expect(page.locator(".row").first).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".row").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".drawer")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".drawer")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    expect(page.get_by_role("heading", name="Tiketi 10 wazi")).to_be_visible()
