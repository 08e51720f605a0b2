"""fleettickets export: tickets and their history as files for other programs."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleettickets.commands.app import instant, plural
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from fleettickets.commands.app import App
    from fleettickets.db import Connection
    from fleettickets.export.sheet import Sheet

_FORMATS = {"csv": "csv", "geojson": "geojson", "geoparquet": "parquet", "flatgeobuf": "fgb", "json": "json"}
_PLACES_ONLY = {"geojson", "fgb"}
_BINARY = {"parquet", "fgb"}
_MAP = "SELECT reporting.fn_tickets_for_map(p_dataset => %s::text, p_actionable => %s, p_now => %s::timestamptz)"
_EVENTS = (
    "SELECT to_json(event) FROM tickets.closure_events AS event "
    "WHERE (%(dataset)s::text IS NULL OR event.dataset = %(dataset)s) "
    "AND (%(at)s::timestamptz IS NULL OR event.observed_at <= %(at)s) "
    'ORDER BY event.dataset DESC, event.ticket_id COLLATE "C", event.seq'
)
_CLOCKS = "SELECT dataset, reporting.fn_freshness(dataset, %s) FROM unnest(ARRAY['inc', 'crq']) AS dataset"
_WITHOUT_PLACES = {"history", "quality"}


@click.command()
@click.argument("what", type=click.Choice(["open", "closed", "history", "quality"]))
@click.option("--format", "form", default="csv", show_default=True, type=click.Choice(list(_FORMATS)))
@click.option("--dataset", type=click.Choice(["inc", "crq"]), help="One dataset; without, both.")
@click.option("--at", metavar="TIME", help="As it was known then (naive: East Africa Time).")
@click.option("--out", metavar="FILE", help="Write here instead of stdout.")
@click.option("--bom", is_flag=True, help="CSV begins with the mark that spreadsheets want.")
@click.pass_obj
def command(  # one parameter an option
    app: App, *, what: str, form: str, dataset: str | None, at: str | None, out: str | None, bom: bool
) -> None:
    """Write tickets, closures or the rules of data quality as CSV, GeoJSON, GeoParquet, FlatGeobuf or JSON."""
    ending = _FORMATS[form]
    if ending in _PLACES_ONLY and what in _WITHOUT_PLACES:
        raise UsageError(f"{what} has no places: take --format csv, geoparquet or json")
    if out is None and ending in _BINARY and sys.stdout.isatty():
        raise UsageError(f"{form} is no text for a terminal: give --out FILE")
    if out is None and app.as_json and ending != "json":
        raise UsageError("--json leaves stdout to one JSON document: give --out FILE, or --format json")
    with app.connector()() as connection:
        sheet = _sheet(app, connection, what, dataset, instant(at) if at else None)
        content = _content(sheet, ending, bom=bom)
    if out:
        Path(out).write_bytes(content)
        app.answer(
            {"file": out, "rows": len(sheet.rows), "bytes": len(content)},
            partial(app.say, f"{plural(len(sheet.rows), 'row')} in {out}"),
        )
    else:
        sys.stdout.buffer.write(content)


def _sheet(app: App, connection: Connection, what: str, dataset: str | None, at: datetime | None) -> Sheet:
    from fleettickets.datasets import EAT  # noqa: PLC0415  # beside its only use
    from fleettickets.db import statement  # noqa: PLC0415  # psycopg is loaded when it is needed
    from fleettickets.export.sheet import of_rows, of_tickets  # noqa: PLC0415  # only where something is exported

    moment = (at or app.now).astimezone(EAT)
    filtered_by: dict[str, Any] = {"what": what} | ({"dataset": dataset} if dataset else {})
    if what in {"open", "closed"}:
        row = connection.execute(_MAP, [dataset, what == "open", at]).fetchone()
        collection: dict[str, Any] = row[0] if row else {"features": [], "summary": {"freshness": {}}}
        if what == "closed":
            collection["features"] = [one for one in collection["features"] if _is_closed(one["properties"])]
        return of_tickets(collection, moment, filtered_by)
    clocks: dict[str, Any] = {"now": moment.isoformat()} | dict(connection.execute(_CLOCKS, [at]).fetchall())
    query = _EVENTS.encode() if what == "history" else statement(Path(__file__).parent, "export_quality")
    found = connection.execute(query, {"dataset": dataset, "at": at, "now": app.now}).fetchall()
    return of_rows([row[0] for row in found], clocks, filtered_by)


def _is_closed(known: dict[str, Any]) -> bool:
    """Not open, and closed by its time or its bucket; the rest is inactive."""
    return known["closed_at"] is not None or (known["bucket"] or "").strip().lower() == "closed"


def _content(sheet: Sheet, ending: str, *, bom: bool) -> bytes:
    from fleettickets.commands.serve import needs_api  # noqa: PLC0415  # only these formats need it
    from fleettickets.export import formats  # noqa: PLC0415  # only where something is exported

    if ending == "csv":
        return formats.to_csv(sheet, bom=bom)
    if ending in _BINARY:
        needs_api()
        return formats.to_parquet(sheet) if ending == "parquet" else formats.to_flatgeobuf(sheet)
    return formats.to_geojson(sheet) if ending == "geojson" else formats.to_json(sheet)
