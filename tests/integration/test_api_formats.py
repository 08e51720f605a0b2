"""Exports, tiles and OGC API Features, each read by a program of somebody else."""

from __future__ import annotations

import csv
import io
import json
import shutil
import struct
import subprocess
import warnings
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pyogrio.raw
import pytest
import schemathesis
from apiserver import fill, serving
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

if TYPE_CHECKING:
    from apiserver import Api

    from fleettickets.db import Connection

CLOCKS = {"export_now", "run_at", "file_ts", "content_as_of"}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
needs_gdal = pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="gdal-bin is missing")


def test_csv_holds_exactly_the_filter_shown_and_no_formula(shown: Api) -> None:
    found = shown.get("/api/export/open.csv?dataset=inc")
    assert found.headers["content-type"].startswith("text/csv")
    assert "attachment" in found.headers["content-disposition"]
    assert b"\r\n" in found.content
    rows = list(csv.DictReader(io.StringIO(found.text, newline="")))
    assert [row["ticket_id"] for row in rows] == ["A", "B", "b", "Ä'1"]
    assert [row["location_name"] for row in rows][3] == "'=1+1"
    assert rows[0]["latitude"] == "-1.221"
    assert rows[0].keys() >= CLOCKS
    assert {row["content_as_of"] for row in rows} != {""}
    assert json.loads(rows[0]["export_filter"]) == {"dataset": "inc"}


def test_csv_for_spreadsheets_begins_with_the_mark_they_want(shown: Api) -> None:
    assert shown.get("/api/export/open.csv?bom=true").content.startswith(b"\xef\xbb\xbf")


def test_an_empty_export_has_its_columns(shown: Api) -> None:
    rows = list(csv.reader(io.StringIO(shown.get("/api/export/open.csv?cluster=nowhere").text, newline="")))
    assert len(rows) == 1
    assert {"ticket_id", *CLOCKS} <= set(rows[0])


def test_geojson_carries_clocks_and_filter_beside_the_features(shown: Api) -> None:
    found = shown.get("/api/export/open.geojson?cluster=RUAKA").json()
    assert [feature["id"] for feature in found["features"]] == ["B"]
    assert found["features"][0]["geometry"] is None
    assert found["clocks"].keys() == {"now", "inc", "crq"}
    assert found["filter"] == {"cluster": ["RUAKA"]}


def test_parquet_is_geoparquet_with_typed_columns(shown: Api) -> None:
    found = shown.get("/api/export/open.parquet")
    table = pq.read_table(io.BytesIO(found.content))
    assert table.num_rows == 6
    assert str(table.schema.field("opened_at").type) == "timestamp[us, tz=UTC]"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the reader's own
        from geoarrow.pyarrow import io as geoarrow_io  # noqa: PLC0415  # its import warns

        read = geoarrow_io.read_geoparquet_table(io.BytesIO(found.content))
    assert read.schema.field("geometry").type.extension_name.startswith("geoarrow")
    geo = json.loads(table.schema.metadata[b"geo"])
    assert (geo["version"], geo["columns"]["geometry"]["bbox"]) == ("1.1.0", [36.8, -1.3, 36.891001, -1.221])


def test_flatgeobuf_is_read_with_every_value_and_null(shown: Api) -> None:
    content = shown.get("/api/export/open.fgb").content
    # Not through Arrow: GDAL's stream of this format breaks on rows without a place.
    meta, _, places, columns = pyogrio.raw.read(io.BytesIO(content))
    names = list(meta["fields"])
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    found = {(row["dataset"], row["ticket_id"]): (row, place) for row, place in zip(rows, places, strict=True)}
    assert meta["crs"] == "EPSG:4326"
    assert len(found) == 6
    assert found["inc", "B"][1] is None
    assert found["inc", "b"][0]["owner"] == "Wanjiru"
    assert found["inc", "A"][0]["owner"] is None
    assert struct.unpack("<BIdd", found["inc", "A"][1]) == (1, 1, 36.891001, -1.221)
    assert str(found["crq", "A"][0]["scheduled_at"]).startswith("2026-06-24T06:00:00")


def test_an_export_at_an_instant_has_the_state_of_that_instant(shown: Api) -> None:
    found = shown.get("/api/export/open.json?now=2026-06-23T21:00&cluster=KASARANI&dataset=inc").json()
    assert {(row["ticket_id"], row["sla_state"]) for row in found["rows"]} == {("A", "at_risk"), ("b", "at_risk")}
    assert found["clocks"]["now"] == "2026-06-23T21:00:00+03:00"


