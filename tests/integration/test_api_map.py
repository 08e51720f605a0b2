"""The map feed over HTTP: the database's bytes, revisions, changes, filters."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from apiserver import ROWS, database_away, serving
from feed import closed, ticket
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleettickets import db

if TYPE_CHECKING:
    from apiserver import Api

    from fleettickets.db import Connection
    from fleettickets.demo.stack import Stack

PATH = "/webhook/tickets"


def ids(answer: Any) -> list[str]:
    return [feature["id"] for feature in answer.json()["features"]]


def test_an_empty_database_answers_what_the_map_function_answers(api: Api) -> None:
    assert api.get(PATH).content == api.map()


@pytest.mark.parametrize("encoding", ["identity", "gzip", "br", "zstd", "zstd;q=0, br;q=0.5", "*", "x, gzip;q=0"])
def test_the_answer_is_the_map_functions_bytes_in_any_encoding(shown: Api, encoding: str) -> None:
    found = shown.get(PATH, accept_encoding=encoding)
    assert found.status_code == 200
    assert found.headers["content-type"] == "application/geo+json"
    assert found.content == shown.map()


def test_encodings_are_what_the_header_says(shown: Api) -> None:
    with shown.client.stream("GET", PATH, headers={"accept-encoding": "gzip"}) as found:
        assert found.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(found.iter_raw())) == shown.map()


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ("dataset=crq", "p_dataset => 'crq'"),
        ("dataset=%20INC", "p_dataset => ' INC'"),
        ("cluster=%20ruaka%20", "p_cluster => ' ruaka '"),
        ("cluster=nowhere", "p_cluster => 'nowhere'"),
        ("status=on%20hold", "p_status => 'on hold'"),
        ("bbox=36.88,-1.23,36.9,-1.2", "p_bbox => ARRAY[36.88,-1.23,36.9,-1.2]"),
        ("dataset=inc&cluster=KASARANI&bbox=36,-2,38,0", "'inc', 'KASARANI', NULL, true, ARRAY[36,-2,38,0]"),
        ("actionable=all&dataset=inc", "'inc', p_actionable => NULL"),
        ("actionable=false&dataset=inc", "'inc', p_actionable => false"),
        ("now=2026-06-23T22:00:00%2B03:00", "p_now => '2026-06-23 22:00+03'"),
        ("now=2026-06-23T22:00", "p_now => '2026-06-23 22:00+03'"),
        ("now=2026-06-23T22:00&cluster=RUAKA", "p_cluster => 'RUAKA', p_now => '2026-06-23 22:00+03'"),
    ],
)
def test_a_filter_answers_the_same_bytes_as_the_function_with_that_parameter(
    shown: Api, query: str, arguments: str
) -> None:
    statement = f"SELECT reporting.fn_tickets_for_map({arguments})::text"
    with db.connect(shown.database_url) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    assert shown.get(f"{PATH}?{query}").content.decode() == row[0]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("cluster=RUAKA&cluster=(none)", ["B", "Ä'1"]),
        ("region=(none)", ["b"]),
        ("team=team%20b", ["B"]),
        ("team=(none)&dataset=inc", ["b"]),
        ("owner=WANJIRU", ["b"]),
        ("geo_source=feed&dataset=inc", ["A", "b"]),
        ("q=wanj", ["b"]),
        ("q=script", ["B"]),
        ("opened_after=2026-06-22T08:00:01", ["b", "Ä'1"]),
        ("sla=none", ["A", "Z"]),
        ("sla=breached,on_track&dataset=inc", ["A", "B", "b", "Ä'1"]),
        ("dataset=inc&limit=2", ["A", "B"]),
    ],
)
def test_filters_combine_and_choose(shown: Api, query: str, expected: list[str]) -> None:
    assert ids(shown.get(f"{PATH}?{query}")) == expected


def test_pages_follow_each_other_without_gap_or_repetition(shown: Api) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        answer = shown.get(f"{PATH}?limit=2&cursor={cursor}").json()
        seen += [(one["properties"]["dataset"], one["id"]) for one in answer["features"]]
        cursor = answer["next_cursor"]
    everything = json.loads(shown.map())["features"]
    assert seen == [(one["properties"]["dataset"], one["id"]) for one in everything]


def test_fields_keeps_only_the_properties_asked_for(shown: Api) -> None:
    found = shown.get(f"{PATH}?fields=status,cluster&cluster=RUAKA").json()
    assert [feature["properties"] for feature in found["features"]] == [{"status": "ON HOLD", "cluster": "RUAKA"}]


def test_an_unchanged_answer_is_a_304_until_a_ticket_changes(filled: Api, drain: Any) -> None:
    first = filled.get(PATH)
    etag = first.headers["etag"]
    assert filled.get(PATH, if_none_match=etag).status_code == 304
    assert filled.get(PATH, if_none_match=f'"x", {etag.removeprefix("W/")}').status_code == 304
    drain("2026-06-22 11:00:00", ROWS[:1])  # a file in which nothing changed
    filled.caught_up()
    assert filled.get(PATH, if_none_match=etag).status_code == 304
    drain("2026-06-22 12:00:00", [closed("A")])
    filled.caught_up()
    assert filled.get(PATH, if_none_match=etag).status_code == 200


def test_each_filter_has_an_etag_of_its_own(shown: Api) -> None:
    queries = ["", "?cluster=RUAKA", "?cluster=KASARANI", "?limit=1", "?dataset=inc", "?sla=breached"]
    assert len({shown.get(PATH + query).headers["etag"] for query in queries}) == len(queries)


def test_a_304_asks_the_database_nothing(filled: Api, connection: Connection) -> None:
    etag = filled.get(PATH).headers["etag"]
    counted = "SELECT sum(seq_scan + coalesce(idx_scan, 0)) FROM pg_stat_user_tables WHERE relname IN ('inc', 'crq')"
    connection.execute("SELECT pg_stat_force_next_flush()")
    before = connection.execute(counted).fetchone()
    for _ in range(20):
        assert filled.get(PATH, if_none_match=etag).status_code == 304
    assert connection.execute(counted).fetchone() == before


def test_since_tells_what_came_changed_and_went(filled: Api, drain: Any) -> None:
    before = int(filled.get(PATH).headers["fleettickets-revision"])
    drain("2026-06-22 12:00:00", [closed("A"), ticket("B", cluster="RUIRU"), ticket("N")])
    filled.caught_up()
    found = filled.get(f"{PATH}?since={before}").json()
    assert found["rev"] == before + 1
    assert [feature["id"] for feature in found["upsert"]] == ["B", "N"]
    assert found["remove"] == [{"dataset": "inc", "id": "A"}]
    assert found["summary"] == json.loads(filled.map())["summary"]
    nothing = filled.get(f"{PATH}?since={found['rev']}").json()
    assert (nothing["upsert"], nothing["remove"]) == ([], [])


def test_since_under_a_filter_removes_what_no_longer_passes(filled: Api, drain: Any) -> None:
    before = int(filled.get(PATH).headers["fleettickets-revision"])
    drain("2026-06-22 12:00:00", [ticket("B", cluster="RUIRU")])
    filled.caught_up()
    left = filled.get(f"{PATH}?cluster=RUAKA&since={before}").json()
    came = filled.get(f"{PATH}?cluster=RUIRU&since={before}").json()
    assert ([one["id"] for one in left["upsert"]], left["remove"]) == ([], [{"dataset": "inc", "id": "B"}])
    assert ([one["id"] for one in came["upsert"]], came["remove"]) == (["B"], [])


def test_a_revision_that_is_not_remembered_is_gone(filled: Api, connection: Connection) -> None:
    connection.execute("SELECT tickets.advance_revision('inc')")  # anything may have changed
    filled.until(lambda: filled.server.held.revisions["inc"] > 1)
    assert filled.get(f"{PATH}?since=1").status_code == 410
    assert filled.get(f"{PATH}?since=999999").json()["code"] == "too_old"


def test_a_server_that_begins_remembers_changes_from_before(filled: Api, drain: Any) -> None:
    before = int(filled.get(PATH).headers["fleettickets-revision"])
    drain("2026-06-22 12:00:00", [closed("A"), ticket("N")])
    with serving(filled.database_url) as second:
        found = second.get(f"{PATH}?since={before}").json()
    assert "N" in [one["id"] for one in found["upsert"]]
    assert {"dataset": "inc", "id": "A"} in found["remove"]


def test_a_lost_notification_is_made_good_by_the_poll(database_url: str, connection: Connection) -> None:
    with serving(database_url, poll_s=0.2) as api:
        connection.execute("UPDATE tickets.revisions SET revision = revision + 1 WHERE dataset = 'inc'")
        api.until(lambda: api.server.held.revisions["inc"] == 2)


def test_without_scope_pii_no_location_name_is_shown_nor_found(filled: Api) -> None:
    secret = f"Bearer {filled.token('read')}"
    shown = filled.get(PATH, authorization=secret)
    assert {one["properties"]["location_name"] for one in shown.json()["features"]} == {None}
    assert ids(filled.get(f"{PATH}?q=script", authorization=secret)) == []
    for path in (
        f"{PATH}?since=1",
        f"{PATH}?now=2026-06-23T22:00",
        "/api/export/open.csv",
        "/ogc/collections/tickets/items",
    ):
        text = filled.get(path, authorization=secret).text
        assert "FDT12" not in text
        assert "script" not in text
    full = f"Bearer {filled.token('read', 'pii')}"
    assert filled.get(PATH, authorization=full).content == filled.map()


def test_while_the_database_is_away_the_last_map_is_served_and_marked(filled: Api, servers: Stack) -> None:
    whole = filled.map()
    with database_away(filled, servers.database_url or ""):
        still = filled.get(PATH)
        assert (still.status_code, still.content) == (200, whole)
        since = datetime.fromisoformat(still.headers["fleettickets-stale"])
        assert since <= datetime.now(UTC)
        assert "fleettickets-stale" in filled.get(PATH, if_none_match=still.headers["etag"]).headers
        away = filled.get("/api/runs")
        assert (away.status_code, away.json()["code"]) == (503, "unavailable")
        assert int(away.headers["retry-after"]) > 0
        assert filled.get("/readyz").status_code == 503
        assert filled.get("/healthz").status_code == 200
        assert filled.get("/api/freshness").json()["stale_since"] is not None
    assert "fleettickets-stale" not in filled.get(PATH).headers
    assert filled.get("/readyz").status_code == 200


TICKETS = st.dictionaries(
    st.sampled_from(["A", "B", "a", "Ä", "Z9", "z"]),
    st.builds(
        lambda cluster, status, is_open, team: ticket(
            "", cluster=cluster, normalized_status=status, is_actionable=is_open, assigned_team=team
        ),
        st.sampled_from(["KASARANI", "ruaka", "", 'x"y\\', "\u2028☂"]),
        st.sampled_from(["OPEN", "", "on hold", "Ö"]),
        st.sampled_from(["true", "false", ""]),
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5),
    ),
    max_size=4,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(st.tuples(st.sampled_from(["inc", "crq"]), TICKETS), min_size=1, max_size=4))
def test_whatever_is_ingested_the_server_holds_what_the_map_function_says(
    api: Api, drain: Any, files: list[tuple[str, dict[str, Any]]]
) -> None:
    """Followed change by change, or read anew by a server that begins."""
    start = api.server.held.rev
    for dataset, rows in files:
        _clock[0] += 1
        when = f"2026-06-{1 + _clock[0] // 1440:02d} {_clock[0] // 60 % 24:02d}:{_clock[0] % 60:02d}:00"
        drain(when, [{**row, "ticket_id": name} for name, row in rows.items()], dataset=dataset)
    api.caught_up()
    assert api.get(PATH).content == api.map()
    assert api.server.held.rev >= start


_clock = [0]
