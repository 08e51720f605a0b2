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
_CLOSED: Final = {
    "ticket_id": "text", "dataset": "text", "status": "text", "raw_status": "text", "bucket": "text",
    "cluster": "text", "region": "text", "location_name": "text", "assigned_team": "text", "owner": "text",
    "opened_at": "instant", "closed_at": "instant", "sla_source": "text", "derived_sla": "text",
    "derived_hours": "number", "mttr": "number", "policy": "text", "geo_source": "text",
    "longitude": "number", "latitude": "number",
}  # fmt: skip
_CLOSURE: Final = {
    "dataset": "text", "ticket_id": "text", "seq": "number", "kind": "text", "closed_at": "instant",
    "observed_at": "instant", "supersedes": "number", "superseded_by": "number", "team": "text", "owner": "text",
    "cluster": "text", "source_key": "text", "closed_at_lost": "boolean",
}  # fmt: skip
_RULE: Final = {
    "dataset": "text", "rule": "text", "meaning": "text", "scope": "text", "count": "number", "of": "number",
    "share": "number", "limit": "number", "is_over": "boolean", "samples": "text", "by_day": "text",
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
    clocks = {"now": now.isoformat(), **collection["summary"]["freshness"]}
    return _of_features(collection["features"], _TICKET, clocks, filtered_by)


def of_closed(dashboard: Mapping[str, Any], filtered_by: Mapping[str, Any]) -> Sheet:
    """The closed tickets of a dashboard's window; the filter says which window it was and how much of it is known."""
    clocks = {"now": dashboard["now"], "inc": _without_now(dashboard["freshness"])}
    return _of_features(
        dashboard["closed"]["features"], _CLOSED, clocks, {**filtered_by, "window": dashboard["window"]}
    )


def of_history(history: Mapping[str, Any], now: datetime, filtered_by: Mapping[str, Any]) -> Sheet:
    """Closures as `history.sql` tells them."""
    return Sheet(history["closures"], _CLOSURE, {"now": now.isoformat(), **history["freshness"]}, filtered_by)


def of_quality(found: Sequence[Mapping[str, Any]], filtered_by: Mapping[str, Any]) -> Sheet:
    """What is odd in the data, a row a rule, from the answers of `reporting.fn_data_quality`."""
    rows = [{"dataset": one["dataset"], **rule} for one in found for rule in one["rules"]]
    clocks = {"now": found[0]["freshness"]["now"], **{one["dataset"]: _without_now(one["freshness"]) for one in found}}
    return Sheet(rows, _RULE, clocks, filtered_by)


def _of_features(
    features: Sequence[Mapping[str, Any]],
    known: Mapping[str, str],
    clocks: Mapping[str, Any],
    filtered_by: Mapping[str, Any],
) -> Sheet:
    rows = []
    for feature in features:
        lon, lat = feature["geometry"]["coordinates"] if feature["geometry"] else (None, None)
        rows.append({**feature["properties"], "longitude": lon, "latitude": lat})
    present = rows[0].keys() if rows else known.keys()
    columns = {name: kind for name, kind in known.items() if name in present}
    columns |= {name: _kind(rows, name) for name in present if name not in known}
    return Sheet(rows, columns, clocks, filtered_by)


def _without_now(clocks: Mapping[str, Any]) -> dict[str, Any]:
    return {name: clock for name, clock in clocks.items() if name != "now"}


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
