-- Installations carry the same columns as faults.

ALTER TABLE tickets.crq
    ADD COLUMN IF NOT EXISTS normalized_status text
        GENERATED ALWAYS AS (nullif(btrim(raw ->> 'normalized_status'), '')) STORED,
    ADD COLUMN IF NOT EXISTS raw_status text
        GENERATED ALWAYS AS (nullif(btrim(raw ->> 'raw_status'), '')) STORED,
    ADD COLUMN IF NOT EXISTS bucket text
        GENERATED ALWAYS AS (nullif(btrim(raw ->> 'bucket'), '')) STORED,
    ADD COLUMN IF NOT EXISTS is_actionable boolean
        GENERATED ALWAYS AS (
            tickets.to_bool(raw ->> 'is_actionable') AND tickets.to_bool(raw ->> 'is_alarm') IS NOT TRUE
        ) STORED,
    ADD COLUMN IF NOT EXISTS cluster text
        GENERATED ALWAYS AS (nullif(btrim(raw ->> 'cluster'), '')) STORED,
    ADD COLUMN IF NOT EXISTS region text
        GENERATED ALWAYS AS (nullif(btrim(raw ->> 'region'), '')) STORED,
    ADD COLUMN IF NOT EXISTS location_name text
        GENERATED ALWAYS AS (nullif(btrim(raw ->> 'location_name'), '')) STORED,
    ADD COLUMN IF NOT EXISTS assigned_team text
        GENERATED ALWAYS AS (nullif(btrim(raw ->> 'assigned_team'), '')) STORED,
    ADD COLUMN IF NOT EXISTS owner text
        GENERATED ALWAYS AS (nullif(btrim(raw ->> 'owner'), '')) STORED,
    ADD COLUMN IF NOT EXISTS sla_status text
        GENERATED ALWAYS AS (nullif(btrim(raw ->> 'sla_status'), '')) STORED,
    ADD COLUMN IF NOT EXISTS created_at_service timestamptz
        GENERATED ALWAYS AS (tickets.eat_ts(raw ->> 'created_at_service')) STORED,
    ADD COLUMN IF NOT EXISTS scheduled_at timestamptz
        GENERATED ALWAYS AS (tickets.eat_ts(raw ->> 'scheduled_at')) STORED,
    ADD COLUMN IF NOT EXISTS closed_at timestamptz
        GENERATED ALWAYS AS (tickets.eat_ts(raw ->> 'closed_at')) STORED,
    ADD COLUMN IF NOT EXISTS first_seen_at timestamptz
        GENERATED ALWAYS AS (tickets.eat_ts(raw ->> 'first_seen_at')) STORED,
    ADD COLUMN IF NOT EXISTS last_seen_at timestamptz
        GENERATED ALWAYS AS (tickets.eat_ts(raw ->> 'last_seen_at')) STORED,
    ADD COLUMN IF NOT EXISTS source_created_at timestamptz
        GENERATED ALWAYS AS (tickets.eat_ts(raw ->> 'created_at')) STORED,
    ADD COLUMN IF NOT EXISTS source_updated_at timestamptz
        GENERATED ALWAYS AS (tickets.eat_ts(raw ->> 'updated_at')) STORED,
    ADD COLUMN IF NOT EXISTS geom public.geometry(Point, 4326),
    ADD COLUMN IF NOT EXISTS geo_source text NOT NULL DEFAULT 'none',
    ADD COLUMN IF NOT EXISTS latitude double precision
        GENERATED ALWAYS AS (public.st_y(geom)) STORED,
    ADD COLUMN IF NOT EXISTS longitude double precision
        GENERATED ALWAYS AS (public.st_x(geom)) STORED,
    ADD COLUMN IF NOT EXISTS geog public.geography(Point, 4326)
        GENERATED ALWAYS AS (geom::public.geography) STORED,
    ADD COLUMN IF NOT EXISTS mttr integer
        GENERATED ALWAYS AS (
            CASE
                WHEN tickets.to_bool(raw ->> 'is_actionable') THEN NULL
                ELSE tickets.mttr_minutes(raw ->> 'mttr')
            END
        ) STORED,
    ADD CONSTRAINT crq_geo_source_is_known CHECK (geo_source IN ('feed', 'location', 'cluster', 'none'));

CREATE INDEX IF NOT EXISTS crq_open_geog_idx ON tickets.crq USING gist (geog) WHERE is_actionable;
