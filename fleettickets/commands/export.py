"""fleettickets export: tickets and their history as files for other programs."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

import click

from fleettickets.commands.app import instant, plural
from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import sql

    from fleettickets.commands.app import App
    from fleettickets.db import Connection
    from fleettickets.export.sheet import Sheet

_FORMATS = {"csv": "csv", "geojson": "geojson", "geoparquet": "parquet", "flatgeobuf": "fgb", "json": "json"}
_PLACES_ONLY = {"geojson", "fgb"}
_WITHOUT_PLACES = {"history", "quality"}
_BINARY = {"parquet", "fgb"}
_MAP = "SELECT reporting.fn_tickets_for_map(p_dataset => %s::text, p_actionable => %s, p_now => %s::timestamptz)"
_QUALITY = "SELECT reporting.fn_data_quality(coalesce(%s::timestamptz, now()), %s)"


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
    """Write open or closed tickets, closures (history) or what is odd in the data (quality) as a file.

    Each row, or the document, carries the four clocks and the filter. history and quality have no places: as CSV, JSON
    or plain Parquet (--format geoparquet).
    """
    ending = _FORMATS[form]
    if ending in _PLACES_ONLY and what in _WITHOUT_PLACES:
        raise UsageError(f"{what} has no places: take --format csv, json or geoparquet")
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
    from fleettickets.export import sheet  # noqa: PLC0415  # only where something is exported

    moment = (at or app.now).astimezone(EAT)
    filtered_by: dict[str, Any] = {"what": what} | ({"dataset": dataset} if dataset else {})
    if what == "quality":
        asked = [dataset] if dataset else ["inc", "crq"]
        found = [_value(connection, _QUALITY, [at or app.now, one]) for one in asked]
        return sheet.of_quality(found, filtered_by)
    if what == "history":
        return sheet.of_history(_history(connection, dataset, at), moment, filtered_by)
    collection = _value(connection, _MAP, [dataset, what == "open", at])
    if what == "closed":
        collection["features"] = [one for one in collection["features"] if _is_closed(one["properties"])]
    return sheet.of_tickets(collection, moment, filtered_by)


def _history(connection: Connection, dataset: str | None, at: datetime | None) -> dict[str, Any]:
    from fleettickets import db, export  # noqa: PLC0415  # only where something is exported

    asked = {"dataset": dataset, "at": at, "from": None, "to": None, "most": None}
    text = _value(connection, db.statement(Path(export.__file__).parent, "history"), asked)
    document: dict[str, Any] = json.loads(text)
    return document


def _value(connection: Connection, query: LiteralString | sql.SQL, parameters: Any) -> Any:  # noqa: ANN401  # whatever JSON holds
    row = connection.execute(query, parameters).fetchone()
    return row[0] if row else None


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
