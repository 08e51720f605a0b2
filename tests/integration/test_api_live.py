"""Live events: who listens hears of each change, once, and nobody waits for a slow reader."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from apiserver import serving
from feed import ticket

from fleettickets.api.streams import Streams, TooManyError, message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver import Api

PATH = "/api/events"


def events(lines: Iterator[str]) -> Iterator[tuple[str, str, Any]]:
    """Id, name and data of each event."""
    found: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line:
            found[name] = value
        elif "event" in found:
            yield found["id"], found["event"], json.loads(found["data"])
            found = {}


def heard_until(stream: Iterator[tuple[str, str, Any]], name: str, rev: int) -> Any:
    for number, event, data in stream:
        if event == name and int(number) >= rev:
            return data
    raise AssertionError("the stream ended")


def test_a_listener_hears_where_things_stand_and_then_each_change(api: Api, drain: Any) -> None:
    with api.client.stream("GET", PATH) as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        told = events(stream.iter_lines())
        number, name, data = next(told)
        assert (number, name, data["rev"]) == (str(data["rev"]), "revision", data["inc"] + data["crq"])
        assert next(told)[1] == "clocks"
        drain("2026-06-22 10:00:00", [ticket("A"), ticket("B")])
        change = heard_until(told, "revision", data["rev"] + 1)
        assert (change["rev"], change["changed"]) == (data["rev"] + 1, 2)
        assert heard_until(told, "clocks", 0)["inc"]["file_ts"] == "2026-06-22T10:00:00+03:00"


def test_a_run_that_changes_nothing_is_news_of_the_clocks_only(filled: Api, drain: Any) -> None:
    with filled.client.stream("GET", PATH) as stream:
        told = events(stream.iter_lines())
        assert [next(told)[1], next(told)[1]] == ["revision", "clocks"]
        drain("2026-06-22 11:00:00", [ticket("A", latitude="-1.2210004", longitude="36.8910006")])
        assert next(told)[1] == "clocks"


def test_who_comes_back_hears_how_much_changed_meanwhile(filled: Api, drain: Any) -> None:
    before = filled.server.held.rev
    drain("2026-06-22 12:00:00", [ticket("N"), ticket("M")])
    filled.caught_up()
    for last, changed in ((str(before), 2), (str(before + 1), 0), ("999999", None), ("x", None), ("-1", None)):
        with filled.client.stream("GET", PATH, headers={"last-event-id": last}) as stream:
            assert next(events(stream.iter_lines()))[2]["changed"] == changed


def test_more_streams_than_allowed_are_refused_and_room_is_made_again(database_url: str) -> None:
    with serving(database_url, most_streams=2) as api:
        with api.client.stream("GET", PATH), api.client.stream("GET", PATH):
            api.until(lambda: len(api.server.streams) == 2)
            refused = api.get(PATH)
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert int(refused.headers["retry-after"]) > 0
        api.until(lambda: len(api.server.streams) == 0)
        with api.client.stream("GET", PATH) as stream:
            assert stream.status_code == 200


def test_many_listeners_all_hear(api: Api, drain: Any) -> None:
    heard: list[int] = []

    def listen() -> None:
        with httpx.stream("GET", api.url + PATH, timeout=60) as stream:
            heard.append(heard_until(events(stream.iter_lines()), "revision", 3)["rev"])

    threads = [threading.Thread(target=listen) for _ in range(20)]
    for thread in threads:
        thread.start()
    api.until(lambda: len(api.server.streams) == 20)
    drain("2026-06-22 10:00:00", [ticket("A")])
    for thread in threads:
        thread.join(60)
    assert heard == [3] * 20


def test_the_server_stops_while_streams_are_open(database_url: str) -> None:
    with httpx.Client(timeout=60) as client:
        with serving(database_url) as api:
            stream = client.send(client.build_request("GET", api.url + PATH), stream=True)
            api.until(lambda: len(api.server.streams) == 1)
        assert list(events(stream.iter_lines()))  # it ended
        stream.close()


def test_a_slow_reader_is_let_go_and_costs_the_others_nothing() -> None:
    async def story() -> None:
        streams = Streams(most=2)
        async with streams.reader(b"first") as slow, streams.reader(b"first") as quick:
            for n in range(200):
                streams.publish("revision", b"%d" % n, n)
                while not quick.empty():
                    last = quick.get_nowait()
            assert last == message("revision", b"199", 199)
            assert len(streams) == 1
            while (text := slow.get_nowait()) is not None:
                assert text.startswith((b"first", b"id:"))

    asyncio.run(story())


def test_a_stopping_server_takes_no_new_streams() -> None:
    async def story() -> None:
        streams = Streams(most=2)
        streams.close()
        with pytest.raises(TooManyError):
            async with streams.reader(b""):
                pass

    asyncio.run(story())
