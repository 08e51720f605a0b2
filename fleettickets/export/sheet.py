"""What is exported: rows with typed columns, and what every export says of itself: the four clocks and the filter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

Row = dict[str, Any]

_INSTANTS: Final = ("opened_at", "scheduled_at", "closed_at", "sla_at_risk_at", "sla_due_at")
_TICKET: Final = {
    "ticket_id": "text", "dataset": "text", "status": "text", "raw_status": "text", "bucket": "text",
    "cluster": "text", "region": "text", "location_name": "text", "assigned_team": "text", "owner": "text",
    **dict.fromkeys(_INSTANTS, "instant"),
    "age_bound": "text", "geo_source": "text", "geo_precision": "text", "geo_verified": "boolean",
    "sla_state": "text", "hours_open": "number", "longitude": "number", "latitude": "number",
}  # fmt: skip
_CLOCKS: Final = {"export_now": "instant", "run_at": "instant", "file_ts": "instant", "content_as_of": "instant"}
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows, the kind of each column (text, instant, number, boolean), the clocks and the filter."""

    rows: Sequence[Row]
    columns: Mapping[str, str]
    clocks: Mapping[str, Any]
    filtered_by: Mapping[str, Any]

    @property
    def has_places(self) -> bool:
        """Whether its rows are points."""
        return "longitude" in self.columns

    def stamped(self) -> Sheet:
        """The same with the clocks of its dataset and the filter on each row, for formats that hold nothing else."""
        said = orjson.dumps(self.filtered_by).decode()
        nothing: dict[str, Any] = dict.fromkeys(("run_at", "file_ts", "content_as_of"))
        rows = [
            {
                **row,
                "export_now": self.clocks["now"],
                **nothing,
                **(self.clocks.get(str(row.get("dataset"))) or {}),
                "export_filter": said,
            }
            for row in self.rows
        ]
        return Sheet(rows, {**self.columns, **_CLOCKS, "export_filter": "text"}, self.clocks, self.filtered_by)


def of_tickets(collection: Mapping[str, Any], now: datetime, filtered_by: Mapping[str, Any]) -> Sheet:
    """The tickets of a FeatureCollection as the map function writes it."""
    rows = []
    for feature in collection["features"]:
        lon, lat = feature["geometry"]["coordinates"] if feature["geometry"] else (None, None)
        rows.append({**feature["properties"], "longitude": lon, "latitude": lat})
    present = rows[0].keys() if rows else _TICKET.keys()
    columns = {name: kind for name, kind in _TICKET.items() if name in present}
    columns |= {name: _kind(rows, name) for name in present if name not in _TICKET}
    return Sheet(rows, columns, {"now": now.isoformat(), **collection["summary"]["freshness"]}, filtered_by)


def of_rows(rows: Sequence[Row], clocks: Mapping[str, Any], filtered_by: Mapping[str, Any]) -> Sheet:
    """Rows whose columns are known by what they hold."""
    names = dict.fromkeys(name for row in rows for name in row)
    return Sheet(rows, {name: _kind(rows, name) for name in names}, clocks, filtered_by)


def _kind(rows: Sequence[Row], name: str) -> str:
    values = [row[name] for row in rows if row.get(name) is not None]
    if not values:
        return "text"
    if all(isinstance(value, bool) for value in values):
        return "boolean"
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return "number"
    if all(isinstance(value, str) and _ISO.fullmatch(value) for value in values):
        return "instant"
    return "text"


def as_text(value: Any) -> str | None:  # noqa: ANN401  # whatever JSON holds
    """A value of a text column as text."""
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()
