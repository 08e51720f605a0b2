"""fleettickets sla: why a ticket counts as on track, at risk or breached."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from fleettickets.commands.app import instant, shown_time
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets.commands.app import App

_STATES: Final = {
    "on_track": "on track",
    "at_risk": "at risk",
    "breached": "breached",
    "unknown": "unknown: no clock can be used",
    "none": "without a policy",
}


@click.group()
def command() -> None:
    """Why a ticket counts as on track, at risk or breached."""


@command.command()
@click.argument("ticket_id", metavar="ID")
@click.option("--at", "at", metavar="TIME", help="As known at this instant (naive: East Africa Time).")
@click.pass_obj
def explain(app: App, *, ticket_id: str, at: str | None) -> None:
    """Clock, policy, evidence and timeline of a ticket, and every fact with its file."""
    moment = instant(at) if at else app.now
    with app.connector()() as connection:
        row = connection.execute("SELECT reporting.fn_ticket(%s, %s)", [ticket_id.strip(), moment]).fetchone()
    document = row[0] if row else None
    if document is None:
        raise UsageError(f"no ticket {ticket_id!r} was known at {shown_time(moment)}: check the id, or leave --at out")
    app.answer(document, partial(_show, document))


def _show(document: dict[str, Any]) -> None:
    for line in _lines(document):
        click.echo(line)


def _lines(ticket: dict[str, Any]) -> Iterator[str]:
    sla, clocks = ticket["sla"], ticket["freshness"]
    yield f"{ticket['ticket_id']} ({ticket['dataset']}) {_verdict(sla)}"
    yield f"  now          {_time(clocks['now'])} EAT"
    yield f"  data ends    {_time(clocks['content_as_of'])}"
    yield f"  newest file  {_time(clocks['file_ts'])}"
    yield from _policy(sla)
    yield from _age(sla)
    yield from _closing(sla)
    if sla["flags"]:
        yield f"  odd          {', '.join(sla['flags'])}"
    yield "timeline"
    for event in ticket["timeline"]:
        detail = f" ({event['detail']})" if event["detail"] else ""
        yield f"  {_time(event['at'])}  {event['what']}{detail}  {event['file'] or ''}".rstrip()
    yield "facts"
    for fact in ticket["facts"]:
        yield f"  {fact['name']} = {fact['value']}  {fact['file'] or 'known when history began'}:{fact['line']}"


def _verdict(sla: dict[str, Any]) -> str:
    if sla["state"] != "open":
        return f"is {sla['state']}"
    how = f", {sla['evidence']}" if sla["evidence"] else ""
    return f"is open: {_STATES[sla['sla_state']]}{how}"


def _policy(sla: dict[str, Any]) -> Iterator[str]:
    if sla["policy"] is None:
        yield "  policy       none"
        return
    counted = f"calendar {sla['calendar']}" if sla["calendar"] else "around the clock"
    yield (
        f"  policy       {sla['policy']}, version {sla['policy_version']}: {sla['target_min'] / 60:g} h, "
        f"at risk from {sla['at_risk_min'] / 60:g} h, {counted}"
    )
    for pause in sla["pauses"] or []:
        yield f"  paused       {_time(pause['from'])} to {_time(pause['to']) if pause['to'] else 'now'}"


def _age(sla: dict[str, Any]) -> Iterator[str]:
    if sla["state"] != "open" or sla["hours_open"] is None:
        return
    bound = ">= " if sla["age_bound"] == "at_least" else ""
    yield f"  clock        {sla['sla_basis']}, {_time(sla['opened_at'])}: {bound}{sla['hours_open']:g} h"
    if sla["due_at"]:
        yield f"  at risk      {_time(sla['at_risk_at'])}"
        yield f"  due          {_time(sla['due_at'])}"
    if sla["sla_state_known"]:
        yield f"  by the data  {_STATES[sla['sla_state_known']]} when the data ends"
    if sla["evidence"] == "presumed":
        yield "               presumed: it may have been closed since, which the feed has not told yet"
    if sla["p_still_open"] is not None:
        yield f"  still open   {sla['p_still_open']:.0%} likely; open at its due time {sla['p_breach']:.0%}"


def _closing(sla: dict[str, Any]) -> Iterator[str]:
    if sla["state"] != "closed":
        return
    yield f"  source SLA   {sla['sla_source'] or '(none)'}"
    if sla["derived_sla"]:
        yield f"  derived SLA  {sla['derived_sla']}, {sla['derived_hours']:g} h from creation to closing"
    if sla["mttr"] is not None:
        yield f"  repair time  {sla['mttr']} min, as the feed says"


def _time(text: str | None) -> str:
    return shown_time(datetime.fromisoformat(text) if text else None)
