"""fleettickets check: gates for cron, CI and monitoring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from fleettickets.datasets import DATASETS
from fleettickets.errors import PendingError, QualityGateError, StaleError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets.commands.app import App
    from fleettickets.db import Connection

_RANKS: Final = ("ok", "unknown", "warn", "error", "stopped")
_NAGIOS: Final = {"ok": (0, "OK"), "warn": (1, "WARNING"), "error": (2, "CRITICAL"), "unknown": (3, "UNKNOWN")}
_BROKEN: Final = frozenset({"rows_rejected", "files_quarantined", "rows_outside_range"})
"""Alarms about files that speak of their quality; the others speak of freshness."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check: what was looked at, how it is, and why."""

    gate: str
    subject: str
    status: str
    detail: str


@click.command()
@click.argument("gate", type=click.Choice(["freshness", "quality", "schema", "all"]), default="all")
@click.option(
    "--dataset", type=click.Choice(list(DATASETS)), help="Only this one; without it those that ever had a file."
)
@click.option("--nagios", is_flag=True, help="One line and exit 0 ok, 1 warning, 2 critical, 3 unknown.")
@click.pass_obj
def command(app: App, *, gate: str, dataset: str | None, nagios: bool) -> int:
    """Freshness (exit 4 when stale), quality (exit 3), schema (exit 5); 0 when all is well or only a warning."""
    with app.connector()() as connection:
        findings, documents = _findings(app, connection, gate, dataset)
    worst = max((finding.status for finding in findings), key=_RANKS.index, default="unknown")
    documents |= {"status": worst, "exit_code": _nagios(worst)[0] if nagios else _exit_code(findings)}
    if nagios and not app.as_json:
        click.echo(_nagios_line(findings, worst))
    else:
        app.answer(documents, partial(_show, findings, documents))
    code: int = documents["exit_code"]
    return code


def _findings(app: App, connection: Connection, gate: str, dataset: str | None) -> tuple[list[Finding], dict[str, Any]]:
    findings: list[Finding] = []
    documents: dict[str, Any] = {}
    if gate in {"schema", "all"}:
        findings += _schema(connection, documents)
        if documents["schema"]["migrations"]:
            return findings, documents  # the other gates ask tables that may not be there
    names = [dataset] if dataset else _used(connection)
    for name in names:
        if gate in {"freshness", "all"}:
            findings += _freshness(app, connection, name, documents.setdefault("freshness", {}))
        if gate in {"quality", "all"}:
            findings += _quality(app, connection, name, documents.setdefault("quality", {}))
    if not names and gate != "schema":
        findings.append(
            Finding("freshness", "feed", "unknown", "no file was ever read: fleettickets ingest all --apply")
        )
    return findings, documents


def _used(connection: Connection) -> list[str]:
    rows = connection.execute("SELECT DISTINCT dataset FROM tickets.import_files ORDER BY dataset DESC")
    return [name for (name,) in rows]


def _schema(connection: Connection, documents: dict[str, Any]) -> Iterator[Finding]:
    from fleettickets import migrate  # noqa: PLC0415  # psycopg is loaded when it is needed

    pending = migrate.pending(connection)
    documents["schema"] = {"migrations": list(pending.migrations), "objects": pending.objects}
    status = "ok" if pending.current else "error"
    detail = "up to date" if pending.current else "migrations are pending: fleettickets migrate"
    yield Finding("schema", "schema", status, detail)


def _freshness(app: App, connection: Connection, dataset: str, documents: dict[str, Any]) -> Iterator[Finding]:
    document = _answer(connection, "SELECT reporting.fn_check_freshness(%s, %s)", dataset, app.now)
    changes = connection.execute(
        "SELECT change, cause, severity, detail FROM tickets.note_alarms(%s, %s)", [dataset, app.now]
    ).fetchall()
    document["changes"] = [dict(zip(("change", "cause", "severity", "detail"), row, strict=True)) for row in changes]
    documents[dataset] = document
    feed, run, content = document["feed"], document["run"], document["content"]
    failed = "; the last attempt failed" if run["last_attempt_failed"] else ""
    for part, detail in (
        (feed, f"newest file {_amount(feed['gap_active_h'], 'active h')} ago"),
        (run, f"last success {_amount(run['age_active_min'], 'active min')} ago{failed}"),
        (content, f"the data ends {_amount(content['lag_h'], 'h')} before the newest file"),
    ):
        name = next(key for key in ("feed", "run", "content") if document[key] is part)
        yield Finding("freshness", f"{dataset} {name}", part["status"], detail)
    for alarm in document["alarm_details"]:
        if alarm["cause"] not in _BROKEN:
            yield Finding("freshness", f"{dataset} {alarm['cause']}", alarm["severity"], alarm["detail"])


def _quality(app: App, connection: Connection, dataset: str, documents: dict[str, Any]) -> Iterator[Finding]:
    document = _answer(connection, "SELECT reporting.fn_data_quality(%s, %s)", app.now, dataset)
    alarms = connection.execute(
        "SELECT cause, detail FROM tickets.file_alarms(%s, %s) WHERE cause = ANY (%s)",
        [dataset, app.now, sorted(_BROKEN)],
    ).fetchall()
    documents[dataset] = document
    over = [rule for rule in document["rules"] if rule["is_over"]]
    for rule in over:
        detail = (
            f"{rule['count']:,} of {rule['of']:,} ({rule['share']:.1%}, limit {rule['limit']:.1%}): {rule['meaning']}"
        )
        yield Finding("quality", f"{dataset} {rule['rule']}", "error", detail)
    for cause, detail in alarms:
        yield Finding("quality", f"{dataset} {cause}", "error", detail)
    if not over and not alarms:
        yield Finding("quality", f"{dataset} quality", "ok", f"{len(document['rules'])} rules within their limits")


def _answer(connection: Connection, query: str, *parameters: object) -> dict[str, Any]:
    row = connection.execute(query.encode(), list(parameters)).fetchone()
    answer: dict[str, Any] = row[0] if row else {}
    return answer


def _exit_code(findings: list[Finding]) -> int:
    """Of several gates that fail the schema's comes first: the others cannot be believed before it is mended."""
    failing = {finding.gate for finding in findings if finding.status in {"error", "stopped", "unknown"}}
    for gate, error in (("schema", PendingError), ("freshness", StaleError), ("quality", QualityGateError)):
        if gate in failing:
            return error.exit_code
    return 0


def _show(findings: list[Finding], documents: dict[str, Any]) -> None:
    for finding in findings:
        click.echo(f"{finding.status:<8} {finding.subject:<28} {finding.detail}")
    for name, document in documents.get("freshness", {}).items():
        for change in document["changes"]:
            click.echo(f"alarm {change['change']}: {name} {change['cause']} ({change['severity']}) {change['detail']}")


def _nagios(worst: str) -> tuple[int, str]:
    return _NAGIOS["error" if worst == "stopped" else worst]


def _nagios_line(findings: list[Finding], worst: str) -> str:
    troubles = [f"{finding.subject}: {finding.detail}" for finding in findings if finding.status != "ok"]
    return f"FLEETTICKETS {_nagios(worst)[1]} - {'; '.join(troubles) or 'all is well'}".replace("|", "/")


def _amount(value: float | None, unit: str) -> str:
    return "never" if value is None else f"{value:g} {unit}"
