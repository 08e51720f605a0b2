-- A place a ticket, and where it came from; latitude and longitude follow it.

ALTER TABLE tickets.inc
    ADD COLUMN IF NOT EXISTS geom public.geometry(Point, 4326),
    ADD COLUMN IF NOT EXISTS geo_source text NOT NULL DEFAULT 'none',
    ADD COLUMN IF NOT EXISTS latitude double precision
        GENERATED ALWAYS AS (public.st_y(geom)) STORED,
    ADD COLUMN IF NOT EXISTS longitude double precision
        GENERATED ALWAYS AS (public.st_x(geom)) STORED,
    ADD CONSTRAINT inc_geo_source_is_known CHECK (geo_source IN ('feed', 'location', 'cluster', 'none'));
