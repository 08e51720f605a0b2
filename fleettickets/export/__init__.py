"""Rows of the read side as files for other programs: CSV, GeoJSON, GeoParquet, FlatGeobuf, JSON."""
