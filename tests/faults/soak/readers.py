"""Somebody who looks at the map all the time: every answer must be whole, right in itself, and never older."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import psycopg
from faults.soak.producer import CANARIES

from fleettickets import db
from fleettickets.errors import UpstreamError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

PAUSE_S: Final = 0.1
MOST_PROBLEMS: Final = 20


@dataclass
class Reader:
    """One reader with the rights of a dashboard; `restarting` tells whether the database may be away now."""

    database_url: str = field(repr=False)
    restarting: Callable[[], bool]
    latencies_ms: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    errors: int = 0
    outages: int = 0
    outage_s: float = 0.0
    _newest: str = ""

    def work(self, over: threading.Event) -> None:
        """Read until it is over; a database that restarts is an outage, all else an error."""
        away_since: float | None = None
        while not over.is_set():
            try:
                with db.connect(self.database_url, role="soak reader") as connection:
                    connection.execute("SET ROLE dashboard_ro")
                    if away_since is not None:
                        self.outage_s += time.monotonic() - away_since
                        away_since = None
                    self._read_on(connection, over)
            except (psycopg.OperationalError, UpstreamError) as error:
                if not self.restarting():
                    self._complain(f"no answer, and yet nothing restarts: {error}")
                elif away_since is None:
                    self.outages += 1
                away_since = away_since or time.monotonic()
                over.wait(PAUSE_S)
            except Exception as error:  # noqa: BLE001  # whatever a reader meets is told in the report
                self._complain(f"{type(error).__name__}: {error}")
                over.wait(PAUSE_S)

    def _read_on(self, connection: db.Connection, over: threading.Event) -> None:
        while not over.is_set():
            began = time.monotonic()
            row = connection.execute("SELECT reporting.fn_tickets_for_map()").fetchone()
            self.latencies_ms.append(1000 * (time.monotonic() - began))
            wrong, self._newest = judged(row[0] if row else {}, self._newest)
            for text in wrong:
                self._complain(text)
            over.wait(PAUSE_S)

    def _complain(self, text: str) -> None:
        self.errors += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(text)


def judged(answer: dict[str, Any], newest: str) -> tuple[list[str], str]:
    """What is wrong with an answer, and the newest file it knows; the reader had seen `newest` before."""
    wrong = []
    features, summary = answer["features"], answer["summary"]
    ids = {feature["id"] for feature in features}
    if not len(ids) == len(features) == summary["total"] == summary["mapped"] + summary["unmapped"]:
        wrong.append(f"the summary does not count the features: {len(ids)}, {len(features)}, {summary}")
    groups = ("by_dataset", "by_status", "by_geo_source")
    wrong += [f"{group} adds up to another total" for group in groups if sum(summary[group].values()) != len(features)]
    marks = [one["properties"]["owner"] for one in features if one["id"].startswith("CANARY-")]
    if len(set(marks)) > 1 or len(marks) not in {0, CANARIES} or (newest and not marks):
        wrong.append(f"half a file was seen: {sorted(marks)}")
    seen = max(marks, default="")
    if seen < newest:
        wrong.append(f"an older file was seen again: {seen} after {newest}")
    return wrong, max(seen, newest)
