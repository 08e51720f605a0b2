"""The screens of numbers: what stands there is what the database says; what nobody knows is no number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feed import closed, ticket
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator
    from web.conftest import Site, Visit

    Open = Callable[..., Visit]

PLACE = (
    "INSERT INTO tickets.geo_locations "
    "(location_name, cluster, decision_key, place, status, proposed_geom, dist_m, provider, candidates, updated_at) "
    "VALUES ('JOYLAND_FDT3', 'RUAKA', 'joyland', 'JOYLAND', 'far', "
    "public.st_setsrid(public.st_point(36.77, -1.21), 4326), 9400, 'locationiq', "
    """'[{"name": "Joyland", "label": "Joyland, Kiambu", "lat": -1.21, "lon": 36.77, "precision": "place", """
    """"similarity": 1, "dist_m": 9400, "provider": "locationiq", "ref": "node/1"}, """
    """{"name": "Joy Land", "label": "Joy Land, Ruaka", "lat": -1.2, "lon": 36.78, "precision": "street", """
    """"similarity": 0.8, "dist_m": 800, "provider": "locationiq", "ref": "way/2"}]', now()) RETURNING 1"""
)
INK = """([canvas, from, to]) => {
    const { width, height } = canvas
    const [left, wide] = [Math.round(from * width), Math.max(1, Math.round((to - from) * width))]
    const area = [left, Math.round(height * 0.2), wide, Math.round(height * 0.4)]
    const pixels = canvas.getContext('2d').getImageData(...area).data
    return pixels.filter((value, i) => i % 4 === 3 && value > 0).length
}"""


def told(site: Site) -> None:
    """Closed tickets of two days, the newest about two days ago, and an open one."""
    rows = [
        closed(f"C-{n}", closed_at=site.ago(50 + n % 4), created_at_service=site.ago(80)) | {"mttr": str(n % 7 + 1)}
        for n in range(24)
    ]
    site.load([*rows, ticket("INC-1", created_at_service=site.ago(60))])


def ink(chart: Locator, start: float, end: float) -> int:
    """How many pixels are drawn between two shares of the width, in the upper half of the chart."""
    canvas = chart.locator("canvas").element_handle()
    found = chart.page.evaluate(INK, [canvas, start, end])
    return int(found)


def test_days_that_the_data_does_not_reach_are_hatched_and_said(site: Site, visit: Open) -> None:
    """The last two days have no repair time: hatched in the chart, words in the table; before, the database's own."""
    told(site)
    page = visit("/trends").page
    chart = page.locator("[data-chart=mttr]")
    expect(chart.locator("canvas")).to_be_visible()
    page.wait_for_timeout(300)
    hatched, plain = ink(chart, 0.955, 0.975) / 0.02, ink(chart, 0.3, 0.4) / 0.1
    assert hatched > 3 * plain, "only the days without data are hatched"
    chart.locator("summary").click()
    expect(chart.locator("tbody tr").last).to_contain_text("no data")
    days = site.ask("SELECT reporting.fn_trends() -> 'days'")
    (median,) = {round(day["mttr"]["median"] / 60, 1) for day in days if day["mttr"] and day["mttr"]["n"] >= 20} or {
        round(max(day["mttr"]["median"] or 0 for day in days if day["mttr"]) / 60, 1)
    }
    expect(chart.locator("tbody")).to_contain_text(f"{median:g} h")
    stock = page.locator("[data-chart=backlog]")
    stock.locator("summary").click()
    expect(stock.locator("tbody tr").last).to_contain_text(str(site.ask("SELECT count(*) FROM tickets.inc_open_sla")))


def test_every_file_is_a_tick_and_a_run_tells_its_closures(site: Site, visit: Open) -> None:
    """Ticks and numbers are the ledger's; what the next run would do is not known where no store is."""
    site.load([ticket("A"), ticket("B")], ago_h=30)
    site.load([closed("A", closed_at=site.ago(29))], ago_h=2)
    page = visit("/runs").page
    feed = page.locator("[data-feed=inc]")
    expect(feed.locator(".tick")).to_have_count(site.ask("SELECT count(*)::int FROM tickets.import_files"))
    newest = page.locator("[data-part=runs] tbody tr").first
    expect(newest.locator("td").nth(9)).to_have_text("1")
    expect(newest.locator("td").nth(10)).to_have_text("0")
    expect(page.locator("[data-part=next]")).to_contain_text("Not known here")
    expect(page.locator("[data-part=next]")).to_contain_text("fleettickets ingest all")


