"""Reading location names: what must hold for any text, and what a question to a provider may be."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fleettickets.demo.nairobi import CLUSTERS, NOISE_NAMES, Cluster, alarm_name, location_names
from fleettickets.geocode import gazetteer
from fleettickets.geocode.names import Kind, Name, clean
from fleettickets.geocode.rules import Rule, Rules, seeded

REASONS = {"blank", "noise", "code_only", "unit_only", "too_broad", "linear_feature", "personal_data"}
FLAGS = {"landmark", "ambiguous"}
PLACES = [place.name for place in gazetteer.read()]
WORDS = sorted(seeded().vocabulary | seeded().of("unit") | seeded().of("element") | seeded().of("abbr"))
JUNK = [
    "NW_",
    "ADR_MNT_",
    "SDUS",
    "FDT12",
    "FDT 12",
    "FAT-3",
    "OLT",
    "PON 0/1/5",
    "HWTC1A2B3C4D",
    "10.20.30.40",
    "N/A",
    "LOS",
    "RED LIGHT",
]
JUNK += ["AA:BB:CC:00:11:22", "0/1/12", "DUPLICATE TICKET", "UNKNOWN"]
PHONES = ["0712345678", "0712 345 678", "+254 712-345-678", "254712345678", "0110 123456", "(0722) 123 456"]
PHONES += ["0712.345.678", "0712_345_678", "07 12 34 56 78", "020 2345678", "712345678"]
SPOKEN = st.lists(st.sampled_from(WORDS + PLACES + list(string.digits) + ["44", "8", "C", "B"]), min_size=1, max_size=7)
ANY_TEXT = st.text(max_size=200) | st.text(st.sampled_from("AB1 _-/.,;:#()'+°@\n0123456789"), max_size=120)
ANY_CLUSTER = st.none() | st.sampled_from([cluster.name for cluster in CLUSTERS]) | st.text(max_size=20)


def read(raw: str | None, cluster: str | None = "KASARANI") -> Name:
    return clean(raw, cluster, seeded())


def spoken(words: list[str], separators: list[str]) -> str:
    return "".join(word + separators[at % len(separators)] for at, word in enumerate(words))


NAMES = st.builds(spoken, SPOKEN, st.lists(st.sampled_from([" ", "_", ", ", " - ", "/", " OPP "]), min_size=1))


@settings(max_examples=200, deadline=None)
@given(raw=ANY_TEXT | NAMES, cluster=ANY_CLUSTER)
@example(raw="'; DROP TABLE tickets.inc; --", cluster="KASARANI")
@example(raw="\x00\x1f\x7f\ud83d", cluster="\x00")
@example(raw="😀🏠 Kasarani", cluster="KASARANI")
def test_any_text_is_read_and_always_the_same_way(raw: str, cluster: str | None) -> None:
    name = read(raw, cluster)
    assert name == read(raw, cluster)
    assert (name.reason in REASONS) == (name.kind is Kind.NOTHING)
    assert set(name.flags) <= FLAGS
    assert bool(name.place) == (name.kind in {Kind.PLACE, Kind.CLUSTER})
    assert (name.point is not None) == (name.kind is Kind.COORD) or name.kind is Kind.PLUSCODE


@settings(max_examples=300, deadline=None)
@given(raw=NAMES | ANY_TEXT, cluster=ANY_CLUSTER)
@example(raw="BUS DR 2", cluster=None)
@example(raw="BUS DR_XAVIER HOUSE PLAZA", cluster=None)
@example(raw="MIREMA DR, KAJIADO", cluster=None)
@example(raw="01 4 DB", cluster="01 4 DB")
def test_a_clean_name_stays_as_it_is(raw: str, cluster: str | None) -> None:
    place = read(raw, cluster).place
    assert read(place, cluster).place == place


@settings(max_examples=200, deadline=None)
@given(
    place=st.sampled_from(PLACES),
    before=st.lists(st.sampled_from(JUNK), max_size=3),
    after=st.lists(st.sampled_from(JUNK), max_size=3),
    separator=st.sampled_from([" ", "_"]),
)
def test_junk_before_and_after_changes_nothing(place: str, before: list[str], after: list[str], separator: str) -> None:
    bare, dressed = read(place), read(separator.join([*before, place, *after]))
    assert (dressed.kind, dressed.place, dressed.alt, dressed.flags) == (bare.kind, bare.place, bare.alt, bare.flags)


@settings(max_examples=200, deadline=None)
@given(raw=NAMES | ANY_TEXT, cluster=ANY_CLUSTER)
def test_a_place_is_never_digits_alone(raw: str, cluster: str | None) -> None:
    name = read(raw, cluster)
    for text in (name.place, name.alt, *(rung.query for rung in name.ladder)):
        assert text is None or re.search("[A-Za-z]", text)


@settings(max_examples=200, deadline=None)
@given(
    before=NAMES | ANY_TEXT,
    phone=st.sampled_from(PHONES),
    after=NAMES | ANY_TEXT,
    gap=st.sampled_from([" ", ", ", "_"]),
)
def test_no_telephone_number_is_ever_sent(before: str, phone: str, after: str, gap: str) -> None:
    name = read(f"{before}{gap}{phone}{gap}{after}")
    for text in (name.place, name.alt, *(rung.query for rung in name.ladder)):
        assert not re.search(r"\d(?:\W{0,3}\d){5}", text or "")
        assert "@" not in (text or "")


@pytest.mark.parametrize("phone", [*PHONES, "jane.wanjiku@example.com", "JaneW@example.co.ke"])
def test_beside_a_number_or_mail_only_known_places_survive(phone: str) -> None:
    assert read(f"Jane Wanjiku {phone}").reason == "personal_data"
    assert read(f"Jane Wanjiku {phone} Umoja 2 Wanjiku Plaza").place == "Umoja 2"
    assert read(f"{phone} jane wanjiku donholm phase 8").place == "Donholm Phase 8"


@pytest.mark.parametrize("cluster", CLUSTERS, ids=lambda cluster: cluster.name)
def test_a_cluster_by_its_own_name_is_the_cluster(cluster: Cluster) -> None:
    name = cluster.name
    for raw in (name, name.title(), f"NW_ADR_{name.replace(' ', '_')}_FDT3", f"{name}, Nairobi", f"PLOT 45 {name}"):
        assert read(raw, name).kind is Kind.CLUSTER, raw


@pytest.mark.parametrize("cluster", CLUSTERS, ids=lambda cluster: cluster.name)
def test_the_demo_writes_no_name_that_is_lost(cluster: Cluster) -> None:
    for raw in location_names(cluster):
        name = read(raw, cluster.name)
        assert name.kind in {Kind.PLACE, Kind.CLUSTER} or name.reason == "linear_feature", raw
    assert read(alarm_name(cluster, 7), cluster.name).kind is Kind.CLUSTER


@pytest.mark.parametrize("raw", NOISE_NAMES)
def test_noise_of_the_demo_is_nothing(raw: str) -> None:
    assert read(raw).kind is Kind.NOTHING


@pytest.mark.parametrize(
    "raw",
    [
        "-1.2186, 36.8902",
        "36.8902,-1.2186",
        "1.2186S 36.8902E",
        "S1.2186 E36.8902",
        "Lat -1.2186 Long 36.8902",
        "-1.218600000000, 36.890200000000",
        "1°13'06.96\"S 36°53'24.72\"E",
        "https://maps.google.com/?q=-1.2186,36.8902",
        "\u22121.2186 36.8902 Kasarani FDT12",
    ],
)
def test_coordinates_are_a_point_in_whatever_order(raw: str) -> None:
    name = read(raw)
    assert name.kind is Kind.COORD
    assert name.point
    assert (round(name.point.lat, 6), round(name.point.lon, 6)) == (-1.2186, 36.8902)


@pytest.mark.parametrize("raw", ["6.5244, 3.3792", "0.000000,0.000000", "-4.0435, 39.6682", "1.2186, 36.8902"])
def test_coordinates_where_we_do_not_work_are_none(raw: str) -> None:
    assert read(raw).reason == "code_only"
    assert read(f"{raw} Roysambu").place == "Roysambu"


def test_a_full_plus_code_is_a_point_and_a_short_one_waits_for_its_cluster() -> None:
    full, short = read("6gcrqvjr+8x"), read("QVJR+8X Kasarani")
    assert (full.kind, full.pluscode) == (Kind.PLUSCODE, "6GCRQVJR+8X")
    assert full.point
    assert (round(full.point.lat, 4), round(full.point.lon, 4)) == (-1.2192, 36.8924)
    assert (short.kind, short.pluscode, short.point) == (Kind.PLUSCODE, "QVJR+8X", None)
    assert read("8FVC2222+22").reason == "code_only"


def test_ten_thousand_letters_cost_no_more_than_their_length() -> None:
    for text in ("A", "1", "@", "(", "1.", "0/", "<", "FDT ", "HSE ", "KASARANI ", "K.", "-1.2186,", " - ", "07"):
        name = read(text * (10_000 // len(text)))
        assert len(name.place or "") <= 120


def test_prose_is_searched_for_known_places_alone() -> None:
    prose = "the customer says that since monday morning their line is dead and they live somewhere around zimmerman"
    assert read(prose).place == "Zimmerman"
    assert read(prose.replace("zimmerman", "the corner")).reason == "noise"


@pytest.mark.parametrize(
    ("raw", "cluster", "queries"),
    [
        ("MIREMA DRIVE", "ROYSAMBU", ["Mirema Drive"]),
        ("SYOKIMAU_GATEWAY_MALL", "SYOKIMAU", ["Gateway Mall, Syokimau", "Gateway Mall", "Syokimau"]),
        ("KASALANI MWIKI", "KASARANI", ["Kasalani Mwiki", "Mwiki, Kasarani", "Mwiki"]),
        ("LIMURU RD RUAKA", "RUAKA", ["Limuru Road, Ruaka", "Ruaka"]),
        ("JUJA ROAD ESTATE", "KAMUKUNJI", ["Juja Road Estate"]),
        ("SUNSHINE ESTATE UMOJA", "UMOJA", ["Sunshine Estate, Umoja", "Sunshine, Umoja", "Sunshine Estate"]),
        ("KASARANI", "KASARANI", []),
        ("MSA RD", "EMBAKASI", []),
    ],
)
def test_at_most_three_questions_are_asked_and_never_a_bare_road(raw: str, cluster: str, queries: list[str]) -> None:
    assert [rung.query for rung in read(raw, cluster).ladder] == queries


def test_an_area_alone_is_worth_an_area() -> None:
    assert [rung.precision for rung in read("SYOKIMAU_GATEWAY_MALL").ladder] == [None, None, "area"]
    assert read("OPP SYOKIMAU GATEWAY MALL").ladder[0].precision == "near"


def test_a_code_nobody_knows_is_reported() -> None:
    assert read("XPT12 ZIMMERMAN").codes == ("XPT12",)
    assert read("FDT12 ZIMMERMAN").codes == ()


def test_every_step_is_told() -> None:
    steps = read("ADR_MNT_MIREMA_DRIVE_FDT07", "ROYSAMBU").steps
    assert steps[0].text == "ADR_MNT_MIREMA_DRIVE_FDT07"
    assert steps[-1].text == "Mirema Drive"


def test_rules_may_be_edited_in_any_case_and_an_empty_one_does_no_harm() -> None:
    edited = Rules((*seeded().rows, Rule("alias", "BLUE GATE", "Imara Daima", ""), Rule("alias", "", "", "")))
    assert clean("blue gate", "EMBAKASI", edited).place == "Imara Daima"
    assert clean("Kasarani", "KASARANI", Rules(())).kind is Kind.CLUSTER
