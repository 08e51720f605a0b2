"""The worked examples of the SLA, windows, metrics and freshness: each case becomes files and rows, the SQL answers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import psycopg
from feed import Shelf, sheet
from psycopg.types.json import Jsonb

from fleettickets import db
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import DATASETS, EAT
from fleettickets.pipeline import Order, ingest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fleettickets.db import Connection

    Case = Mapping[str, Any]

COMMON: Final = ("id", "group", "why", "split", "now", "expect")
"""What every case may say of itself."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=EAT)
_HELD: Final = "ON HOLD"
_WEEKDAYS: Final = {"mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6, "sun": 7}


def forget_everything(connection: Connection) -> None:
    """Empty the tables; what a migration put there is put back."""
    connection.execute("""
        TRUNCATE tickets.inc, tickets.crq, tickets.alarm_rows, tickets.import_files, tickets.import_meta,
            tickets.rejected_rows, tickets.runs, tickets.row_versions, tickets.closure_events, tickets.reopen_events,
            tickets.exit_events, tickets.open_spells,
            tickets.inc_daily_snapshot, tickets.crq_daily_snapshot, tickets.alarms,
            tickets.survival, tickets.breach_forecasts, tickets.forecast_runs,
            tickets.sla_calendar_spans, tickets.sla_holidays
    """)
    connection.execute("DELETE FROM tickets.sla_policies WHERE name <> 'default' OR version > 1")
    connection.execute("UPDATE tickets.sla_policies SET pause_statuses = NULL")
    connection.execute("DELETE FROM tickets.sla_calendars")
    connection.execute("SELECT tickets.advance_revision(dataset) FROM tickets.revisions")


def only(found: Mapping[str, Any], *known: str) -> None:
    """Refuse a key this runner does not know: ignored, it would make the case say less than it does."""
    assert not set(found) - set(known), f"a key nobody reads: {sorted(set(found) - set(known))}"


def sla(connection: Connection, database_url: str, case: Case) -> Any:
    """One ticket through the engine, its SLA sum at the case's instant."""
    only(case, *COMMON, "dataset", "row", "pauses", "policies", "content_as_of")
    dataset, row = case.get("dataset", "inc"), dict(case["row"])
    pauses = [[_eat(edge) if edge else None for edge in pause] for pause in case.get("pauses") or []]
    _set_policies(connection, case.get("policies") or [], held=bool(pauses))
    for moment, status in _sightings(_eat(case["now"]), _merged(pauses), row.get("raw_status")):
        drain(database_url, moment, [row | {"raw_status": status}], dataset=dataset)
    return _one(
        connection,
        "SELECT reporting.ticket_sla(%s, %s, %s, %s)",
        dataset, row["ticket_id"], case["now"], case.get("content_as_of"),
    )  # fmt: skip


def window(connection: Connection, database_url: str, case: Case) -> Any:  # noqa: ARG001  # asks no table
    """The window that the case's words stand for, or 'error'."""
    only(case, *COMMON, "args", "content_as_of")
    try:
        return _window(connection, case)
    except psycopg.errors.InvalidParameterValue:
        return "error"


def coverage(connection: Connection, database_url: str, case: Case) -> Any:  # noqa: ARG001  # asks no table
    """How much of the window the data reaches."""
    only(case, *COMMON, "args", "content_as_of")
    return _coverage(connection, _window(connection, case), case)


def metrics(connection: Connection, database_url: str, case: Case) -> Any:
    """The rows in one file through the engine, the dashboard's metrics; without a content clock the data is current."""
    only(case, *COMMON, "rows", "args", "policies", "content_as_of")
    _set_policies(connection, case.get("policies") or [], held=False)
    if case["rows"]:
        drain(database_url, _eat(case["now"]), case["rows"])
    case = {"content_as_of": case["now"], **case}
    args, found = case["args"], _window(connection, case)
    answer = _one(
        connection,
        "SELECT (reporting.inc_dashboard_of(%s, %s, %s, %s, %s, %s, %s, 'known')).metrics",
        args.get("cluster"), args.get("status"), args.get("team"),
        found["from"], found["to"], case["now"], case["content_as_of"],
    )  # fmt: skip
    return answer | {"window": found | {"coverage": _coverage(connection, found, case)}}


def freshness(connection: Connection, database_url: str, case: Case) -> Any:
    """Files and a run at the case's instants, the freshness check at its now."""
    args, now = case["args"], _eat(case["now"])
    only(case, *COMMON, "args")
    only(args, "newest_file", "last_success", "content_as_of", "last_attempt_failed", "truncated", "late_files")
    if args.get("newest_file"):
        newest = _eat(args["newest_file"])
        rows = [
            {"ticket_id": "T1", "bucket": "closed", "is_actionable": "false", "closed_at": args.get("content_as_of")}
        ]
        if args.get("truncated"):
            rows.append({"ticket_id": "EXPORT STOPPED: row limit"})
        drain(database_url, newest, rows, now=now)
        for n in range(args.get("late_files") or 0):
            drain(database_url, newest - timedelta(hours=n + 1), [], now=now)
    connection.execute("DELETE FROM tickets.runs")
    runs = {"done": args.get("last_success"), "failed": case["now"] if args.get("last_attempt_failed") else None}
    for state, moment in runs.items():
        if moment:
            connection.execute(
                "INSERT INTO tickets.runs (dataset, command, started_at, finished_at, state) "
                "VALUES ('inc', 'test', %s, %s, %s)",
                [moment, moment, state],
            )
    return _one(connection, "SELECT reporting.fn_check_freshness('inc', %s)", case["now"])


ADAPTERS: Final[dict[str, Callable[[Connection, str, Case], Any]]] = {
    "sla": sla,
    "window": window,
    "coverage": coverage,
    "metrics": metrics,
    "freshness": freshness,
}


def _window(connection: Connection, case: Case) -> dict[str, Any]:
    args = case["args"]
    only(args, "kind", "frm", "to", "week_start", "anchor", "cluster", "status", "team")
    row = connection.execute(
        "SELECT to_jsonb(answer) FROM reporting.window_bounds("
        "%s, reporting.eat_instant(%s), reporting.eat_instant(%s), reporting.window_day(%s, %s, %s), %s) AS answer",
        [
            args.get("kind"),
            args.get("frm"),
            args.get("to"),
            args.get("anchor", "now"),
            case["now"],
            case.get("content_as_of"),
            _weekday(args.get("week_start")),
        ],
    ).fetchone()
    assert row
    return {"name": row[0]["name"], "from": row[0]["starts_at"], "to": row[0]["ends_at"]}


def _weekday(day: str | int | None) -> int | None:
    return _WEEKDAYS[day.lower()[:3]] if isinstance(day, str) else day


def _coverage(connection: Connection, found: Mapping[str, Any], case: Case) -> Any:
    return _one(
        connection,
        "SELECT reporting.window_coverage(%s, %s, %s, %s)",
        found["from"], found["to"], case["now"], case.get("content_as_of"),
    )  # fmt: skip


def _set_policies(connection: Connection, policies: Sequence[Mapping[str, Any]], *, held: bool) -> None:
    """The case's policies above the default, and the pause for all of them where the case has pauses."""
    for position, policy in enumerate(policies, 1):
        calendar = f"calendar {position}" if policy.get("calendar") else None
        if calendar:
            _set_calendar(connection, calendar, policy["calendar"])
        match = policy.get("match") or {}
        only(policy, "name", "match", "target_min", "at_risk_min", "calendar", "effective_from")
        only(match, "dataset", "cluster", "region", "status")
        dataset = (match.get("dataset") or "").strip().lower() or None
        connection.execute(
            "INSERT INTO tickets.sla_policies (name, position, dataset, cluster, region, status, target_min, "
            "at_risk_min, calendar, effective_from) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, coalesce(%s::timestamptz, '-infinity'))",
            [
                policy["name"], position, dataset, match.get("cluster"), match.get("region"),
                match.get("status"), policy["target_min"], policy["at_risk_min"], calendar,
                policy.get("effective_from"),
            ],
        )  # fmt: skip
    if held:
        connection.execute("UPDATE tickets.sla_policies SET pause_statuses = ARRAY[%s]", [_HELD])


def _set_calendar(connection: Connection, name: str, calendar: Mapping[str, Any]) -> None:
    only(calendar, "hours", "holidays")
    connection.execute("INSERT INTO tickets.sla_calendars (calendar) VALUES (%s)", [name])
    for day, spans in calendar["hours"].items():
        for begins, ends in spans:
            connection.execute(
                "INSERT INTO tickets.sla_calendar_spans (calendar, weekday, starts_at, ends_at) "
                "VALUES (%s, %s, %s, %s)",
                [name, _weekday(day), begins, ends],
            )
    for day in calendar.get("holidays") or []:
        connection.execute("INSERT INTO tickets.sla_holidays (calendar, day) VALUES (%s, %s)", [name, day])


def _merged(pauses: Sequence[Sequence[datetime | None]]) -> list[list[datetime | None]]:
    """The same pauses without overlap: a status is held or it is not, never twice."""
    merged: list[list[datetime | None]] = []
    for begins, ends in sorted(pauses, key=lambda pause: pause[0] or EPOCH):
        last = merged[-1][1] if merged else EPOCH
        if merged and (last is None or (begins or EPOCH) <= last):
            merged[-1][1] = None if last is None or ends is None else max(last, ends)
        else:
            merged.append([begins, ends])
    return merged


def _sightings(
    now: datetime, pauses: Sequence[Sequence[datetime | None]], status: str | None
) -> list[tuple[datetime, str | None]]:
    """The files that told the status: one shows the ticket, and one each edge of its pauses."""
    edges = [(edge, state) for begins, ends in pauses for edge, state in ((begins, _HELD), (ends, status)) if edge]
    if not edges:
        return [(now, status)]
    told = dict(sorted(edges, key=lambda edge: (edge[0], edge[1] == _HELD)))  # where pauses touch, the hold stays
    return [(min(told) - timedelta(hours=1), status), *told.items()]


def drain(
    database_url: str,
    moment: datetime,
    rows: Sequence[Mapping[str, Any]],
    *,
    dataset: str = "inc",
    now: datetime | None = None,
) -> None:
    """One file through the engine, exported and read at that moment unless `now` says otherwise."""
    shelf, stream, clock = Shelf(), DATASETS[dataset], now or moment
    shelf.put(
        stream, f"{moment.astimezone(EAT):%Y-%m-%d %H:%M:%S}", sheet(rows), uploaded=min(moment, clock), now=clock
    )
    report = ingest(Order(stream, "case", apply=True), shelf, lambda: db.connect(database_url), clock, NOBODY)
    assert report.error is None, report.error


def _eat(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=EAT)


def _one(connection: Connection, query: str, *parameters: Any) -> Any:
    row = connection.execute(query, [Jsonb(one) if isinstance(one, dict) else one for one in parameters]).fetchone()
    assert row is not None
    return row[0]
