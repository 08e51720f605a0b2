"""Dispatch as a dispatcher does it: make a plan, look at it, change it by keys and by drag, print it, commit it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from feed import closed, ticket
from playwright.sync_api import expect
from web.test_fleet import seen
from web.test_screens import barriers

from fleettickets import db
from fleettickets.api.tokens import digest, new_secret
from fleettickets.datasets import EAT

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page
    from web.conftest import Site, Visit

    Open = Callable[..., Visit]

LATEST_START = 21
"""A shift that ends at 23:59 holds no stop any more when the test begins too late in the day."""


def placed(site: Site, name: str, lon: float, hours: float = 20, lat: float = -1.28) -> dict[str, str]:
    """An open ticket at a place."""
    return ticket(
        name,
        created_at_service=site.ago(hours),
        first_seen_at=site.ago(hours),
        latitude=f"{lat:.4f}",
        longitude=f"{lon:.4f}",
        cluster="KASARANI",
    )


@pytest.fixture
def town(site: Site) -> Site:
    """Two crews with a shift around the clock, three tickets near each, and one that nobody can place."""
    near = [placed(site, f"E{n}", 36.90 + n / 500) for n in range(3)]
    near += [placed(site, f"W{n}", 36.70 + n / 500) for n in range(3)]
    site.load([*near, ticket("LOST", created_at_service=site.ago(5), cluster="", location_name="")], ago_h=1)
    seen(site, "EAST", 36.90)
    seen(site, "WEST", 36.70)
    seen(site, "GONE", 36.80, minutes_ago=200)
    hour = site.now.astimezone(EAT).hour
    begins = "00:00" if hour < LATEST_START else "20:00"
    with db.connect(site.database_url) as connection:
        connection.execute("UPDATE dispatch.vehicle SET shift_start = %s, shift_end = '23:59'", [begins])
    return site


def planned(page: Page) -> None:
    """Make the first plan with what the form offers; late in the evening the shift is made longer."""
    expect(page.locator("[data-usable='2']")).to_be_visible()
    page.get_by_label("Longer shift (minutes)").fill("600")
    page.get_by_role("button", name="Make the plan").click()
    expect(page.locator(".status")).to_contain_text("6 tickets planned", timeout=60_000)


def route(page: Page, name: str) -> Locator:
    """A vehicle's route in the list, opened."""
    found = page.locator(f"[data-route={name}]")
    if found.get_attribute("data-open") != "true":
        found.locator(".routehead").click()
    expect(found).to_have_attribute("data-open", "true")
    return found


def shown(page: Page, name: str) -> list[str]:
    """The tickets of a vehicle in the order in which the screen has them."""
    return [one.get_attribute("data-ticket") or "" for one in route(page, name).locator(".stop").all()]


def kept(page: Page) -> dict[str, Any]:
    """The plan of the URL as the server tells it."""
    number = page.url.split("plan=")[1].split("&")[0]
    answer: dict[str, Any] = page.request.get(f"/api/dispatch/plans/{number}").json()
    return answer


def orders(plan: dict[str, Any]) -> dict[str, list[str]]:
    """Vehicle to its tickets in order."""
    return {one["vehicle_id"]: [stop["ticket_id"] for stop in one["stops"]] for one in plan["routes"]}


