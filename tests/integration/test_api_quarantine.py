"""The quarantine and the next run over HTTP: the command's own rules, on a real bucket and database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from apiserver import Api, serving
from feed import key, sheet, ticket

from fleettickets import db
from fleettickets.datasets import INC
from fleettickets.pipeline import Order, ingest
from fleettickets.report import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets.db import Connection
    from fleettickets.source.bucket import Bucket

HTML = b"<html>502 Bad Gateway</html>\n"
RAGGED = sheet([ticket("A"), ticket("B")]) + b'"C","too short"\n'


@pytest.fixture
def api(database_url: str, bucket: Bucket) -> Iterator[Api]:
    with serving(database_url, open_bucket=lambda: bucket) as running:
        yield running


def put(bucket: Bucket, when: str, body: bytes) -> None:
    bucket.client.put_object(Bucket=bucket.name, Key=key(INC, when), Body=body)


def drain(bucket: Bucket, database_url: str) -> None:
    report = ingest(Order(INC, "test", apply=True), bucket, lambda: db.connect(database_url), datetime.now(UTC), NOBODY)
    assert report.exit_code in (0, 3), report.error


def decide(api: Api, **verdict: Any) -> Any:
    return api.client.post("/api/quarantine", json=verdict)


def test_what_was_put_aside_is_listed_read_again_and_written_down(
    api: Api, bucket: Bucket, connection: Connection
) -> None:
    """A file of a time to come is used once a person accepts it; the audit says who, and what came of it."""
    tomorrow = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d %H:%M:%S}"
    put(bucket, tomorrow, sheet([ticket("A")]))
    drain(bucket, api.database_url)
    (file,) = api.get("/api/quarantine?dataset=inc").json()["files"]
    assert (file["reason"], file["record"]) == ("file_from_future", None)
    tried = decide(api, action="retry", references=[file["reference"]], accept_future=True, apply=False).json()
    assert (tried["runs"][0]["rows"]["new"], tried["outcomes"]) == (1, {})
    assert connection.execute("SELECT count(*) FROM tickets.inc").fetchone() == (0,)
    done = decide(api, action="retry", references=[file["reference"]], accept_future=True).json()
    assert done["outcomes"] == {file["reference"]: "used"}
    assert connection.execute("SELECT ticket_id FROM tickets.inc").fetchall() == [("A",)]
    found = api.get("/api/quarantine").json()
    assert (found["files"], found["total"]) == ([], {"files": 0, "rows": 0})
    assert [(one["who"], one["action"], one["reason"], one["outcome"]) for one in found["decisions"]] == [
        ("local", "retry", "file_from_future", "used")
    ]


def test_what_still_cannot_be_used_says_so_and_can_be_discarded(api: Api, bucket: Bucket) -> None:
    put(bucket, "2026-06-22 10:00:00", RAGGED)
    put(bucket, "2026-06-22 11:00:00", HTML)
    drain(bucket, api.database_url)
    found = api.get("/api/quarantine").json()
    references = [found["files"][0]["reference"], found["rows"][0]["reference"]]
    assert "too short" in found["rows"][0]["record"]
    again = decide(api, action="retry", references=references).json()
    assert all(outcome.startswith("still held: ") for outcome in again["outcomes"].values())
    told = api.get("/api/quarantine").json()
    references = [one["reference"] for one in told["files"] + told["rows"]]
    assert decide(api, action="discard", references=references).json()["outcomes"] == dict.fromkeys(
        references, "discarded"
    )
    assert api.get("/api/quarantine").json()["total"] == {"files": 0, "rows": 0}
    assert len(api.get("/api/quarantine?discarded=true").json()["files"]) == 1


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        ({"action": "retry", "references": []}, 400),
        ({"action": "retry", "references": ["name.csv"]}, 400),
        ({"action": "burn", "references": ["1"]}, 400),
        ({"action": "discard", "references": ["999"]}, 409),
    ],
)
def test_a_verdict_that_means_nothing_is_refused(api: Api, verdict: dict[str, Any], status: int) -> None:
    assert decide(api, **verdict).status_code == status


def test_only_reviewers_decide_and_records_are_for_those_who_may_know_names(
    api: Api, bucket: Bucket, database_url: str
) -> None:
    put(bucket, "2026-06-22 10:00:00", RAGGED)
    drain(bucket, database_url)
    reader, reviewer = (f"Bearer {api.token(*scopes)}" for scopes in (("read",), ("read", "review")))
    told = api.get("/api/quarantine", authorization=reader).json()["rows"][0]
    assert told["record"] is None
    verdict = {"action": "discard", "references": [told["reference"]]}
    refused = api.client.post("/api/quarantine", json=verdict, headers={"authorization": reader})
    allowed = api.client.post("/api/quarantine", json=verdict, headers={"authorization": reviewer})
    assert (refused.status_code, allowed.status_code) == (403, 200)


def test_the_next_run_is_told_without_reading_or_holding_anything(api: Api, bucket: Bucket) -> None:
    put(bucket, "2026-06-22 10:00:00", sheet([ticket(str(n)) for n in range(50)]))
    drain(bucket, api.database_url)
    put(bucket, "2026-06-22 11:00:00", sheet([ticket(str(n)) for n in range(25)]))
    put(bucket, f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d %H:%M:%S}", b"")
    for _ in range(2):
        told = api.get("/api/runs/next").json()
        inc = told["datasets"]["inc"]
        assert (told["known"], inc["reads"], inc["quarantines"], inc["running_since"]) == (True, 1, 1, None)
        assert 20 < inc["about_rows"] < 30
        assert told["datasets"]["crq"]["reads"] == 0
    drain(bucket, api.database_url)
    assert api.get("/api/runs/next?dataset=inc").json()["datasets"]["inc"]["reads"] == 0


def test_a_server_without_a_store_says_that_it_does_not_know(database_url: str) -> None:
    with serving(database_url) as api:
        told = api.get("/api/runs/next").json()
        assert (told["known"], told["datasets"]) == (False, {})
        assert "RUSTFS_ENDPOINT_URL" in told["reason"]
