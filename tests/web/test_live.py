"""How the page follows its server: each change at once, and no wrong word when the server or the stream is gone."""

from __future__ import annotations

import re
import signal
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from feed import closed, ticket
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page
    from web.conftest import Site, Visit

    Open = Callable[..., Visit]

MANY = 3_514


class Wire:
    """A wire to the server that cuts every live stream when it is told to, and lets everything else pass."""

    def __init__(self, port: int) -> None:
        self.cut = False
        self._to = port
        self._streams: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def cut_streams(self) -> None:
        """End the streams there are, and every one that is asked for from now on."""
        self.cut = True
        for stream in self._streams:
            with suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, asks: bool) -> None:  # noqa: FBT001  # its direction
        with source, suppress(OSError):
            while said := source.recv(65536):
                if asks and said.startswith(b"GET /api/events"):
                    if self.cut:
                        break
                    self._streams.append(source)
                sink.sendall(said)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire(site: Site) -> Iterator[Wire]:
    """The site behind a wire that can be cut."""
    made = Wire(int(site.url.rpartition(":")[2]))
    site.url = f"http://127.0.0.1:{made.port}"
    yield made
    made.close()


def rows(site: Site, n: int) -> list[dict[str, str]]:
    """Open tickets of one age, at places of their own."""
    return [
        ticket(
            f"INC-{number:04d}",
            created_at_service=site.ago(20 + number % 50),
            latitude=f"{-1.10 - number % 61 * 0.005:.4f}",
            longitude=f"{36.60 + number % 67 * 0.007:.4f}",
        )
        for number in range(n)
    ]


def heading(page: Page, n: int) -> None:
    """Wait until so many are open."""
    expect(page.get_by_role("heading", name=f"{n:,} open tickets", exact=True)).to_be_visible(timeout=30_000)


def test_a_delta_over_many_moves_list_map_and_board_without_flicker(site: Site, visit: Open) -> None:
    """Among 3,514 open tickets one is closed and two come: seen at once, and what is chosen and scrolled to stays."""
    site.load(rows(site, MANY), ago_h=1)
    page = visit("/").page
    heading(page, MANY)
    page.wait_for_selector(f".map[data-idle='{MANY}']", state="attached")
    page.locator("[data-key='inc:INC-0049']").click()
    expect(page.get_by_role("complementary", name="Ticket INC-0049")).to_be_visible()
    page.locator(".rows").evaluate("(list) => { list.scrollTop = 5000 }")
    # Any moment without rows, without marks or with another number than before or after would be noted.
    page.evaluate(
        """() => {
            window.seen = new Set()
            const look = () => {
                window.seen.add(document.querySelector('.list h2')?.textContent ?? 'no heading')
                if (!document.querySelector('.row')) window.seen.add('no rows')
                if (!document.querySelector('canvas.marks')) window.seen.add('no marks')
                if (!document.querySelector('.drawer')) window.seen.add('no drawer')
                requestAnimationFrame(look)
            }
            look()
        }"""
    )
    site.load(
        [
            closed("INC-0000", closed_at=site.ago(0.4), created_at_service=site.ago(20)),
            *(ticket(f"NEW-{n}", created_at_service=site.ago(1)) for n in range(2)),
        ],
        ago_h=0.3,
    )
    heading(page, MANY + 1)
    page.wait_for_selector(f".map[data-drawn='{MANY + 1}']", state="attached", timeout=1_000)
    assert page.evaluate("[...window.seen]") == [f"{MANY:,} open tickets", f"{MANY + 1:,} open tickets"]
    assert page.locator(".rows").evaluate("(list) => list.scrollTop") == 5000
    expect(page.get_by_role("complementary", name="Ticket INC-0049")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    expect(page.locator("[data-sum]")).to_have_attribute("data-sum", str(MANY + 1))


def test_without_its_stream_the_page_asks_and_hears_304(site: Site, wire: Wire, visit: Open) -> None:
    """The stream is cut: said so, asked every few seconds, unchanged costs a 304, and a change is still seen."""
    site.load(rows(site, 10), ago_h=1)
    page = visit("/").page
    heading(page, 10)
    answers: list[int] = []
    page.on("response", lambda response: answers.append(response.status) if "since=" in response.url else None)
    wire.cut_streams()
    expect(page.locator(".banner")).to_contain_text("Live connection lost: asking every 10 s")
    deadline = time.monotonic() + 60
    while 304 not in answers and time.monotonic() < deadline:
        page.wait_for_timeout(200)
    assert 304 in answers
    site.load([ticket("NEW-1", created_at_service=site.ago(1))], ago_h=0.3)
    heading(page, 11)
    wire.cut = False
    expect(page.locator(".banner")).to_have_count(0, timeout=30_000)


def test_a_server_that_stands_still_is_noticed_and_its_return_too(site: Site, visit: Open) -> None:
    """Stopped with its connections open it says nothing: the data stays, marked with its time, until it is back."""
    site.load(rows(site, 10))
    page = visit("/").page
    heading(page, 10)
    expect(page.locator(".banner")).to_have_count(0)
    site.process.send_signal(signal.SIGSTOP)
    try:
        expect(page.locator(".banner")).to_contain_text(re.compile(r"Offline: data of \d\d:\d\d"), timeout=70_000)
        expect(page.get_by_role("heading", name="10 open tickets")).to_be_visible()
    finally:
        site.process.send_signal(signal.SIGCONT)
    expect(page.locator(".banner")).to_have_count(0, timeout=60_000)
