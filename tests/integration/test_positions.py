"""Positions from everywhere they come from, into the database through one door."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import tracksolid as server
from hypothesis import given, settings
from hypothesis import strategies as st
from tracksolid import APP_KEY, PASSWORD_MD5, SECRET, USER, device

from fleettickets.dispatch.positions import gpx, push, tables
from fleettickets.dispatch.positions.fix import Fix, record
from fleettickets.dispatch.positions.tracksolid import Tracksolid
from fleettickets.errors import UpstreamError, UsageError
from fleettickets.outbound import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Outcome

    from fleettickets import db

NOW = datetime(2026, 6, 25, 9, tzinfo=UTC)
SEEN = datetime(2026, 6, 25, 8, 58, tzinfo=UTC)


@pytest.fixture
def rolled_back(shared_connection: db.Connection) -> Iterator[db.Connection]:
    with shared_connection.transaction(force_rollback=True):
        yield shared_connection


@pytest.fixture
def service() -> Iterator[server.Tracksolid]:
    with server.serving() as state:
        yield state


def client(service: server.Tracksolid, waits: list[float] | None = None) -> Tracksolid:
    return Tracksolid(
        service.url, APP_KEY, SECRET, USER, PASSWORD_MD5, sleep=(waits if waits is not None else []).append
    )


def positions(connection: db.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT vehicle_id, label, round(public.st_y(geom)::numeric, 4), fixed_at, speed_km_per_h, ignition "
        "FROM dispatch.fleet ORDER BY vehicle_id"
    ).fetchall()


def test_every_account_is_asked_and_what_a_list_leaves_out_is_asked_by_imei(
    rolled_back: db.Connection, service: server.Tracksolid
) -> None:
    service.accounts = {"north": [device("1")], "south": [device("2")]}
    service.hidden = [device("3")]
    found = client(service).fixes(["north", "south"], expected=["1", "3", "9"])
    assert record(rolled_back, found, "tracksolid", NOW).new == 3
    assert [(row[0], row[1], row[3], row[4], row[5]) for row in positions(rolled_back)] == [
        (imei, f"KDA {imei}", SEEN, 36.0, True) for imei in "123"
    ]
    assert [one["imeis"] for one in service.asked if "imeis" in one] == ["3,9"]


def test_a_token_is_used_again_until_it_is_old_and_renewed_once_when_it_expired(service: server.Tracksolid) -> None:
    clock = [0.0]
    one = client(service)
    one.clock = lambda: clock[0]
    service.accounts = {USER: [device("1")]}
    one.fixes([USER])
    one.fixes([USER])
    assert len(service.tokens) == 1
    clock[0] = 7_100
    one.fixes([USER])
    assert len(service.tokens) == 2
    service.refusals = [{"code": 1004, "message": "Token expired"}]
    assert len(one.fixes([USER])) == 1
    assert len(service.tokens) == 3
    service.refusals = [{"code": 1004, "message": "Token expired"}] * 2
    with pytest.raises(UpstreamError, match="1004"):
        one.fixes([USER])


def test_asked_too_often_it_waits_longer_each_time_and_gives_up(service: server.Tracksolid) -> None:
    waits: list[float] = []
    service.accounts = {USER: [device("1")]}
    service.refusals = [{"code": 1006, "message": "Request too often"}] * 2
    assert len(client(service, waits).fixes([USER])) == 1
    assert waits == [2.0, 4.0]
    service.refusals = [{"code": 1006, "message": "Request too often"}] * 9
    with pytest.raises(UpstreamError, match="asked too often"):
        client(service).fixes([USER])


@pytest.mark.parametrize("body", [b"<html>502</html>", b"[1]", b"", b'"text"'])
def test_an_answer_that_is_none_is_an_error_in_a_sentence(service: server.Tracksolid, body: bytes) -> None:
    service.body = body
    with pytest.raises(UpstreamError, match="Tracksolid"):
        client(service).fixes([USER])


def test_a_service_that_drips_is_not_waited_for(service: server.Tracksolid) -> None:
    service.drips = True
    with pytest.raises(UpstreamError, match=r"no complete answer within 0\.3 s"):
        replace(client(service), client=Client(timeout_s=0.3)).fixes([USER])


def test_no_secret_of_tracksolid_is_told(
    service: server.Tracksolid, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = Tracksolid(service.url, APP_KEY, SECRET, USER, "0" * 32)
    with pytest.raises(UsageError) as refused:
        wrong.fixes([USER])
    service.accounts = {USER: [device("1")]}
    one = client(service)
    one.fixes([USER])
    told = f"{refused.value!r} {one!r} {caplog.text} {capsys.readouterr()}"
    for secret in (SECRET, PASSWORD_MD5, "0" * 32, "token-0"):
        assert secret not in told


TIME = "2026-06-25T08:58:00Z"
JIMI = {"deviceImei": "J", "lat": -1.28, "lng": 36.82, "gpsTime": "2026-06-25 08:58:00", "gpsSpeed": 36}
TRACCAR: dict[str, dict[str, Any]] = {
    "device": {"uniqueId": "T", "name": "KDA 1"},
    "position": {"latitude": -1.28, "longitude": 36.82, "fixTime": TIME, "speed": 19.438445, "valid": True},
}
OWNTRACKS = {"_type": "location", "topic": "owntracks/crew/O", "lat": -1.28, "lon": 36.82, "tst": 1782377880, "vel": 36}
PLAIN = {"vehicle_id": "P", "lat": -1.28, "lon": 36.82, "fixed_at": TIME, "speed_km_per_h": 36}
PUSHED: dict[str, tuple[dict[str, str] | None, object]] = {
    "jimi": ({"data_list": json.dumps([JIMI])}, None),
    "traccar": (None, TRACCAR),
    "owntracks": (None, OWNTRACKS),
    "plain": (None, [PLAIN]),
}


@pytest.mark.parametrize("kind", PUSHED)
def test_each_kind_of_push_says_the_same_in_its_own_words(rolled_back: db.Connection, kind: str) -> None:
    """Traccar's knots become km/h."""
    form, document = PUSHED[kind]
    fixes = push.fixes_of(json.dumps(document).encode(), form)
    assert record(rolled_back, fixes, "push", NOW).as_dict() == {
        "read": 1, "new": 1, "newest": 1, "known": 0, "rejected": {}
    }  # fmt: skip
    ((_, _, lat, at, speed, _),) = positions(rolled_back)
    assert (float(lat), at, round(speed, 2)) == (-1.28, SEEN, 36.0)


