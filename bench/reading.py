"""Measures reads and a delta beside the size of the table: python bench/reading.py [--big-rows N].

Two databases hold the same open tickets and the same tickets in the window; one has a long past beside them. What is
read follows the open tickets and the window, and what is written follows the file, so the long past may cost at most
half as much again.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import tempfile
import time
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg

from fleettickets import db
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import EAT, FEED_COLUMNS, INC
from fleettickets.demo import stack
from fleettickets.migrate import migrate
from fleettickets.pipeline import Order, ingest
from fleettickets.source.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Callable

NOW: Final = datetime(2026, 6, 25, 12, tzinfo=EAT)
SMALL_ROWS: Final = 35_000
OPEN: Final = 700
IN_WINDOW: Final = 4_000
MOST_TIMES: Final = 1.5
DELTA_ROWS: Final = 131
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
REMEMBER: Final = """
WITH kept AS (
    INSERT INTO tickets.row_versions (
        dataset, ticket_id, exported_at, modified, etag, line, is_alarm, makes_ticket, seeded, raw
    )
    SELECT 'inc', ticket_id, '2026-06-24', '2026-06-24', '', 0, false, true, true, raw
    FROM tickets.inc
    ORDER BY ticket_id
)
INSERT INTO tickets.open_spells (dataset, ticket_id, seq, opened_at, left_at)
SELECT 'inc', ticket_id, 1, '2026-06-24', 'infinity' FROM tickets.inc WHERE is_actionable
"""
TOLD: Final = """
SELECT raw FROM (
    (SELECT raw FROM tickets.inc WHERE is_actionable ORDER BY ticket_id LIMIT 100)
    UNION ALL
    (SELECT raw FROM tickets.inc WHERE closed_at >= '2026-06-01' ORDER BY ticket_id LIMIT 31)
) AS told
"""
READS: Final = {
    "fn_inc_dashboard, month": "SELECT reporting.fn_inc_dashboard(p_window => 'month', p_now => %(now)s)",
    "fn_tickets_for_map": "SELECT reporting.fn_tickets_for_map()",
    "open_sla_at": "SELECT count(*) FROM reporting.open_sla_at('inc', %(now)s)",
    "fn_outages": "SELECT reporting.fn_outages(%(now)s)",
    "fn_team_performance, month": "SELECT reporting.fn_team_performance(p_now => %(now)s)",
}
PAST_READS: Final = {
    "fn_tickets_for_map, past": "SELECT reporting.fn_tickets_for_map(p_now => %(now)s)",
    "open_sla_at, past": "SELECT count(*) FROM reporting.open_sla_at('inc', %(now)s)",
}


def main() -> int:
    """Measure in a private stack that is removed afterwards; 1 when the big table makes something cost too much."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="fleettickets-bench-") as name:
        home = Path(name) / "home"
        Path(name).chmod(0o755)  # PostgreSQL may have to run as another user
        try:
            url = str(stack.up(home, s3=False).database_url)
            tables = [_filled(url, "small", SMALL_ROWS), _filled(url, "big", arguments.big_rows)]
            took_s = {read: _in_turn(tables, partial(_read, query), arguments.rounds) for read, query in READS.items()}
            took_s["a delta of 131 rows"] = _in_turn(tables, partial(_delta, Path(name)), arguments.rounds)
            # The deltas came after NOW, so it is a past instant from here on.
            for read, query in PAST_READS.items():
                took_s[read] = _in_turn(tables, partial(_read, query), arguments.rounds)
        finally:
            stack.remove(home)
    print(
        f"{OPEN:,} open, {IN_WINDOW:,} in the window; medians of {arguments.rounds} calls in turn, and of their ratios"
    )
    print(f"{'':<28}{SMALL_ROWS:>12,}{arguments.big_rows:>12,}   times")
    times = {read: statistics.median(big / small for small, big in pairs) for read, pairs in took_s.items()}
    for read, pairs in took_s.items():
        small_s, big_s = map(statistics.median, zip(*pairs, strict=True))
        print(f"{read:<28}{small_s * 1000:>9.1f} ms{big_s * 1000:>9.1f} ms{times[read]:>8.2f}")
    return int(max(times.values()) > MOST_TIMES)


def _filled(url: str, name: str, rows: int) -> str:
    """A database with so many tickets, as history has known them since the day before; its address."""
    print(f"filling {rows:,} rows", file=sys.stderr, flush=True)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    with psycopg.connect(url, dbname=name, autocommit=True) as connection:
        migrate(connection)
        connection.execute(FILL, {"open": OPEN, "window": IN_WINDOW, "rows": rows})
        connection.execute(REMEMBER)
        connection.execute(
            "INSERT INTO tickets.import_meta (dataset, metadata) VALUES ('inc', jsonb_build_object("
            "'source_max_exported_at', %(now)s::timestamptz, 'history_max_exported_at', %(now)s::timestamptz, "
            "'history_first', jsonb_build_object('exported_at', '-infinity', 'modified', '-infinity', 'etag', '')))",
            {"now": NOW},
        )
        connection.execute("VACUUM ANALYZE")
        connection.execute("SELECT tickets.refresh_forecast('inc', %s)", [NOW])
    return psycopg.conninfo.make_conninfo(url, dbname=name)


def _in_turn(tables: list[str], measured: Callable[[int, str], float], rounds: int) -> list[tuple[float, ...]]:
    """The seconds of each round on each table, one after the other: a slow minute of the machine slows both."""
    took = [tuple(measured(n, table) for table in tables) for n in range(rounds + 1)]
    return took[1:]  # the first fills the caches


def _read(query: str, _n: int, url: str) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(query.encode(), {"now": NOW}).fetchall()  # what a session learns once is no cost of a read
        began = time.perf_counter()
        connection.execute(query.encode(), {"now": NOW}).fetchall()
        return time.perf_counter() - began


def _delta(folder: Path, n: int, url: str) -> float:
    """Of a file that tells other teams for the same tickets, read from a folder: clean, merge, history, commit."""
    file = folder / f"{NOW + timedelta(minutes=n + 1):%Y-%m-%dT%H-%M-%S}.csv"
    with psycopg.connect(url) as connection, file.open("w", newline="", encoding="utf-8") as target:
        table = csv.DictWriter(target, sorted(FEED_COLUMNS))
        table.writeheader()
        table.writerows(
            {**raw, "assigned_team": f"Team {n}", "is_alarm": "false"} for (raw,) in connection.execute(TOLD)
        )
    report = ingest(
        Order(INC, "bench", apply=True), Folder(file), partial(db.connect, url), NOW + timedelta(hours=1), NOBODY
    )
    assert report.rows.read == report.rows.changed + report.rows.unchanged == DELTA_ROWS, report  # noqa: S101
    return report.duration_s


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="calls to take the median of")
    parser.add_argument("--big-rows", type=int, default=1_000_000, help="rows of the big table")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
