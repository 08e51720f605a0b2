"""Requests cost money: counted before they are sent, never sent twice, paced by the words of a refusal."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from geocoder import KEY, Geocoder, Place, serving
from geoworld import PLACES, named

from fleettickets import config
from fleettickets.datasets import CRQ
from fleettickets.errors import BusyError, UsageError
from fleettickets.geocode.providers import configured

if TYPE_CHECKING:
    from pathlib import Path

    from geoworld import GeoWorld

WORDS = ("Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Harbour", "India", "Juliet")
GARDENS = [Place(f"{word} Gardens", -1.21 - n / 1000, 36.887) for n, word in enumerate(WORDS)]


@pytest.fixture
def ten(geo: GeoWorld, geocoder: Geocoder) -> GeoWorld:
    """Ten names of ten places in a cluster with a centre."""
    geocoder.places = [*PLACES, *GARDENS]
    geo.tickets(*(named(f"A{n}", place.name) for n, place in enumerate(GARDENS)))
    geo.use(geocoder)
    assert geo.run("clusters").exit_code == 0
    geocoder.asked.clear()
    return geo


def states(geo: GeoWorld) -> dict[str, int]:
    """Lines of the books by state; those of the clusters left out."""
    return dict(geo.query("SELECT state, count(*) FROM tickets.geo_requests WHERE query_key <> 'roysambu' GROUP BY 1"))


def test_the_budget_of_a_day_is_kept_and_the_next_day_goes_on(ten: GeoWorld, geocoder: Geocoder) -> None:
    """The cluster took one of six; five names are answered, exit 5; tomorrow the rest."""
    ten.environ["GEOCODER_DAILY_LIMIT"] = "6"
    first = ten.run()
    assert (first.exit_code, first.pending, len(geocoder.queries)) == (5, 5, 5)
    again = ten.run()
    assert (again.exit_code, len(geocoder.queries)) == (5, 5)
    ten.clock.at += timedelta(days=1)
    last = ten.run()
    assert (last.exit_code, last.pending) == (0, 0)
    assert sorted(geocoder.queries) == sorted(place.name for place in GARDENS)


def test_a_budget_of_the_command_line_is_kept(ten: GeoWorld, geocoder: Geocoder) -> None:
    """--budget 3 sends three."""
    report = ten.run(budget=3)
    assert (report.exit_code, report.pending, len(geocoder.queries)) == (5, 7, 3)


def test_the_reviewer_and_the_faults_keep_their_shares(ten: GeoWorld) -> None:
    """5 % of the day are nobody's but the reviewer's; installations never take the 70 % of the faults."""
    ten.environ["GEOCODER_DAILY_LIMIT"] = "20"
    ten.tickets(*(named(f"C{n}", f"{word} Heights") for n, word in enumerate(WORDS)), dataset=CRQ)
    assert ten.run(datasets=("crq",)).exit_code == 5
    crq = ten.query("SELECT purpose, count(*) FROM tickets.geo_requests GROUP BY 1 ORDER BY 1")
    assert crq == [("crq", 5), ("inc", 1)]
    ten.tickets(*(named(f"B{n}", f"{word} Towers") for n, word in enumerate(WORDS)))
    assert ten.run().exit_code == 5
    assert ten.query("SELECT count(*) FROM tickets.geo_requests") == [(19,)]


def test_the_providers_own_count_is_believed(ten: GeoWorld, geocoder: Geocoder) -> None:
    """/v1/balance says four: four are sent, though the books allow thousands."""
    geocoder.quota = 4
    report = ten.run()
    assert (report.exit_code, len(geocoder.queries), report.pending) == (5, 4, 6)


def test_a_quota_gone_in_the_middle_ends_the_run_and_the_next_goes_on(ten: GeoWorld, geocoder: Geocoder) -> None:
    """Rate Limited Day: nothing more is asked, nothing is asked twice."""
    geocoder.balance = False
    geocoder.quota = 4
    report = ten.run()
    assert (report.exit_code, report.pending, len(geocoder.queries)) == (5, 6, 5)
    assert states(ten) == {"ok": 4, "limited": 1}
    geocoder.quota = None
    geocoder.asked.clear()
    assert (ten.run().exit_code, len(geocoder.queries)) == (0, 6)


def test_with_a_spent_quota_the_next_provider_is_asked(ten: GeoWorld, geocoder: Geocoder) -> None:
    """In the order of fallback; each row says who answered."""
    ten.environ |= {"GEOCODER_PROVIDER": "locationiq,photon"}
    geocoder.script.extend(["day"])
    report = ten.run()
    assert (report.exit_code, report.requests) == (0, {"locationiq": 1, "photon": 10})
    assert ten.query("SELECT DISTINCT provider FROM tickets.geo_locations") == [("photon",)]


def test_no_match_is_an_answer_and_not_a_reason_to_ask_somebody_else(ten: GeoWorld, geocoder: Geocoder) -> None:
    """Unless fallback_on_empty is set."""
    geocoder.places = PLACES
    ten.environ |= {"GEOCODER_PROVIDER": "nominatim,photon"}
    report = ten.run()
    assert (report.exit_code, set(report.requests), dict(report.by_status)) == (0, {"nominatim"}, {"no_match": 10})
    ten.clock.at += timedelta(days=31)
    both = ten.run(fallback_on_empty=True)
    assert set(both.requests) == {"nominatim", "photon"}


def test_a_revoked_key_ends_the_run_with_exit_2_and_what_is_known_stays(ten: GeoWorld, geocoder: Geocoder) -> None:
    """Key revoked in the middle."""
    geocoder.script.extend(["", "", "key"])
    report = ten.run()
    assert (report.exit_code, report.pending, len(geocoder.queries)) == (2, 8, 3)
    assert "locationiq does not accept the key" in str(report.error)
    assert [place[0] for place in ten.placed().values()].count("location") == 2
    geocoder.asked.clear()
    assert (ten.run().exit_code, len(geocoder.queries)) == (0, 8)


@pytest.mark.parametrize("word", ["500", "html", "html-502", "nonsense", "redirect", "hang", "drip"])
def test_a_provider_that_is_away_is_given_up_after_five_failures(ten: GeoWorld, geocoder: Geocoder, word: str) -> None:
    """Waits 1, 4, 16 s; errors are never kept as answers; exit 7; the next run asks again."""
    geocoder.always, geocoder.hang_s = word, 1.5
    ten.environ["FLEETTICKETS_DEADLINE_S"] = "0.2"
    report = ten.run()
    assert (report.exit_code, report.pending, len(geocoder.queries)) == (7, 10, 5)
    assert ten.clock.slept[:3] == [1.0, 4.0, 16.0]
    assert states(ten) == {"error": 5}
    assert ten.query("SELECT count(*) FROM tickets.geo_locations") == [(0,)]
    geocoder.always = None
    ten.environ["FLEETTICKETS_DEADLINE_S"] = "5"
    assert ten.run().exit_code == 0


def test_a_server_that_is_not_there_is_exit_7(ten: GeoWorld) -> None:
    """Nothing listens."""
    with serving() as gone:
        pass
    ten.use(gone)
    assert ten.run().exit_code == 7


@pytest.mark.parametrize("provider", ["locationiq", "nominatim", "opencage", "photon"])
def test_broken_places_inside_an_answer_are_skipped(geo: GeoWorld, geocoder: Geocoder, provider: str) -> None:
    """No latitude, words for numbers, null for a place: no match, no error."""
    geo.tickets(named("A1", "N/A"))
    geo.use(geocoder, provider)
    geocoder.always = "broken"
    report = geo.run("clusters")
    assert (report.exit_code, dict(report.by_status)) == (0, {"no_match": 1})


@pytest.mark.parametrize(("word", "waited_s"), [("second", 1.1), ("minute", 60.1)])
def test_waits_follow_the_text_of_the_refusal(ten: GeoWorld, geocoder: Geocoder, word: str, waited_s: float) -> None:
    """Second: 1.1 s. Minute: to the next minute. A refusal costs nothing of the budget."""
    geocoder.script.extend([word])
    assert ten.run().exit_code == 0
    assert ten.clock.slept == [pytest.approx(waited_s)]
    assert states(ten) == {"ok": 10, "limited": 1}


def test_what_nobody_knows_is_asked_again_after_30_90_and_180_days(geo: GeoWorld, geocoder: Geocoder) -> None:
    """And at once when a rule of the names changes."""
    geo.tickets(named("A1", "Nowhere Gardens"))
    geo.use(geocoder)
    geo.run("clusters")
    for days in (30, 90, 180, 180):
        geocoder.asked.clear()
        assert (geo.run().exit_code, geocoder.queries[0]) == (0, "Nowhere Gardens")
        geocoder.asked.clear()
        geo.clock.at += timedelta(days=days) - timedelta(minutes=1)
        assert (geo.run().exit_code, geocoder.queries) == (0, [])
        geo.clock.at += timedelta(minutes=2)
    geo.run()
    geocoder.asked.clear()
    geo.query(
        "INSERT INTO tickets.geo_name_rules (kind, pattern, value) VALUES ('phrase', 'NOWHERE', 'MIREMA') RETURNING 1"
    )
    geo.run()
    assert geocoder.queries


def test_answers_are_kept_as_long_as_the_terms_allow(ten: GeoWorld, geocoder: Geocoder) -> None:
    """LocationIQ: 48 h on the free plan, without end on the paid one; a resolved point stays in either."""
    ten.run()
    kept = "SELECT DISTINCT expires_at - fetched_at FROM tickets.geo_answers WHERE provider = %s AND n > 0"
    assert ten.query(kept, "locationiq") == [(timedelta(hours=48),)]
    ten.query("DELETE FROM tickets.geo_answers RETURNING 1")
    ten.query("DELETE FROM tickets.geo_locations RETURNING 1")
    ten.environ["FLEETTICKETS_GEOCODER_PLAN"] = "paid"
    ten.run()
    assert ten.query(kept, "locationiq") == [(None,)]
    ten.query("DELETE FROM tickets.geo_answers RETURNING 1")
    geocoder.asked.clear()
    assert (ten.run().exit_code, geocoder.asked) == (0, [])


def test_only_one_run_at_a_time(ten: GeoWorld) -> None:
    """INC and CRQ share one lock and one ledger."""
    with ten.connect() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('fleettickets:geocode', 0))")
        with pytest.raises(BusyError):
            ten.run()


def test_the_key_is_in_no_log_ledger_or_report(
    ten: GeoWorld, geocoder: Geocoder, caplog: pytest.LogCaptureFixture
) -> None:
    """It stands in the address of every request, and nowhere else."""
    caplog.set_level(logging.DEBUG)
    geocoder.script.extend(["500", "html", "redirect", "key"])
    report = ten.run()
    assert all(parameters["key"] == KEY for path, parameters in geocoder.asked if path == "/v1/search")
    books = ten.query("SELECT string_agg(request::text, '') FROM tickets.geo_requests AS request")
    assert KEY not in f"{books} {report.as_dict()} {caplog.text}"


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "ftp://host/x", "http://169.254.169.254/latest", "http://user@host/", "http://[fe80::1]/",
     "http://8.8.8.8/", "nominatim", "http://0.0.0.0:1/", "http://127.0.0.1:x/"],
)  # fmt: skip
def test_requests_go_to_no_odd_address(tmp_path: Path, address: str) -> None:
    """Schemes and hosts that are no provider's; a key never travels unencrypted."""
    environ = {"GEOCODER_PROVIDER": "locationiq", "GEOCODER_API_KEY": KEY, "GEOCODER_BASE_URL": address}
    with pytest.raises(UsageError, match="GEOCODER_BASE_URL"):
        configured(config.load(tmp_path, environ))