def test_what_is_no_position_of_a_phone_is_no_error() -> None:
    assert push.fixes_of(b'{"_type": "lwt", "tst": 1}') == []


def test_an_invalid_traccar_position_is_none(rolled_back: db.Connection) -> None:
    invalid = {**TRACCAR, "position": {**TRACCAR["position"], "valid": False}}
    assert record(rolled_back, push.fixes_of(json.dumps(invalid).encode()), "push", NOW).rejected == {"no_position": 1}


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"x"', b"{}", b"[" * 100_000, b'{"lat": 1}', b"\xff"])
def test_a_push_of_no_known_kind_is_refused_in_a_sentence(body: bytes) -> None:
    with pytest.raises(UsageError):
        push.fixes_of(body)


@settings(max_examples=80, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["vehicle_id", "lat", "lon", "fixed_at", "position", "device", "_type", "deviceImei", "speed"]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_is_pushed_is_recorded_refused_or_kept_aside(shared_connection: db.Connection, told: object) -> None:
    """Never an exception of the database, never a crash."""
    try:
        fixes = push.fixes_of(json.dumps(told).encode())
    except UsageError:
        return
    with shared_connection.transaction(force_rollback=True):
        done = record(shared_connection, fixes, "push", NOW)
        assert done.read == len(fixes) == done.new + done.known + sum(done.rejected.values())


def test_a_view_is_read_by_its_usual_names_or_by_the_mapping(rolled_back: db.Connection) -> None:
    rolled_back.execute("CREATE SCHEMA tracking")
    rolled_back.execute(
        "CREATE VIEW tracking.v_live_positions AS SELECT 123 AS imei, 'KDA 1' AS plate, '-1.28' AS lat, 36.82 AS lng, "
        "timestamptz '2026-06-25 08:58:00+00' AS gps_time, 36 AS speed, -1.5 AS y"
    )
    record(rolled_back, tables.from_view(rolled_back, "tracking.v_live_positions", {}), "view", NOW)
    assert positions(rolled_back)[0][:4] == ("123", "KDA 1", positions(rolled_back)[0][2], SEEN)
    assert float(positions(rolled_back)[0][2]) == -1.28
    mapped = tables.from_view(rolled_back, "tracking.v_live_positions", tables.mapping_of("lat=y"))
    assert float(str(mapped[0].lat)) == -1.5


@pytest.mark.parametrize(
    ("view", "columns", "message"),
    [
        ("nowhere.nothing", "", "there is no view"),
        ("dispatch.vehicle", "", "has no column for lat, lon, fixed_at"),
        ("dispatch.vehicle", "color=blue", "a position has no color"),
        ("dispatch.vehicle", "lat", "write it like"),
        ('dispatch.vehicle"; DROP TABLE tickets.inc; --', "", "there is no view"),
    ],
)
def test_a_view_that_cannot_be_read_says_what_to_set(
    rolled_back: db.Connection, view: str, columns: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message), rolled_back.transaction():
        tables.from_view(rolled_back, view, tables.mapping_of(columns))


def test_traccars_own_tables_are_understood(rolled_back: db.Connection) -> None:
    rolled_back.execute(
        "CREATE TABLE public.tc_devices (id int, name text, uniqueid text, positionid int, lastupdate timestamp);"
        "CREATE TABLE public.tc_positions (id int, latitude float, longitude float, fixtime timestamp, speed float, "
        "course float, valid boolean);"
        "INSERT INTO public.tc_devices VALUES (1, 'KDA 1', 'T', 7, '2026-06-25 08:59:00');"
        "INSERT INTO public.tc_positions VALUES (7, -1.28, 36.82, '2026-06-25 08:58:00', 19.438445, 90, true)"
    )
    assert record(rolled_back, tables.from_traccar(rolled_back), "traccar", NOW).new == 1
    ((vehicle_id, label, _, at, speed, _),) = positions(rolled_back)
    assert (vehicle_id, label, at, round(speed)) == ("T", "KDA 1", SEEN, 36)


def test_a_gpx_file_is_the_track_of_one_vehicle(rolled_back: db.Connection, tmp_path: Path) -> None:
    path = tmp_path / "day.gpx"
    points = "".join(
        f'<trkpt lat="-1.2{n}" lon="36.8"><time>2026-06-25T08:0{n}:00Z</time><speed>10</speed></trkpt>'
        for n in range(9)
    )
    path.write_text(
        f'<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>{points}</trkseg></trk></gpx>',
        encoding="utf-8",
    )
    assert record(rolled_back, gpx.fixes_of(path, "V"), "gpx", NOW).new == 9
    assert record(rolled_back, gpx.fixes_of(path, "V"), "gpx", NOW).new == 0
    assert positions(rolled_back)[0][4] == 36.0


@pytest.mark.parametrize(
    "text",
    [
        "no xml",
        "",
        '<!DOCTYPE gpx [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><gpx>&b;</gpx>',
        '<!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/passwd">]><gpx>&x;</gpx>',
        "<gpx><trk>",
    ],
)
def test_what_is_no_gpx_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "day.gpx"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="is no GPX file"):
        list(gpx.fixes_of(path, "V"))


