"""Vehicles: on the map, in the list beside it, and nearest to a ticket; each with how old its position is."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from feed import ticket
from playwright.sync_api import expect
from web.test_screens import barriers

if TYPE_CHECKING:
    from collections.abc import Callable

    from web.conftest import Site, Visit

    Open = Callable[..., Visit]

HOSTILE = "<img src=x onerror=\"document.title='run'\">"
PLACED = {"latitude": "-1.2800", "longitude": "36.8000"}


def seen(site: Site, vehicle_id: str, lon: float, minutes_ago: float = 1, **more: Any) -> None:
    """A vehicle sends where it is."""
    fix = {
        "vehicle_id": vehicle_id,
        "lat": -1.28,
        "lon": lon,
        "fixed_at": f"{site.now - timedelta(minutes=minutes_ago)}",
    }
    told = json.dumps([{**fix, **more}]).replace("'", "''")
    assert site.ask(f"SELECT dispatch.record_positions('{told}', 'test') ->> 'new'") == "1"


def test_a_vehicle_is_where_it_was_and_says_when(site: Site, visit: Open) -> None:
    """Fresh, stale and never seen are three things, on the map and in the list; a new fix is seen without a reload."""
    site.load([ticket("INC-1", created_at_service=site.ago(3), **PLACED)])
    seen(site, "KDA 001A", 36.81, speed_km_per_h=30, heading_deg=90)
    seen(site, "KDA 002B", 36.82, minutes_ago=180, label=HOSTILE)
    site.ask("INSERT INTO dispatch.vehicle (vehicle_id, label, source) VALUES ('V3', 'KDA 003C', 'test') RETURNING 1")
    page = visit("/?tab=vehicles").page
    page.wait_for_selector(".map[data-vehicles='2']", state="attached")
    rows = page.locator(".vehicles button")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("30 km/h to the east")
    expect(rows.nth(1)).to_contain_text("stale: position 3 h")
    expect(rows.nth(1)).to_contain_text(HOSTILE)
    expect(rows.nth(2)).to_contain_text("no position yet")
    assert barriers(page) == []
    seen(site, "V3", 36.83, minutes_ago=0.2)
    page.wait_for_selector(".map[data-vehicles='3']", state="attached")
    page.get_by_role("button", name="Vehicles", exact=True).click()
    page.wait_for_selector(".map[data-vehicles='0']", state="attached")
    assert "vehicles=0" in page.url
    assert page.locator("img[src=x]").count() == 0


def test_a_vehicle_opens_by_keyboard_and_says_what_is_near(site: Site, visit: Open) -> None:
    """What the map shows of a vehicle, its drawer says in words."""
    site.load([ticket("INC-1", created_at_service=site.ago(3), **PLACED)])
    seen(site, "KDA 001A", 36.81)
    page = visit("/?tab=vehicles").page
    page.locator("[data-vehicle='KDA 001A']").press("Enter")
    drawer = page.get_by_role("complementary", name="Vehicle KDA 001A")
    expect(drawer).to_contain_text("nothing by the committed plan")
    expect(drawer).to_contain_text("1.1 km")
    assert barriers(page) == []
    drawer.get_by_role("button", name="INC-1").click()
    expect(page.get_by_role("complementary", name="Ticket INC-1")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator(".drawer")).to_have_count(0)


def test_the_nearest_vehicles_stand_in_the_ticket(site: Site, visit: Open) -> None:
    """In the server's order, with distance, what the time rests on, and how old the position is; a click shows one."""
    site.load([ticket("INC-1", created_at_service=site.ago(3), **PLACED)])
    for number, (lon, ago) in enumerate(((36.85, 1), (36.81, 2), (36.83, 300))):
        seen(site, f"KDA 00{number}", lon, minutes_ago=ago)
    page = visit("/?ticket=inc:INC-1").page
    rows = page.locator("[data-part=nearest] li")
    expect(rows).to_have_count(3)
    told = page.request.get("/api/dispatch/nearest?ticket=INC-1&k=5").json()["vehicles"]
    assert [one["vehicle_id"] for one in told] == ["KDA 001", "KDA 000", "KDA 002"]
    for row, one in zip(rows.all(), told, strict=True):
        expect(row).to_contain_text(one["label"])
        expect(row).to_contain_text(f"{one['distance_m'] / 1000:.1f} km")
    expect(rows.nth(0)).to_contain_text(f"≈ {told[0]['eta_s'] // 60} min")
    expect(rows.nth(2)).to_contain_text("stale: position 5 h")
    expect(page.locator("[data-part=nearest]")).to_contain_text(
        "straight line × 1.35 at 25 km/h; no road was looked at"
    )
    rows.nth(1).get_by_role("button").click()
    assert "vehicle=KDA+000" in page.url
    expect(page.get_by_role("complementary", name="Ticket INC-1")).to_be_visible()


def test_who_is_near_is_not_said_of_what_has_no_place(site: Site, visit: Open) -> None:
    """No vehicles, no place, a place no better than its cluster: each in words."""
    site.load([ticket("INC-1", created_at_service=site.ago(3), cluster="", location_name="")])
    page = visit("/?ticket=inc:INC-1").page
    expect(page.locator("[data-part=nearest]")).to_contain_text("No vehicle has ever sent a position.")
    seen(site, "KDA 001A", 36.81)
    page.reload()
    expect(page.locator("[data-part=nearest]")).to_contain_text("Nobody knows where this ticket is")
    site.ask(
        "UPDATE tickets.inc SET geo_source = 'cluster', geom = public.st_setsrid(public.st_point(36.8, -1.28), 4326) "
        "RETURNING tickets.advance_revision('inc')"
    )
    page.reload()
    expect(page.locator("[data-part=nearest]")).to_contain_text("Only the cluster is known (±2.5 km)")
