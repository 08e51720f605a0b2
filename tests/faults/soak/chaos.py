"""What goes wrong meanwhile: requests of the store, the way to the database, the database, the processes."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import psycopg
from faults.proxy import Fault
from faults.store import Rule
from faults.world import restart_at_once

from fleettickets import db
from fleettickets.errors import UpstreamError

if TYPE_CHECKING:
    from pathlib import Path

    from faults.proxy import TcpProxy
    from faults.soak.runners import Runner
    from faults.store import Request

RESTART_EVERY_S: Final = 25.0
KILL_EVERY_S: Final = 4.0
BREAK_EVERY_S: Final = 5.0
RECOVERY_S: Final = 5.0
"""How long after a restart a reader may still be away."""
HITS: Final = {signal.SIGKILL: 6, signal.SIGTERM: 1}
LINK_FAULTS: Final = (
    Fault("cut", b"COPY pg_temp.incoming", 2_000),
    Fault("cut", b"-- Merge the staged rows", 500),
    Fault("cut", b"COMMIT\0"),
    Fault("lose_reply", b"COMMIT\0", 0.2),
    Fault("black_hole", b"-- Merge the staged rows"),
    Fault("drop"),
    Fault("delay", b"COPY pg_temp.incoming", 0.2),
)


@dataclass(slots=True)
class Chance(Rule):
    """A fault that strikes a share of the requests of its kind."""

    name: str = ""
    share: float = 0.0
    rng: random.Random = field(default_factory=random.Random)

    def takes(self, request: Request) -> bool:
        """Whether luck has it; counts."""
        if request.kind != self.kind or self.rng.random() >= self.share:
            return False
        self.met += 1
        return True


def store_faults(rng: random.Random) -> list[Rule]:
    """About one request in ten is answered wrongly."""
    kinds: list[tuple[str, float, dict[str, Any]]] = [
        *((kind, 0.06, {"answer": (503, "SlowDown")}) for kind in ("LIST", "GET", "HEAD", "COPY", "DELETE")),
        *((kind, 0.02, {"answer": (500, "InternalError")}) for kind in ("GET", "COPY", "DELETE")),
        *((kind, 0.01, {"answer": (403, "AccessDenied")}) for kind in ("GET", "COPY", "DELETE")),
        *(("GET", 0.01, {"shorten": how}) for how in ("kept", "dropped")),
        ("GET", 0.01, {"flip": True}),
        ("GET", 0.003, {"drip_bytes_per_s": 50}),
        ("GET", 0.003, {"silent": True}),
        ("DELETE", 0.003, {"silent": True}),
    ]
    return [
        Chance(
            kind,
            **how,
            name=f"{kind} {' '.join(str(one) for pair in how.items() for one in pair)}",
            share=share,
            rng=rng,
        )
        for kind, share, how in kinds
    ]


@dataclass
class Chaos:
    """Strikes until it is over, and counts."""

    rng: random.Random
    home: Path
    database_url: str = field(repr=False)
    link: TcpProxy
    runners: list[Runner]
    seconds: float
    counts: Counter[str] = field(default_factory=Counter)
    restarts: int = 0
    _restarted_s: float = float("-inf")
    _restarting: threading.Event = field(default_factory=threading.Event)

    def work(self, over: threading.Event) -> None:
        """Kill, stop, cut and restart at random moments; each kind at least once, however short it is."""
        most_s = self.seconds / 3
        due = {what: time.monotonic() + min(every_s, most_s) for what, every_s, _ in self._plan()}
        while not over.wait(0.05):
            for what, every_s, act in self._plan():
                if time.monotonic() >= due[what]:
                    act()
                    due[what] = time.monotonic() + every_s * self.rng.uniform(0.3, 1.5)
        self._mend()

    def database_may_be_away(self) -> bool:
        """Whether the database restarts, or has just done so."""
        return self._restarting.is_set() or time.monotonic() - self._restarted_s < RECOVERY_S

    def _plan(self) -> tuple[tuple[str, float, Any], ...]:
        return (
            ("kill", KILL_EVERY_S, self._hit),
            ("break", BREAK_EVERY_S, self._break),
            ("restart", RESTART_EVERY_S, self._restart),
        )

    def _hit(self) -> None:
        (number,) = self.rng.choices(list(HITS), list(HITS.values()))
        self.rng.choice(self.runners).hit(number)

    def _break(self) -> None:
        """Mend what is broken on the way to the database, or break it; or end the runners' sessions."""
        if self.link.fault.kind != "pass":
            self._mend()
        elif self.rng.random() < 0.2:
            self._end_sessions()
        else:
            self.link.struck.clear()
            self.link.fault = self.rng.choice(LINK_FAULTS)

    def _mend(self) -> None:
        if self.link.struck.is_set() and self.link.fault.kind != "pass":
            self.counts[self.link.fault.kind] += 1
        self.link.fault = Fault()
        self.link.struck.clear()

    def _end_sessions(self) -> None:
        query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'fleettickets'"
        try:
            with db.connect(self.database_url, role="soak") as connection:
                row = connection.execute(query).fetchone()
        except (psycopg.Error, UpstreamError):
            return  # it restarts just now: that is fault enough
        self.counts["sessions ended"] += row[0] if row else 0

    def _restart(self) -> None:
        self._restarting.set()
        restart_at_once(self.home)
        self.restarts += 1
        self._restarted_s = time.monotonic()
        self._restarting.clear()
