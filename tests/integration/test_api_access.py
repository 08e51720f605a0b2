"""Who may read over HTTP, and who may not."""

from __future__ import annotations

import json
import logging
import socket
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from apiserver import database_away, serving

from fleettickets.api.tokens import HOLD_S, Tokens

if TYPE_CHECKING:
    from apiserver import Api

    from fleettickets.db import Connection
    from fleettickets.demo.stack import Stack

OPEN = {"/healthz", "/readyz", "/api/session"}
PROBLEM = "application/problem+json"


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def paths(api: Api) -> list[tuple[str, str]]:
    """Every method and path of our OpenAPI, with something in its places."""
    with_local = api.server.tokens.held  # the document needs a token like all else
    assert with_local
    found = api.client.get("/api/openapi.json", headers=bearer(api.token("read", "admin"))).json()["paths"]
    filled_in = {
        "{layer}": "tickets",
        "{z}": "1",
        "{x}": "0",
        "{y}": "0",
        "{name}": "tickets",
        "{item}": "A",
        "{ending}": "csv",
    }
    wanted = []
    for path, methods in found.items():
        for hole, value in filled_in.items():
            path = path.replace(hole, value)  # noqa: PLW2901  # filled in step by step
        wanted += [(method, path) for method in methods]
    return wanted


def test_without_a_token_every_route_but_the_open_ones_is_401(guarded: Api) -> None:
    for method, path in paths(guarded):
        found = guarded.client.request(method, path)
        if path in OPEN:
            assert found.status_code in {200, 204, 400}, path
        else:
            assert (found.status_code, found.headers["content-type"]) == (401, PROBLEM), path
            assert found.headers["www-authenticate"] == "Bearer"


def test_no_route_answers_a_500_to_whoever_may_do_everything(guarded: Api) -> None:
    secret = guarded.token("admin")
    for method, path in paths(guarded):
        assert guarded.client.request(method, path, headers=bearer(secret)).status_code != 500, path


@pytest.mark.parametrize("header", ["Bearer wrong", "Basic QTpC", "Bearer ft_\u00e4", "bearer"])
def test_a_wrong_token_is_401(guarded: Api, header: str) -> None:
    found = guarded.client.get("/webhook/tickets", headers=[(b"authorization", header.encode("latin-1"))])
    assert (found.status_code, found.json()["code"]) == (401, "unauthorized")


def test_expired_and_revoked_tokens_are_401(guarded: Api) -> None:
    for secret in (guarded.token("read", expires="2020-01-01"), guarded.token("read", revoked=True)):
        assert guarded.client.get("/webhook/tickets", headers=bearer(secret)).status_code == 401


