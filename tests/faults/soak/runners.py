"""Two command lines in a loop, each run killed or stopped at any moment; what they returned and needed."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fleettickets import failpoint

if TYPE_CHECKING:
    import random
    import threading

    from faults.world import Running, World

INGEST: Final = ("fleettickets", "ingest", "inc", "--apply", "--json")
DEADLINE_S: Final = 3
LONGEST_RUN_S: Final = 120.0
POINTS: Final = tuple(point for point in failpoint.POINTS if point != "migrating")
ENDINGS: Final = frozenset({0, 3, 5, 6, 7, 143, -signal.SIGTERM, -signal.SIGKILL})
"""Done, quarantined, partial, busy, upstream away, stopped (or before it could listen), killed."""


@dataclass
class Runner:
    """One of the loops."""

    world: World
    rng: random.Random
    store_port: int
    database_port: int
    exits: Counter[int] = field(default_factory=Counter)
    peaks_mb: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    current: Running | None = None

    def work(self, over: threading.Event) -> None:
        """Run again and again until it is over; the last run may end."""
        while not over.is_set():
            env = {"FLEETTICKETS_DEADLINE_S": str(DEADLINE_S), **self._failpoint()}
            self.current = self.world.start(*INGEST, store=self.store_port, database=self.database_port, **env)
            self._follow(self.current)
            over.wait(self.rng.uniform(0, 0.3))

    def hit(self, number: signal.Signals) -> None:
        """Send a signal to the run under way, if there is one."""
        if self.current is not None and self.current.process.poll() is None:
            self.current.signal(number)

    def _failpoint(self) -> dict[str, str]:
        draw = self.rng.random()
        if draw < 0.08:
            return {"FLEETTICKETS_FAILPOINT": f"{self.rng.choice(POINTS)}:kill"}
        if draw < 0.16:
            return {"FLEETTICKETS_FAILPOINT": f"{self.rng.choice(POINTS)}:sleep:1"}
        return {}

    def _follow(self, running: Running) -> None:
        process, peak_mb, waited_s = running.process, 0.0, 0.0
        while True:
            try:
                out, err = process.communicate(timeout=0.1)
                break
            except subprocess.TimeoutExpired:
                peak_mb = peak_mb_of(process.pid) or peak_mb
                waited_s += 0.1
                if waited_s > LONGEST_RUN_S:
                    process.kill()
                    self.problems.append(f"a run went on for more than {LONGEST_RUN_S:.0f} s")
        self.exits[process.returncode] += 1
        if peak_mb and process.returncode in {0, 3, 5}:
            self.peaks_mb.append(peak_mb)
        if process.returncode not in ENDINGS or "Traceback" in err:
            self.problems.append(f"a run ended with {process.returncode}: {err.strip()[-300:]}")
        if any(secret in out + err for secret in running.secrets):
            self.problems.append("a run printed a secret")


def peak_mb_of(pid: int) -> float | None:
    """The most memory the process has had so far; None where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) / 1024 if found else None