def test_a_fix_of_any_text_becomes_rows_or_reasons(rolled_back: db.Connection) -> None:
    """NUL and half a surrogate pair are two things a database cannot hold."""
    odd = [Fix("a\0b", "1", "1", "2026-06-25 08:00:00", label="\ud800"), Fix(None, "x", "y", "z")]
    assert record(rolled_back, odd, "push", NOW).rejected == {"no_vehicle": 1}


def test_tracksolid_on_the_command_line(service: server.Tracksolid, shell: Callable[..., Outcome]) -> None:
    service.accounts = {USER: [device("1"), device("2", lat="0", lng="0")]}
    env: dict[str, str | None] = {
        "FLEETTICKETS_TRACKSOLID_URL": service.url,
        "FLEETTICKETS_TRACKSOLID_APP_KEY": APP_KEY,
        "FLEETTICKETS_TRACKSOLID_APP_SECRET": SECRET,
        "FLEETTICKETS_TRACKSOLID_USER": USER,
        "FLEETTICKETS_TRACKSOLID_PASSWORD_MD5": PASSWORD_MD5,
    }
    command = ("fleettickets", "dispatch", "positions", "tracksolid", "--now", NOW.isoformat())
    dry = shell(*command, env=env)
    assert (dry.exit_code, "nothing kept" in dry.out) == (0, True), dry.err
    done = shell(*command, "--apply", "--json", env=env)
    assert json.loads(done.out) == {
        "source": "tracksolid", "applied": True, "read": 2, "new": 1, "newest": 1, "known": 0,
        "rejected": {"zero_position": 1},
    }  # fmt: skip
    missing = shell(*command, env={**env, "FLEETTICKETS_TRACKSOLID_USER": None})
    assert (missing.exit_code, "FLEETTICKETS_TRACKSOLID_USER" in missing.err) == (2, True)
    away = shell(*command, env={**env, "FLEETTICKETS_TRACKSOLID_URL": "http://127.0.0.1:1"})
    assert (away.exit_code, SECRET in away.err) == (7, False)