def test_without_its_database_a_server_trusts_its_tokens_for_a_while_only(filled: Api, servers: Stack) -> None:
    headers = bearer(filled.token("read"))
    with database_away(filled, servers.database_url or ""):
        assert filled.client.get("/webhook/tickets", headers=headers).status_code == 200
        filled.server.tokens.read_s -= HOLD_S
        refused = filled.client.get("/webhook/tickets", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert int(refused.headers["retry-after"]) > 0
        assert filled.client.get("/healthz").status_code == 200
    assert filled.client.get("/webhook/tickets", headers=headers).status_code == 200


def test_before_the_tokens_were_read_nobody_is_let_in() -> None:
    assert Tokens().are_unsure


def test_a_live_stream_ends_with_its_token(filled: Api, connection: Connection) -> None:
    headers = bearer(filled.token("read", name="leaver"))
    with filled.client.stream("GET", "/api/events", headers=headers) as stream:
        told = stream.iter_lines()
        assert next(told).startswith("retry")
        connection.execute("UPDATE tickets.api_tokens SET revoked_at = now()")
        connection.execute("SELECT pg_notify('fleettickets', 'tokens')")
        filled.until(lambda: not filled.server.tokens.held)
        connection.execute("SELECT tickets.advance_revision('inc', '{}')")
        assert [line for line in told if line.startswith("event:")] == ["event: revision", "event: clocks"]


def test_each_scope_opens_its_own_doors_only(guarded: Api) -> None:
    reader, reviewer, admin = guarded.token("read"), guarded.token("review"), guarded.token("admin")
    assert guarded.client.get("/api/freshness", headers=bearer(reader)).status_code == 200
    assert guarded.client.get("/api/freshness", headers=bearer(reviewer)).status_code == 403
    assert guarded.client.get("/metrics", headers=bearer(reader)).status_code == 403
    assert guarded.client.get("/metrics", headers=bearer(admin)).status_code == 200


def test_a_session_is_a_cookie_that_scripts_cannot_read_and_ends_with_its_token(filled: Api) -> None:
    secret = filled.token("read", "pii", name="noc")
    with httpx.Client(base_url=filled.url) as browser:
        assert browser.get("/webhook/tickets").status_code == 401
        assert browser.post("/api/session", json={"token": "wrong"}).status_code == 401
        opened = browser.post("/api/session", json={"token": secret})
        assert opened.json()["scopes"] == ["pii", "read"]
        assert secret not in opened.text + opened.headers["set-cookie"]
        assert all(word in opened.headers["set-cookie"] for word in ("HttpOnly", "SameSite=strict", "Path=/"))
        assert browser.get("/webhook/tickets").content == filled.map()
        assert browser.get("/api/session").json()["name"] == "noc"
        foreign = browser.delete("/api/session", headers={"origin": "https://evil.example"})
        assert foreign.json()["authenticated"] if foreign.status_code == 200 else foreign.status_code in {204, 403}
        filled.server.tokens.replace([], ever_made=True, read_s=time.monotonic())  # revoked
        assert browser.get("/webhook/tickets").status_code == 401


@pytest.mark.parametrize("cookie", ["", "1", "1.2.3", "x.y.z", "1.99999999999.00", "a" * 3000, "\u00e4"])
def test_a_forged_session_is_401(guarded: Api, cookie: str) -> None:
    headers = [(b"cookie", f"fleettickets_session={cookie}".encode("latin-1"))]
    assert guarded.client.get("/webhook/tickets", headers=headers).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "["])
def test_without_tokens_only_this_machine_may_be_asked_for(shown: Api, host: str) -> None:
    found = shown.client.get("/webhook/tickets", headers={"host": host})
    assert (found.status_code, found.json()["code"]) == (403, "forbidden")


def test_a_foreign_page_may_change_nothing_here(shown: Api) -> None:
    found = shown.client.post("/api/session", json={"token": "x"}, headers={"origin": "https://evil.example"})
    assert found.status_code == 403


def test_only_listed_origins_may_read(database_url: str) -> None:
    with serving(database_url, origins=frozenset({"https://noc.example.org"})) as api:
        ours, foreign = ({"origin": origin} for origin in ("https://noc.example.org", "https://evil.example"))
        allowed = api.client.get("/webhook/tickets", headers=ours)
        assert allowed.headers["access-control-allow-origin"] == "https://noc.example.org"
        assert "origin" in allowed.headers["vary"]
        assert "access-control-allow-origin" not in api.client.get("/webhook/tickets", headers=foreign).headers
        asked = api.client.options("/webhook/tickets", headers={**ours, "access-control-request-method": "GET"})
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, "https://noc.example.org")
        assert "access-control-allow-origin" not in api.client.options("/webhook/tickets", headers=foreign).headers