def test_a_plan_is_made_and_agrees_with_the_database(town: Site, visit: Open) -> None:
    """From the form to routes: stops, numbers and reasons are those of the API; each stop says why."""
    page = visit("/").page
    page.keyboard.press("8")
    expect(page.get_by_text("No plan yet.")).to_be_visible()
    expect(page.locator(".makeplan")).to_contain_text("2 vehicles of 3 can be sent; of 1 nobody knows")
    assert barriers(page) == []
    planned(page)
    plan = kept(page)
    page.wait_for_selector(".map[data-idle='6']", state="attached")
    for name in ("EAST", "WEST"):
        assert shown(page, name) == orders(plan)[name]
    summary, habit = plan["summary"], plan["summary"]["nearest_first"]
    expect(page.locator("[data-number=saved]")).to_have_text(f"{summary['saved']} of {summary['savable']}")
    expect(page.locator("[data-number=assigned]")).to_have_text("6 of 7")
    expect(page.locator(".numbers")).to_contain_text(f"nearest-first {habit['assigned']}")
    expect(page.locator("[data-bar=without]")).to_contain_text(f"{summary['savable']} missed")
    assert town.ask("SELECT (document -> 'summary' ->> 'assigned')::int FROM dispatch.plan") == 6
    first = next(one for one in plan["routes"] if one["vehicle_id"] == "WEST")["stops"][0]
    row = route(page, "WEST").locator(".stop").first
    expect(row).to_contain_text("±")
    expect(row).to_contain_text("to spare")
    row.press("Enter")
    why = page.locator(".why")
    expect(why).to_contain_text(f"{round(first['service_s'] / 60)} min of work")
    expect(why).to_contain_text("straight line × 1.35 at 25 km/h")
    assert barriers(page) == []
    page.get_by_role("button", name="Not planned 1").click()
    expect(page.locator("[data-reason=no_location]")).to_contain_text("Nothing says where it is.")
    expect(page.locator("[data-left=LOST] button", has_text="Insert")).to_have_count(0)
    again = visit(page.url.replace(town.url, "")).page
    expect(again.locator("[data-reason=no_location]")).to_be_visible()


@pytest.mark.usefixtures("town")
def test_a_lock_by_key_or_drag_holds_when_all_is_planned_anew(visit: Open) -> None:
    """A ticket goes where a person puts it, what else moved is said, and a fresh plan leaves it there."""
    page = visit("/dispatch").page
    planned(page)
    before = orders(kept(page))
    moved = before["EAST"][-1]
    route(page, "EAST").locator(".stop").last.click()
    page.locator(".stopdetail select").select_option("WEST")
    expect(page.locator(".status")).to_contain_text("of WEST, locked. Nothing else moved.", timeout=30_000)
    after = kept(page)
    assert after["locks"] == {"pinned": {moved: "WEST"}, "first": {}}
    assert moved in orders(after)["WEST"]
    assert orders(after)["EAST"] == before["EAST"][:-1]
    assert shown(page, "WEST") == orders(after)["WEST"]
    second = shown(page, "WEST")[1]
    page.locator(f"[data-ticket={second}]").press("u")
    expect(page.locator(".status")).to_contain_text(f"{second} is now stop 1 of WEST", timeout=30_000)
    assert kept(page)["locks"]["first"] == {"WEST": [second]}
    east = shown(page, "EAST")
    page.locator(f"[data-stop={east[1]}]").drag_to(page.locator(f"[data-stop={east[0]}]"))
    expect(page.locator(".status")).to_contain_text(f"{east[1]} is now stop 1 of EAST", timeout=30_000)
    page.keyboard.press("Escape")
    page.keyboard.press("o")
    expect(page.locator(".status")).not_to_contain_text("Working out", timeout=60_000)
    held = kept(page)
    assert (orders(held)["WEST"][0], orders(held)["EAST"][0]) == (second, east[1])
    assert moved in orders(held)["WEST"]
    expect(page.locator(f"[data-ticket={east[1]}] .lock")).to_be_visible()
    page.locator(f"[data-ticket={east[1]}]").press("x")
    expect(page.locator(".status")).to_contain_text(f"{east[1]} is unlocked.", timeout=30_000)
    assert "EAST" not in kept(page)["locks"]["first"]


@pytest.mark.usefixtures("town")
def test_a_fresh_plan_says_what_it_would_move_before_it_moves_anything(visit: Open) -> None:
    """A lock taken away leaves the ticket where it was; the offer names the number, and only yes moves it."""
    page = visit("/dispatch").page
    planned(page)
    route(page, "EAST").locator(".stop").last.click()
    page.locator(".stopdetail select").select_option("WEST")
    expect(page.locator(".status")).to_contain_text("Nothing else moved.", timeout=30_000)
    page.get_by_role("button", name="Unlock").click()
    expect(page.locator(".status")).to_contain_text("is unlocked. Nothing else moved.", timeout=30_000)
    before = orders(kept(page))
    page.get_by_role("button", name="Re-optimise").click()
    offer = page.locator("[data-offer='1']")
    expect(offer).to_contain_text("would move 1 ticket to other crews", timeout=60_000)
    expect(offer).to_contain_text("Nothing has moved yet.")
    assert orders(kept(page)) == before
    assert barriers(page) == []
    offer.get_by_role("button", name="Move 1").click()
    expect(page.locator(".status")).to_contain_text("1 ticket moved to other crews.", timeout=60_000)
    assert sorted(orders(kept(page))["EAST"]) == ["E0", "E1", "E2"]


