"""The export simulator at a hundred files a minute, and everything an exporter can do wrong with them."""

from __future__ import annotations

import gzip
import hashlib
import heapq
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from faults.model import UNUSABLE
from faults.soak.fold import Fold
from feed import sheet, ticket

from fleettickets.datasets import INC
from fleettickets.demo import export
from fleettickets.demo.plan import Plan, eat

if TYPE_CHECKING:
    import random
    import threading
    from collections.abc import Callable, Iterator

    from fleettickets.source.bucket import Bucket

FILES_A_MINUTE: Final = 100
ROWS: Final = 10_000
CANARIES: Final = 5
"""Tickets that every file writes alike: whoever sees two of them differ has seen half a file."""
TWO_VERSIONS_S: Final = 1.2
"""What two uploads of one key lie apart: the store tells whole seconds."""
STEP: Final = timedelta(hours=1)
WAYS: Final = {
    "in order": 56,
    "reordered": 10,
    "late": 12,
    "overwritten": 6,
    "cut, then whole": 4,
    "put twice": 6,
    "with broken rows": 4,
    "gzip": 2,
}
ASIDE: Final = {"": 90, "unusable": 6, "impossible time": 3, "no export": 1}
BROKEN_ROWS: Final = b'"RAGGED","x"\n"QUOTE"x,\nEXPORT STOPPED\n'


@dataclass(frozen=True, slots=True)
class Upload:
    """One put, and what must become of it unless it is overwritten."""

    key: str
    etag: str
    state: str


@dataclass
class Producer:
    """Writes files into the bucket and remembers what the tickets must look like."""

    bucket: Bucket
    minutes: float
    rng: random.Random
    fold: Fold = field(default_factory=Fold)
    uploads: list[Upload] = field(default_factory=list)
    ways: Counter[str] = field(default_factory=Counter)
    _later: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _puts: int = 0

    def write(self, over: threading.Event) -> None:
        """Write until it is over; then what was held back."""
        for file in self._files():
            began = time.monotonic()
            self._write(file.key, b"".join(file.chunks()))
            self._aside(file.key)
            while self._later and self._later[0][0] <= time.monotonic():
                heapq.heappop(self._later)[2]()
            if over.wait(max(0.0, 60 / FILES_A_MINUTE - (time.monotonic() - began))):
                break
        while self._later:
            due, _, act = heapq.heappop(self._later)
            time.sleep(min(max(0.0, due - time.monotonic()), TWO_VERSIONS_S))
            act()

    def _files(self) -> Iterator[export.ExportFile]:
        """The baseline and an endless story, old enough that no name lies in the future."""
        hours = self.minutes * FILES_A_MINUTE + 100
        plan = Plan(INC, rows=ROWS, days=0, seed=self.rng.randrange(1 << 16), end=datetime.now(UTC) - STEP * hours)
        yield from export.files(plan)
        yield from export.live(plan, eat(plan.newest_s) + STEP)

    def _write(self, key: str, body: bytes) -> None:
        (way,) = self.rng.choices(list(WAYS), list(WAYS.values())) if self.uploads else ["in order"]
        self.ways[way] += 1
        whole = self._marked(key, body)
        pause_s = 60 / FILES_A_MINUTE
        match way:
            case "reordered":
                self._at(pause_s * self.rng.uniform(1, 3), key, whole)
            case "late":
                self._at(pause_s * self.rng.uniform(5, 40), key, whole)
            case "overwritten":
                self._put(key, self._marked(key, body.replace(b'"false"', b'"true"')))
                self._at(TWO_VERSIONS_S, key, self._marked(key, body))
            case "cut, then whole":
                marks_end = len(whole) - len(body) + body.index(b"\n") + 1
                self._put(key, whole[: max(marks_end, len(whole) * 2 // 3)])
                self._at(TWO_VERSIONS_S, key, self._marked(key, body))
            case "put twice":
                self._put(key, whole)
                self._at(TWO_VERSIONS_S, key, whole)
            case "with broken rows":
                self._put(key, whole + BROKEN_ROWS)
            case "gzip":
                self._put(key, gzip.compress(whole, 1), whole)
            case _:
                self._put(key, whole)

    def _aside(self, key: str) -> None:
        """A file beside the story that cannot be used, or is none."""
        (way,) = self.rng.choices(list(ASIDE), list(ASIDE.values()))
        n = sum(self.ways.values())
        if way == "unusable":
            self._send(key.replace("-00.csv", "-17.csv"), self.rng.choice(list(UNUSABLE.values())), "quarantined")
        elif way == "impossible time":
            self._send(f"{INC.changes}2026-02-30T{n // 3600:02}-{n // 60 % 60:02}-{n % 60:02}.csv", b"x", "quarantined")
        elif way == "no export":
            self._send(f"{INC.changes}notes {n}.txt", b"x", "unexpected")
        if way:
            self.ways[way] += 1

    def _marked(self, key: str, body: bytes) -> bytes:
        """The file with this version's canaries as its first rows."""
        self._puts += 1
        mark = f"{key.removeprefix(INC.changes)} {self._puts:07}"
        header, rows = body.split(b"\n", 1)
        return (
            header
            + b"\n"
            + sheet([ticket(f"CANARY-{n}", owner=mark) for n in range(CANARIES)]).split(b"\n", 1)[1]
            + rows
        )

    def _at(self, delay_s: float, key: str, body: bytes) -> None:
        item = (time.monotonic() + delay_s, len(self._later) + self._puts * 1000, lambda: self._put(key, body))
        heapq.heappush(self._later, item)

    def _put(self, key: str, body: bytes, text: bytes | None = None) -> None:
        self.fold.add(key.removeprefix(INC.changes), len(self.uploads), body if text is None else text)
        self._send(key, body, "applied")

    def _send(self, key: str, body: bytes, state: str) -> None:
        self.uploads.append(Upload(key, hashlib.md5(body, usedforsecurity=False).hexdigest(), state))
        self.bucket.client.put_object(Bucket=self.bucket.name, Key=key, Body=body)