def test_who_asks_too_often_is_told_when_to_come_back(database_url: str) -> None:
    with serving(database_url, rate_per_s=1.0) as api:
        codes = [api.get("/api/freshness").status_code for _ in range(8)]
        assert codes[:4] == [200] * 4
        refused = api.get("/api/freshness")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) >= 1
        api.get("/webhook/tickets")
        assert {api.get("/healthz").status_code for _ in range(8)} == {200}


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", 408),
        (b"GET /webhook/tick", 408),
        (b"GET / HTTP/1.1\r\nhost: localhost\r\nx: ", 408),
        (b"POST /api/session HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\n{", 408),
        (b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\nGET / HT", 408),
        (b"\x16\x03\x01\x02\x00 this is TLS\r\n\r\n", 400),
    ],
)
def test_who_never_gets_to_the_end_of_a_request_is_told_and_let_go(database_url: str, sent: bytes, status: int) -> None:
    with serving(database_url, patience_s=0.3) as api:
        port = int(api.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as slow:
            slow.sendall(sent)
            told = b"".join(iter(lambda: slow.recv(65536), b""))  # until the server closes
        head, _, body = told.rpartition(b"\r\n\r\n")
        assert b"HTTP/1.1 %d" % status in head
        assert b"content-type: application/problem+json" in head
        assert json.loads(body)["status"] == status


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/webhook/tickets?nonsense=1", 400, "bad_parameter"),
        ("/webhook/tickets?bbox=37,-1,36,-2", 400, "bad_parameter"),
        ("/webhook/tickets?bbox=36,-1,nan,-2", 400, "bad_parameter"),
        ("/webhook/tickets?bbox=36,-1,inf,2", 400, "bad_parameter"),
        ("/webhook/tickets?bbox=-999,-999,999,999", 400, "bad_parameter"),
        ("/webhook/tickets?bbox=170,-10,-170,10", 400, "bad_parameter"),
        ("/webhook/tickets?bbox=1,2,3", 400, "bad_parameter"),
        ("/webhook/tickets?bbox=1,2,3,x", 400, "bad_parameter"),
        ("/webhook/tickets?limit=-1", 400, "bad_parameter"),
        ("/webhook/tickets?limit=0", 400, "bad_parameter"),
        ("/webhook/tickets?limit=99999999999999999999", 400, "bad_parameter"),
        ("/webhook/tickets?limit=ten", 400, "bad_parameter"),
        ("/webhook/tickets?cursor=!!", 400, "bad_parameter"),
        ("/webhook/tickets?cursor=QQ", 400, "bad_parameter"),
        ("/webhook/tickets?since=-1", 400, "bad_parameter"),
        ("/webhook/tickets?since=x", 400, "bad_parameter"),
        ("/webhook/tickets?since=1&now=2026-06-23", 400, "bad_parameter"),
        ("/webhook/tickets?now=yesterday", 400, "bad_parameter"),
        ("/webhook/tickets?dataset=abc", 400, "bad_parameter"),
        ("/webhook/tickets?dataset=inc'--", 400, "bad_parameter"),
        ("/webhook/tickets?sla=late", 400, "bad_parameter"),
        ("/webhook/tickets?fields=raw", 400, "bad_parameter"),
        ("/webhook/tickets?cluster=%00", 400, "bad_parameter"),
        ("/webhook/tickets?actionable=all", 413, "too_large"),
        ("/webhook/tickets?q=" + "x" * 10_000, 414, "uri_too_long"),
        ("/api/events?x=1", 400, "bad_parameter"),
        ("/webhook/inc-dashboard?window=year", 400, "bad_parameter"),
        ("/webhook/inc-dashboard?window=custom", 400, "bad_parameter"),
        ("/webhook/inc-dashboard?from=2026-06-23&to=2026-06-22", 400, "bad_parameter"),
        ("/webhook/inc-dashboard?from=2026-06-23&to=2026-06-23", 400, "bad_parameter"),
        ("/webhook/inc-dashboard?from=x", 400, "bad_parameter"),
        ("/webhook/inc-dashboard?mode=guessed", 400, "bad_parameter"),
        ("/api/backlog?from=2026-06-23&to=2026-06-22", 400, "bad_parameter"),
        ("/api/backlog?from=x", 400, "bad_parameter"),
        ("/api/teams?x=1", 400, "bad_parameter"),
        ("/api/quality?days=0", 400, "bad_parameter"),
        ("/api/outages?now=never", 400, "bad_parameter"),
        ("/api/tickets/nobody", 404, "not_found"),
        ("/api/geocode/review?limit=0", 400, "bad_parameter"),
        ("/api/runs?limit=501", 400, "bad_parameter"),
        ("/api/runs?before=-5", 400, "bad_parameter"),
        ("/api/runs?x=1", 400, "bad_parameter"),
        ("/api/freshness?x=1", 400, "bad_parameter"),
        ("/api/tickets/nearest?lon=nan&lat=0", 400, "bad_parameter"),
        ("/api/tickets/nearest?lon=36", 400, "bad_parameter"),
        ("/api/tickets/nearest?lon=36&lat=-1&k=101", 400, "bad_parameter"),
        ("/tiles/nothing.json", 404, "not_found"),
        ("/tiles/tickets/1/2/0.mvt", 404, "not_found"),
        ("/tiles/tickets/23/0/0.mvt", 400, "bad_parameter"),
        ("/tiles/tickets/-1/0/0.mvt", 400, "bad_parameter"),
        ("/tiles/tickets/a/0/0.mvt", 400, "bad_parameter"),
        ("/api/export/open.exe", 400, "bad_parameter"),
        ("/api/export/open.csv?x=1", 400, "bad_parameter"),
        ("/ogc/collections/nothing/items", 404, "not_found"),
        ("/ogc/collections/tickets/items/nobody", 404, "not_found"),
        ("/ogc/collections/tickets/items?limit=0", 400, "bad_parameter"),
        ("/ogc/collections/tickets/items?bbox=3,2,1,0", 400, "bad_parameter"),
        ("/api/nothing", 404, "not_found"),
        ("/../../etc/passwd", 404, "not_found"),
        ("/..%2f..%2fetc%2fpasswd", 404, "not_found"),
        ("/%00", 404, "not_found"),
    ],
)
def test_bad_input_is_a_documented_problem(shown: Api, path: str, status: int, code: str) -> None:
    found = shown.get(path)
    assert (found.status_code, found.headers["content-type"]) == (status, PROBLEM)
    assert found.json()["code"] == code
    assert "psycopg" not in found.text


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/webhook/tickets"), ("PUT", "/api/session"), ("DELETE", "/api/runs")]
)
def test_a_wrong_method_is_405_and_names_the_right_ones(shown: Api, method: str, path: str) -> None:
    found = shown.client.request(method, path)
    assert (found.status_code, found.json()["code"]) == (405, "method_not_allowed")
    assert found.headers["allow"]


