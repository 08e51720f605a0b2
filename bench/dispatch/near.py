"""The nearest open tickets among many, asked from random points of the city, through the database's own function."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, Final

from fleettickets import db
from fleettickets.demo import stack
from fleettickets.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable

_K: Final = 10
_ASKED: Final = 400
_OPEN_EVERY: Final = 20
_FILL: Final = """
    INSERT INTO tickets.inc (ticket_id, raw, geom, geo_source)
    SELECT
        'INC-' || n,
        jsonb_build_object(
            'is_actionable', CASE WHEN n %% %(open_every)s = 0 THEN 'true' ELSE 'false' END,
            'created_at_service', (timestamp '2026-06-20' + n %% 10000 * interval '1 min')::text
        ),
        public.st_setsrid(public.st_makepoint(36.65 + random() * 0.4, -1.40 + random() * 0.25), 4326),
        'location'
    FROM generate_series(1, %(tickets)s) AS n
"""


def measure(tickets: int, say: Callable[[str], None]) -> dict[str, Any]:
    """A private database with so many tickets, one in twenty open."""
    with tempfile.TemporaryDirectory(prefix="fleettickets-near-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL may have to run as another user
        try:
            running = stack.up(folder / "home", s3=False)
            return _measured(str(running.database_url), tickets, say)
        finally:
            stack.remove(folder / "home")


def _measured(database_url: str, tickets: int, say: Callable[[str], None]) -> dict[str, Any]:
    chance = random.Random(1)  # noqa: S311  # points, no secret
    with db.connect(database_url) as connection:
        migrate(connection)
        connection.execute("SELECT setseed(0.5)")
        connection.execute(_FILL, {"tickets": tickets, "open_every": _OPEN_EVERY})
        connection.execute("ANALYZE tickets.inc")
        took_ms = []
        for _ in range(_ASKED):
            point = [chance.uniform(36.65, 37.05), chance.uniform(-1.40, -1.15), _K]
            began = time.perf_counter()
            connection.execute("SELECT dispatch.fn_nearest_tickets(NULL, %s, %s, %s)::text", point).fetchone()
            took_ms.append((time.perf_counter() - began) * 1000)
    took_ms = took_ms[20:]  # the first ones fill the caches and plan
    p95 = quantiles(took_ms, n=20)[-1]
    say(f"nearest {_K} of {tickets:,}: median {median(took_ms):.2f} ms, p95 {p95:.2f} ms")
    return {"tickets": tickets, "k": _K, "median_ms": round(median(took_ms), 2), "p95_ms": round(p95, 2)}