def test_an_urgent_ticket_goes_in_and_nothing_else_moves(town: Site, visit: Open) -> None:
    """Opened after the plan was made: it is offered, inserted, and every other stop keeps its crew and order."""
    page = visit("/dispatch").page
    planned(page)
    before = orders(kept(page))
    town.load([placed(town, "URGENT", 36.7010, hours=40)], ago_h=0.3)
    page.get_by_role("button", name="Not planned 1").click()
    page.locator("[data-left=URGENT]").get_by_role("button", name="Insert").click()
    expect(page.locator(".status")).to_contain_text("URGENT goes to WEST as stop", timeout=30_000)
    expect(page.locator(".status")).to_contain_text("Nothing else moved.")
    after = orders(kept(page))
    assert after["EAST"] == before["EAST"]
    assert [one for one in after["WEST"] if one != "URGENT"] == before["WEST"]
    assert shown(page, "WEST") == after["WEST"]


def test_of_two_dispatchers_the_second_is_told_and_shown_the_way(town: Site, visit: Open) -> None:
    """A commit is seen everywhere; the other draft cannot be committed, says so, and goes on from what holds."""
    page = visit("/dispatch").page
    planned(page)
    other = page.request.post("/api/dispatch/plans", data={"settings": {"longer_shift_minutes": 600}}).json()
    second = visit(f"/dispatch?plan={other['plan_id']}").page
    expect(second.locator(".routehead")).to_have_count(2)
    page.keyboard.press("c")
    page.get_by_role("button", name="Commit it").click()
    expect(page.locator(".status")).to_contain_text("holds now: 6 stops.", timeout=30_000)
    expect(page.locator(".badge")).to_have_text("committed")
    assert town.ask("SELECT count(*) FROM dispatch.assignment WHERE state = 'planned'") == 6
    second.keyboard.press("c")
    second.get_by_role("button", name="Commit it").click()
    expect(second.locator(".status")).to_contain_text("Somebody else changed plans in the meantime.", timeout=30_000)
    note = second.locator("[data-note=overtaken]")
    expect(note).to_contain_text("This draft can no longer be committed.")
    assert barriers(second) == []
    note.get_by_role("button", name="Go on from plan").click()
    expect(second.locator(".status")).to_contain_text("every ticket stays with its crew", timeout=60_000)
    assert orders(kept(second)) == orders(kept(page))
    map_page = visit("/?tab=vehicles&vehicle=WEST").page
    expect(map_page.locator(".drawer")).to_contain_text(orders(kept(page))["WEST"][0])


def test_a_ticket_that_closes_while_it_is_planned_is_marked_and_taken_out(town: Site, visit: Open) -> None:
    """The plan says which of its tickets closed; one button takes them out."""
    page = visit("/dispatch").page
    planned(page)
    town.load([closed("W1", closed_at=town.ago(0.4))], ago_h=0.2)
    expect(page.locator("[data-note=closed]")).to_contain_text("1 ticket closed since this plan was made: W1.")
    route(page, "WEST")
    expect(page.locator("[data-ticket=W1]")).to_contain_text("closed since the plan was made")
    page.get_by_role("button", name="Take out and fill the gaps").click()
    expect(page.locator(".status")).to_contain_text("1 closed ticket taken out", timeout=30_000)
    assert sorted(orders(kept(page))["WEST"]) == ["W0", "W2"]
    expect(page.locator("[data-note=closed]")).to_have_count(0)


