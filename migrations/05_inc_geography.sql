-- Distances in metres for the nearest open tickets: the index holds the actionable ones only.

ALTER TABLE tickets.inc
    ADD COLUMN IF NOT EXISTS geog public.geography(Point, 4326)
        GENERATED ALWAYS AS (geom::public.geography) STORED;

CREATE INDEX IF NOT EXISTS inc_open_geog_idx ON tickets.inc USING gist (geog) WHERE is_actionable;
