"""The formats: each takes a sheet and gives the bytes of a file."""

from __future__ import annotations

import csv
import io
import struct
from datetime import datetime
from typing import Any, Final

import orjson

from fleettickets.export.sheet import Sheet, as_text

MEDIA_TYPES: Final = {
    "csv": "text/csv; charset=utf-8; header=present",
    "geojson": "application/geo+json",
    "fgb": "application/vnd.flatgeobuf",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_BOM: Final = b"\xef\xbb\xbf"


def to_csv(sheet: Sheet, *, bom: bool = False) -> bytes:
    """RFC 4180; a text that a spreadsheet would take for a formula begins with an apostrophe."""
    stamped = sheet.stamped()
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_harmless(name) for name in stamped.columns)
    writer.writerows([_cell(row.get(name), kind) for name, kind in stamped.columns.items()] for row in stamped.rows)
    return (_BOM if bom else b"") + out.getvalue().encode()


def to_geojson(sheet: Sheet) -> bytes:
    """RFC 7946, with the clocks and the filter beside the features."""
    features = [
        {
            "type": "Feature",
            "id": row.get("ticket_id"),
            "geometry": _point(row),
            "properties": {name: one for name, one in row.items() if name not in {"longitude", "latitude"}},
        }
        for row in sheet.rows
    ]
    document = {"type": "FeatureCollection", "clocks": sheet.clocks, "filter": sheet.filtered_by, "features": features}
    return orjson.dumps(document)


def to_json(sheet: Sheet) -> bytes:
    """Rows as objects, with the clocks and the filter beside them."""
    return orjson.dumps({"clocks": sheet.clocks, "filter": sheet.filtered_by, "rows": list(sheet.rows)})


def to_parquet(sheet: Sheet) -> bytes:
    """GeoParquet 1.1 with points as WKB; plain Parquet when the rows are no points."""
    import pyarrow.parquet as pq  # noqa: PLC0415  # it costs a third of a second and 60 MB, and few exports are Parquet

    metadata = {b"fleettickets": orjson.dumps({"clocks": sheet.clocks, "filter": sheet.filtered_by})}
    if sheet.has_places:
        metadata[b"geo"] = orjson.dumps(_geo_metadata(sheet))
    out = io.BytesIO()
    pq.write_table(_table(sheet).replace_schema_metadata(metadata), out, compression="zstd")
    return out.getvalue()


def to_flatgeobuf(sheet: Sheet) -> bytes:
    """FlatGeobuf through GDAL: PostGIS 3.3 loses every column after a null one."""
    import pyogrio  # noqa: PLC0415  # it brings GDAL, which nothing else needs

    out = io.BytesIO()
    # A spatial index holds no row without a place.
    indexed = all(row.get("longitude") is not None for row in sheet.rows)
    pyogrio.write_arrow(
        _table(sheet),
        out,
        layer="tickets",
        driver="FlatGeobuf",
        geometry_name="geometry",
        geometry_type="Point",
        crs="EPSG:4326",
        SPATIAL_INDEX="YES" if indexed and sheet.rows else "NO",
    )
    return out.getvalue()


def _table(sheet: Sheet) -> Any:  # noqa: ANN401  # a pyarrow.Table, which comes without types
    import pyarrow as pa  # noqa: PLC0415  # only binary formats need it

    kinds = {"text": pa.string(), "number": pa.float64(), "boolean": pa.bool_(), "instant": pa.timestamp("us", "UTC")}
    stamped = sheet.stamped()
    columns = {name: kind for name, kind in stamped.columns.items() if name not in {"longitude", "latitude"}}
    arrays = {
        name: pa.array([_typed(row.get(name), kind) for row in stamped.rows], kinds[kind])
        for name, kind in columns.items()
    }
    if sheet.has_places:
        arrays["geometry"] = pa.array([_wkb(row) for row in stamped.rows], pa.binary())
    return pa.table(arrays)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cell(value: Any, kind: str) -> Any:  # noqa: ANN401  # whatever JSON holds
    if value is None:
        return ""
    if kind == "boolean":
        return "true" if value else "false"
    return value if kind in {"number", "instant"} else _harmless(as_text(value) or "")


def _typed(value: Any, kind: str) -> Any:  # noqa: ANN401  # whatever JSON holds
    if value is None:
        return None
    if kind == "instant":
        return _instant(value)
    return as_text(value) if kind == "text" else value


def _instant(text: str) -> datetime | None:
    """Null where the calendar of these formats ends: 48 hours after the last day of the year 9999."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _point(row: dict[str, Any]) -> dict[str, Any] | None:
    if row.get("longitude") is None:
        return None
    return {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]}


def _wkb(row: dict[str, Any]) -> bytes | None:
    if row.get("longitude") is None:
        return None
    return struct.pack("<BIdd", 1, 1, row["longitude"], row["latitude"])


def _geo_metadata(sheet: Sheet) -> dict[str, Any]:
    places = [(row["longitude"], row["latitude"]) for row in sheet.rows if row.get("longitude") is not None]
    column: dict[str, Any] = {"encoding": "WKB", "geometry_types": ["Point"] if places else []}
    if places:
        lons, lats = zip(*places, strict=True)
        column["bbox"] = [min(lons), min(lats), max(lons), max(lats)]
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