def test_what_if_and_changes_are_shown_and_kept_only_when_asked(town: Site, visit: Open) -> None:
    """A crew away is tried beside the plan; made a draft, it is compared with the one before."""
    page = visit("/dispatch").page
    planned(page)
    page.get_by_role("button", name="What if").click()
    page.get_by_label("More crews").fill("0")
    page.get_by_label("Vehicles away today").select_option("EAST")
    page.get_by_role("button", name="Try").click()
    expect(page.locator("[data-whatif='1']")).to_contain_text("without EAST", timeout=60_000)
    assert town.ask("SELECT count(*) FROM dispatch.plan") == 1
    assert barriers(page) == []
    page.get_by_role("button", name="Make it a draft").click()
    expect(page.locator(".status")).to_contain_text("is made", timeout=60_000)
    assert town.ask("SELECT count(*) FROM dispatch.plan") == 2
    assert list(orders(kept(page))) == ["WEST"]
    page.get_by_role("button", name="Changes").click()
    first, second = (town.ask(f"SELECT {one}(plan_id) FROM dispatch.plan") for one in ("min", "max"))  # noqa: S608  # two words
    told = page.request.get(f"/api/dispatch/plans/{first}/diff?to={second}").json()
    expect(page.locator("[data-diff]")).to_contain_text(f"{len(told['moved'])} to another crew")
    assert barriers(page) == []


@pytest.mark.usefixtures("town")
def test_each_crew_gets_a_sheet_of_paper(visit: Open) -> None:
    """On paper: one sheet a crew with its stops in order and as of when; nothing of the screen."""
    page = visit("/dispatch").page
    page.evaluate("window.print = () => { document.body.dataset.printed = 'yes' }")
    planned(page)
    page.keyboard.press("p")
    expect(page.locator("body[data-printed=yes]")).to_be_attached()
    page.emulate_media(media="print")
    expect(page.locator(".sheet")).to_have_count(2)
    sheet = page.locator("[data-sheet=WEST]")
    expect(sheet).to_be_visible()
    assert [one.strip() for one in sheet.locator("tbody td:nth-child(2) b").all_inner_texts()] == orders(kept(page))[
        "WEST"
    ]
    expect(sheet).to_contain_text("as of")
    expect(sheet).to_contain_text("Data ends")
    expect(sheet).to_contain_text("A draft: it does not hold until it is committed.")
    for part in (".top", ".planbar", ".split"):
        expect(page.locator(part)).to_be_hidden()
    assert len(page.pdf(prefer_css_page_size=True).split(b"/Type /Page\n")) - 1 in {0, 2}
    gpx = page.request.get(page.locator("a", has_text="GPX").get_attribute("href") or "")
    assert gpx.text().count("<rte>") == 2


def test_who_may_only_read_sees_the_plan_and_is_told(town: Site, visit: Open) -> None:
    """A token without the scope: everything to be seen, nothing to be changed, said in words."""
    page = visit("/dispatch").page
    planned(page)
    secret = new_secret()
    with db.connect(town.database_url) as connection:
        connection.execute(
            "INSERT INTO tickets.api_tokens (name, secret_sha256, scopes) VALUES ('reader', %s, '{read}')",
            [digest(secret)],
        )
    for _ in range(100):
        if page.request.get("/api/freshness").status == 401:  # the server learns of tokens by and by
            break
        page.wait_for_timeout(200)
    page.goto("/dispatch")
    page.get_by_label("Token").fill(secret)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Your token may read plans, not make or change them.")).to_be_visible()
    for name in ("Re-optimise", "New plan", "Commit"):
        expect(page.get_by_role("button", name=name)).to_be_disabled()
    assert len(shown(page, "EAST")) == 3
    assert page.locator("[draggable=true]").count() == 0


@pytest.mark.parametrize(
    ("lang", "theme", "phone"), [("sw", "dark", False), ("en", "light", True), ("sw", "dark", True)]
)
def test_the_plan_is_whole_in_both_languages_and_on_a_phone(  # the cases
    town: Site,
    visit: Open,
    lang: str,
    theme: str,
    phone: bool,  # noqa: FBT001  # a case
) -> None:
    """No missing word, nothing wider than the page, no serious barrier; on a phone the list comes first."""
    begin = visit("/dispatch").page
    planned(begin)
    page = visit(f"/dispatch?lang={lang}&theme={theme}", phone=phone).page
    expect(page.locator(".routehead")).to_have_count(2)
    page.locator(".routehead").first.click()
    page.locator(".stop").first.click()
    expect(page.locator(".why")).to_be_visible()
    width = (page.viewport_size or {"width": 0})["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert barriers(page) == []
    assert town.ask("SELECT count(*) FROM dispatch.plan") == 1