@pytest.mark.parametrize(
    "environ",
    [
        {"GEOCODER_PROVIDER": "locationiq"},
        {"GEOCODER_PROVIDER": "google"},
        {"GEOCODER_PROVIDER": " , "},
        {"GEOCODER_PROVIDER": "nominatim"},
        {"GEOCODER_PROVIDER": "gazetteer", "GEOCODER_DAILY_LIMIT": "many"},
        {"GEOCODER_PROVIDER": "gazetteer", "FLEETTICKETS_GEOCODER_PLAN": "gold"},
        {"GEOCODER_PROVIDER": "gazetteer", "FLEETTICKETS_GEOCODER_FALLBACK_ON_EMPTY": "perhaps"},
        {"GEOCODER_PROVIDER": "photon", "GEOCODER_BASE_URL": "http://a,http://b"},
        {"GEOCODER_PROVIDER": "photon", "GEOCODER_BASE_URL": "google=http://a"},
    ],
    ids=lambda environ: ",".join(environ.values()),
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, environ: dict[str, str]) -> None:
    """Before anything is opened or asked."""
    with pytest.raises(UsageError):
        configured(config.load(tmp_path, environ))


def test_without_a_setting_the_keys_decide(tmp_path: Path) -> None:
    """A key is enough; none means the embedded gazetteer."""

    def names(environ: dict[str, str]) -> list[str]:
        return [provider.name for provider, _ in configured(config.load(tmp_path, environ))]

    assert names({}) == ["gazetteer"]
    assert names({"OPENCAGE_API_KEY": KEY, "LOCATIONIQ_API_KEY": KEY}) == ["locationiq", "opencage"]


def test_each_provider_has_its_own_address(geo: GeoWorld, geocoder: Geocoder) -> None:
    """NAME=URL pairs; a base that ends in /v1 is the same base."""
    with serving() as other:
        geo.use(
            geocoder,
            "nominatim,locationiq",
            GEOCODER_BASE_URL=f"nominatim={other.url},locationiq={geocoder.url}/v1",
            FLEETTICKETS_GEOCODER_FALLBACK_ON_EMPTY="yes",
        )
        geo.tickets(named("A1", "N/A"))
        geo.run("clusters", fallback_on_empty=True)
        assert [path for path, _ in other.asked] == ["/search"]
        assert [path for path, _ in geocoder.asked] == ["/v1/balance", "/v1/search"]