WINDOW = "from=2026-06-20&to=2026-06-25&now=2026-06-24T12:00"


def test_a_closed_export_holds_what_the_dashboard_shows_under_the_same_filter(shown: Api) -> None:
    dashboard = shown.get(f"/webhook/inc-dashboard?{WINDOW}").json()
    found = shown.get(f"/api/export/closed.json?{WINDOW}")
    assert [row["ticket_id"] for row in found.json()["rows"]] == [one["id"] for one in dashboard["closed"]["features"]]
    assert [row["ticket_id"] for row in found.json()["rows"]] == ["C"]
    assert found.headers["fleettickets-coverage"] == dashboard["window"]["coverage"]
    assert found.json()["filter"]["window"] == dashboard["window"]
    assert found.json()["clocks"]["inc"].keys() == {"run_at", "file_ts", "content_as_of"}
    (row,) = csv.DictReader(io.StringIO(shown.get(f"/api/export/closed.csv?{WINDOW}").text, newline=""))
    assert (row["mttr"], row["closed_at"]) == ("1410", "2026-06-23T07:30:00+03:00")
    assert "" not in {row[name] for name in CLOCKS}
    assert shown.get(f"/api/export/closed.geojson?{WINDOW}").json()["features"][0]["id"] == "C"
    assert shown.get(f"/api/export/closed.json?{WINDOW}&cluster=RUAKA").json()["rows"] == []


def test_an_empty_closed_export_has_its_columns(shown: Api) -> None:
    (head,) = csv.reader(io.StringIO(shown.get(f"/api/export/closed.csv?{WINDOW}&team=nobody").text, newline=""))
    assert {"ticket_id", "closed_at", "derived_sla", *CLOCKS} <= set(head)


def test_history_and_quality_are_files_with_clocks(shown: Api) -> None:
    closures = shown.get("/api/export/history.json?dataset=inc").json()
    assert [(row["ticket_id"], row["kind"]) for row in closures["rows"]] == [("C", "baseline")]
    assert shown.get("/api/export/history.json?now=2026-06-21").json()["rows"] == []
    assert shown.get("/api/export/history.json?from=2026-06-24").json()["rows"] == []
    rules = list(csv.DictReader(io.StringIO(shown.get("/api/export/quality.csv").text, newline="")))
    assert {row["dataset"] for row in rules} == {"inc", "crq"}
    assert {row["rule"]: row["count"] for row in rules if row["dataset"] == "inc"}["no_cluster"] == "1"
    assert "" not in {row[name] for row in rules for name in CLOCKS}
    for what in ("history", "quality"):
        assert pq.read_table(io.BytesIO(shown.get(f"/api/export/{what}.parquet").content)).num_rows > 0
        refused = shown.get(f"/api/export/{what}.geojson")
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_parameter")


def test_the_clusters_of_a_tile_count_every_ticket_once(shown: Api) -> None:
    for tile in ("0/0/0", "5/19/16", "9/308/257"):
        rows = _tile(shown, tile, "clusters")
        assert sum(row["n"] for row in rows) == 3
        states = ("breached", "at_risk", "on_track", "unknown", "none")
        assert sum(row.get(state) or 0 for row in rows for state in states) == 3


def test_beyond_the_grid_a_tile_holds_single_tickets(shown: Api) -> None:
    rows = _tile(shown, "12/2467/2061", "tickets")
    assert {(row["dataset"], row["id"]) for row in rows} == {("inc", "A"), ("crq", "Z")}
    assert _tile(shown, "12/0/0", "tickets") == []


def test_layers_hold_their_dataset_and_an_unchanged_tile_is_a_304(shown: Api) -> None:
    path = "/tiles/crq/0/0/0.mvt"
    assert sum(row["n"] for row in _tile(shown, "0/0/0", "clusters", layer="crq")) == 1
    first = shown.get(path)
    again = shown.get(path, if_none_match=first.headers["etag"])
    assert again.status_code == 304 or again.headers["etag"] != first.headers["etag"]  # the clock's next step
    document = shown.get("/tiles/crq.json").json()
    assert document["tiles"] == [f"{shown.url}/tiles/crq/{{z}}/{{x}}/{{y}}.mvt"]