def test_the_header_follows_the_limits_of_the_database(site: Site, visit: Open) -> None:
    """A stricter limit turns the header amber, with a word and a reason that leads to the runs."""
    site.load([ticket("A", created_at_service=site.ago(50))], ago_h=0.2)
    page = visit("/board").page
    verdict = page.locator(".clocks .verdict")
    expect(verdict).to_contain_text("late as usual")
    site.ask("INSERT INTO tickets.thresholds (name, dataset, value) VALUES ('content_warn_h', 'inc', 1) RETURNING 1")
    expect(verdict).to_contain_text("Warning: content", timeout=15_000)
    expect(page.locator(".clocks")).to_have_attribute("data-level", "warn")
    verdict.click()
    expect(page.get_by_role("heading", name="Runs", exact=True).first).to_be_visible()


def test_odd_data_shows_what_the_feed_wrote_and_refused_rows_are_decided_here(site: Site, visit: Open) -> None:
    """A sample has the very cell; a discarded row leaves the list, and who did it stands below."""
    site.load([ticket("ODD", created_at_service="yesterday"), *(ticket(f"T-{n}") for n in range(200)), ticket("")])
    page = visit("/quality").page
    row = page.locator("[data-rule=bad_created_at_service]")
    row.get_by_role("button", name="show 1").click()
    expect(page.locator("tr.samples")).to_contain_text("ODD")
    expect(page.locator("tr.samples code")).to_have_text("yesterday")
    page.get_by_role("button", name="Quarantine").click()
    held = page.locator("[data-part=quarantine] tbody tr")
    expect(held).to_have_count(1)
    expect(held).to_contain_text("No ticket id")
    held.get_by_role("button", name="Discard").click()
    expect(page.get_by_text("Nothing is quarantined.")).to_be_visible()
    expect(page.locator("[data-part=decisions]")).to_contain_text("local")
    assert site.ask("SELECT discarded_by FROM tickets.rejected_rows") == "local"


def test_any_candidate_can_be_accepted_and_undone_after_a_reload(site: Site, visit: Open) -> None:
    """The second candidate is taken with its point; whoever found it is named where it is shown."""
    site.load([ticket(f"INC-{n}", location_name="JOYLAND_FDT3", cluster="RUAKA") for n in range(14)])
    site.ask(PLACE)
    page = visit("/review").page
    expect(page.locator(".case")).to_contain_text("moves 14 tickets")
    expect(page.locator(".offers label")).to_have_count(2)
    expect(page.get_by_role("link", name="Search by LocationIQ.com")).to_be_visible()
    page.locator("[data-offer='1'] input").check()
    page.locator(".case .acts button").first.click()
    expect(page.locator("[data-told=true]")).to_contain_text("14 tickets moved")
    assert site.ask("SELECT DISTINCT latitude FROM tickets.inc WHERE geo_verified") == -1.2
    page.goto("/")
    expect(page.get_by_role("link", name="Search by LocationIQ.com")).to_be_visible()
    page.goto("/review")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".case")).to_contain_text("moves 14 tickets")
    assert site.ask("SELECT count(*) FROM tickets.inc WHERE geo_verified") == 0


def test_few_closures_are_shown_and_not_ranked_and_the_unassigned_have_their_row(site: Site, visit: Open) -> None:
    """Grey and below: a team of fewer than twenty closures, and nobody's."""
    many = [closed(f"M-{n}", closed_at=site.ago(30), assigned_team="Many") for n in range(20)]
    few = [closed(f"F-{n}", closed_at=site.ago(30), assigned_team="A few") for n in range(19)]
    site.load([*few, *many])
    page = visit(f"/teams?window=custom&from={site.ago(60)[:10]}").page
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    assert [rows.nth(at).locator("td").first.inner_text() for at in range(3)] == ["Many", "A few", "(unassigned)"]
    assert ["small" in (rows.nth(at).get_attribute("class") or "") for at in range(3)] == [False, True, True]
    assert [rows.nth(at).locator("td").nth(1).inner_text() for at in range(3)] == ["20", "19", "0"]