def test_head_is_get_without_a_body(shown: Api) -> None:
    found = shown.client.head("/webhook/tickets", headers={"accept-encoding": "identity"})
    assert (found.status_code, found.content) == (200, b"")
    assert int(found.headers["content-length"]) == len(shown.map())


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff\xfe", b'{"token": 5}', b'{"token": "x", "more": 1}', b"x" * 70_000]
)
def test_a_bad_body_is_a_documented_problem(shown: Api, body: bytes) -> None:
    found = shown.client.post("/api/session", content=body, headers={"content-type": "application/json"})
    assert found.status_code in {400, 401, 413}
    assert found.headers["content-type"] == PROBLEM


def test_a_body_without_length_is_bounded_too(shown: Api) -> None:
    def chunks() -> Any:
        yield b'{"token": "'
        for _ in range(80):
            yield b"x" * 1024

    found = shown.client.post("/api/session", content=chunks(), headers={"content-type": "application/json"})
    assert (found.status_code, found.json()["code"]) == (413, "too_large")


def test_a_defect_shows_a_number_and_nothing_else(shown: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr("fleettickets.api.feed.whole", broken)
    found = shown.get("/webhook/tickets?cluster=never-asked-before")
    assert (found.status_code, found.json()["code"]) == (500, "internal")
    assert "hunter2" not in found.text


def test_a_server_is_not_ready_before_its_migrations_and_says_so(filled: Api, connection: Connection) -> None:
    assert filled.get("/readyz").json() == {
        "ready": True,
        "checks": {"database": "ok", "migrations": "ok", "feed": "ok"},
    }
    connection.execute(
        "DELETE FROM tickets.schema_migrations WHERE filename = (SELECT max(filename) FROM tickets.schema_migrations)"
    )
    refused = filled.get("/readyz")
    assert (refused.status_code, refused.json()["ready"]) == (503, False)
    assert "fleettickets migrate" in refused.json()["checks"]["migrations"]
    assert int(refused.headers["retry-after"]) > 0


def test_the_access_log_has_no_query_no_token_and_one_line_a_request(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fleettickets.access")
    with serving(database_url, access_log=True) as api:
        api.client.get("/webhook/tickets?q=wanjiru", headers=bearer("ft_secret"))
        api.client.get("/api/a%0Ab", headers={"cookie": "fleettickets_session=ft_secret"})
    lines = [record.getMessage() for record in caplog.records if record.name == "fleettickets.access"]
    assert [line.split()[:2] for line in lines] == [["GET", "'/webhook/tickets'"], ["GET", r"'/api/a\nb'"]]
    assert not any("wanjiru" in line or "ft_secret" in line or "\n" in line for line in lines)


def test_every_answer_forbids_sniffing_and_other_sites(shown: Api) -> None:
    for path in ("/webhook/tickets", "/healthz", "/api/nothing", "/tiles/tickets/0/0/0.mvt"):
        headers = shown.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["cross-origin-resource-policy"] == "same-origin", path
