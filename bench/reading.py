"""Measures the reads beside the size of the table: python bench/reading.py [--big-rows N].

Two databases hold the same open tickets and the same tickets in the window; one has a long past beside them. What is
read follows the open tickets and the window, so the long past may cost at most half as much again.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg

from fleettickets.datasets import EAT
from fleettickets.demo import stack
from fleettickets.migrate import migrate

if TYPE_CHECKING:
    from psycopg import Connection

NOW: Final = datetime(2026, 6, 25, 12, tzinfo=EAT)
SMALL_ROWS: Final = 35_000
OPEN: Final = 700
IN_WINDOW: Final = 4_000
MOST_TIMES: Final = 1.5
FILL: Final = """
INSERT INTO tickets.inc (ticket_id, raw)
SELECT
    'INC' || lpad(n::text, 8, '0'),
    jsonb_build_object(
        'ticket_id', 'INC' || lpad(n::text, 8, '0'),
        'bucket', CASE WHEN n <= %(open)s THEN 'pending' ELSE 'closed' END,
        'is_actionable', CASE WHEN n <= %(open)s THEN 'true' ELSE 'false' END,
        'normalized_status', CASE WHEN n <= %(open)s THEN 'ACCEPTED' ELSE 'CLOSED COMPLETE' END,
        'raw_status', 'ACCEPTED', 'cluster', 'CLUSTER ' || n %% 50, 'region', 'nairobi east',
        'location_name', 'PLACE_' || n %% 9000 || '_FDT' || n %% 40, 'assigned_team', 'Team ' || n %% 40,
        'sla_status', 'MET', 'mttr', '7.5',
        'first_seen_at', to_char(life.created + interval '1 hour', 'YYYY-MM-DD HH24:MI:SS'),
        'created_at_service', to_char(life.created, 'YYYY-MM-DD HH24:MI:SS'),
        'closed_at', CASE WHEN n > %(open)s THEN to_char(life.created + interval '9 hours', 'YYYY-MM-DD HH24:MI:SS') END
    )
FROM generate_series(1, %(rows)s) AS n
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN n <= %(open)s THEN timestamp '2026-06-20' + make_interval(mins => n * 5)
        WHEN n <= %(open)s + %(window)s THEN timestamp '2026-06-01' + make_interval(mins => n * 5)
        ELSE timestamp '2026-05-01' - make_interval(mins => n)
    END AS created
) AS life
"""
READS: Final = {
    "fn_inc_dashboard, month": "SELECT reporting.fn_inc_dashboard(p_window => 'month', p_now => %(now)s)",
    "fn_tickets_for_map": "SELECT reporting.fn_tickets_for_map()",
    "open_sla_at": "SELECT count(*) FROM reporting.open_sla_at('inc', %(now)s)",
    "fn_outages": "SELECT reporting.fn_outages(%(now)s)",
    "fn_team_performance, month": "SELECT reporting.fn_team_performance(p_now => %(now)s)",
}


def main() -> int:
    """Measure in a private stack that is removed afterwards; 1 when a read costs too much on the big table."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="fleettickets-bench-") as name:
        home = Path(name) / "home"
        Path(name).chmod(0o755)  # PostgreSQL may have to run as another user
        try:
            url = str(stack.up(home, s3=False).database_url)
            small = _measure(url, "small", SMALL_ROWS, arguments.rounds)
            big = _measure(url, "big", arguments.big_rows, arguments.rounds)
        finally:
            stack.remove(home)
    print(f"{OPEN:,} open, {IN_WINDOW:,} in the window; median of {arguments.rounds} calls")
    print(f"{'':<28}{SMALL_ROWS:>12,}{arguments.big_rows:>12,}   times")
    for read, small_s in small.items():
        print(f"{read:<28}{small_s * 1000:>9.1f} ms{big[read] * 1000:>9.1f} ms{big[read] / small_s:>8.2f}")
    return int(any(big[read] > MOST_TIMES * small_s for read, small_s in small.items()))


def _measure(url: str, name: str, rows: int, rounds: int) -> dict[str, float]:
    print(f"filling {rows:,} rows", file=sys.stderr, flush=True)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    with psycopg.connect(url, dbname=name, autocommit=True) as connection:
        migrate(connection)
        connection.execute(FILL, {"open": OPEN, "window": IN_WINDOW, "rows": rows})
        connection.execute(
            "INSERT INTO tickets.import_meta (dataset, metadata) VALUES ('inc', jsonb_build_object("
            "'source_max_exported_at', %(now)s::timestamptz, 'history_max_exported_at', %(now)s::timestamptz))",
            {"now": NOW},
        )
        connection.execute("VACUUM ANALYZE")
        connection.execute("SELECT tickets.refresh_forecast('inc', %s)", [NOW])
        return {read: _median_s(connection, query, rounds) for read, query in READS.items()}


def _median_s(connection: Connection[tuple[object, ...]], query: str, rounds: int) -> float:
    took = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        connection.execute(query.encode(), {"now": NOW}).fetchall()
        took.append(time.perf_counter() - began)
    return statistics.median(took[1:])  # the first fills the caches


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="calls to take the median of")
    parser.add_argument("--big-rows", type=int, default=1_000_000, help="rows of the big table")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