@needs_gdal
def test_gdal_reads_every_ticket_page_by_page(shown: Api) -> None:
    command = ["ogrinfo", "-q", f"OAPIF:{shown.url}/ogc", "tickets", "-oo", "PAGE_SIZE=2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("OGRFeature(tickets)") == 6
    assert "Ä'1" in done.stdout


@needs_gdal
def test_gdal_reads_the_clusters_inside_a_box(shown: Api) -> None:
    command = ["ogrinfo", "-q", f"OAPIF:{shown.url}/ogc", "clusters", "-spat", "36.85", "-1.25", "36.9", "-1.2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("OGRFeature(clusters)") == 1
    assert "open (Integer) = 2" in done.stdout


def test_pages_of_items_end_and_miss_nothing(shown: Api) -> None:
    seen, path = [], "/ogc/collections/tickets/items?limit=4"
    while path:
        answer = shown.get(path).json()
        assert (answer["numberMatched"], answer["numberReturned"]) == (6, len(answer["features"]))
        seen += [(feature["properties"]["dataset"], feature["id"]) for feature in answer["features"]]
        following = [link["href"] for link in answer["links"] if link["rel"] == "next"]
        path = following[0].removeprefix(shown.url) if following else ""
    assert len(seen) == len(set(seen)) == 6


def test_one_item_is_found_by_its_id(shown: Api) -> None:
    assert shown.get("/ogc/collections/tickets/items/B").json()["id"] == "B"
    assert shown.get("/ogc/collections/clusters/items/RUAKA").json()["properties"]["open"] == 1


def test_metrics_are_prometheus_text(shown: Api) -> None:
    shown.get("/webhook/tickets")
    text = shown.get("/metrics").text
    assert 'fleettickets_http_requests_total{route="/webhook/tickets",status="200"}' in text
    assert 'fleettickets_backlog_open{dataset="inc"} 4.0' in text
    assert "fleettickets_database_up 1.0" in text
    assert "fleettickets_held_tickets 6.0" in text


def test_metrics_tell_ingest_freshness_and_the_geocoders_budget(database_url: str, connection: Connection) -> None:
    fill(database_url)
    connection.execute(
        "INSERT INTO tickets.geo_requests (run_id, provider, utc_day, purpose, query_key, at) "
        "SELECT gen_random_uuid(), 'opencage', (now() AT TIME ZONE 'UTC')::date - day, 'inc', day::text, now() "
        "FROM unnest(ARRAY[0, 0, 0, 1]) AS day"
    )
    with serving(database_url, geocode_limits={"opencage": 10, "locationiq": 50}) as api:
        text = api.get("/metrics").text
    for line in (
        'fleettickets_geocode_requests_today{provider="opencage"} 3.0',
        'fleettickets_geocode_budget_left{provider="opencage"} 7.0',
        'fleettickets_geocode_budget_left{provider="locationiq"} 50.0',
        'fleettickets_files_applied{dataset="crq"} 1.0',
        'fleettickets_last_run_exit_code{dataset="inc"} 0.0',
        'fleettickets_freshness_feed{dataset="inc"} 3.0',
        'fleettickets_content_as_of_seconds{dataset="inc"}',
        "fleettickets_database_up 1.0",
    ):
        assert line in text


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
def test_no_request_made_up_from_our_openapi_breaks_the_server(shown: Api, mode: GenerationMode) -> None:
    """Every status is documented, every body is what its content type says, and none is a 500."""
    document = shown.get("/api/openapi.json").json()
    document["paths"].pop("/api/events", None)  # it never ends
    schema = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]  # an Err raises
    assert len(operations) > 15
    tried = [operation.label for operation in operations if _tried(operation, mode, shown)]
    assert len(tried) >= 8


def _tried(operation: Any, mode: GenerationMode, api: Api) -> bool:
    """Whether there was something to try: where any text is right, none is wrong."""

    @settings(max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Any) -> None:
        case.call_and_validate(base_url=api.url, checks=CHECKS, timeout=30)

    try:
        call()
    except Unsatisfiable:
        return False
    return True


def _tile(api: Api, tile: str, layer_inside: str, layer: str = "tickets") -> list[dict[str, Any]]:
    found = api.get(f"/tiles/{layer}/{tile}.mvt")
    assert (found.status_code, found.headers["content-type"]) == (200, "application/vnd.mapbox-vector-tile")
    if not found.content:
        return []
    _, table = pyogrio.read_arrow(io.BytesIO(found.content), layer=layer_inside)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
