-- Points with their evidence: where each came from, how precise it is, who confirmed it, what it cost.

-- One name may stand for two places in two clusters: the key is the spelling and the cluster.
-- Rows of earlier deployments keep cluster '' and serve the name wherever no row of its own cluster does.
ALTER TABLE tickets.geo_locations
    ADD COLUMN cluster text NOT NULL DEFAULT '',
    ADD COLUMN decision_key text,
    ADD COLUMN clean_kind text,
    ADD COLUMN place text,
    ADD COLUMN alt text,
    ADD COLUMN unit text,
    ADD COLUMN status text NOT NULL DEFAULT 'ok',
    ADD COLUMN precision text,
    ADD COLUMN score real,
    ADD COLUMN name_sim real,
    ADD COLUMN dist_m double precision,
    ADD COLUMN provider text,
    ADD COLUMN provider_ref text,
    ADD COLUMN query text,
    ADD COLUMN norm_version text,
    ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN next_try_at timestamptz,
    ADD COLUMN proposed_geom public.geometry(Point, 4326),
    ADD COLUMN verified boolean NOT NULL DEFAULT false,
    ADD COLUMN verified_by text,
    ADD COLUMN verified_at timestamptz,
    ADD COLUMN note text,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN lat double precision GENERATED ALWAYS AS (public.st_y(geom)) STORED,
    ADD COLUMN lon double precision GENERATED ALWAYS AS (public.st_x(geom)) STORED,
    DROP CONSTRAINT geo_locations_pkey,
    ADD CONSTRAINT geo_locations_pkey PRIMARY KEY (location_name, cluster),
    ADD CONSTRAINT geo_locations_status_is_known CHECK (
        status IN ('ok', 'cluster', 'nothing', 'far', 'refused', 'ambiguous', 'no_match', 'rejected', 'kept')
    ),
    ADD CONSTRAINT geo_locations_verified_says_who CHECK (NOT verified OR verified_by IS NOT NULL);
CREATE INDEX geo_locations_decision_idx ON tickets.geo_locations (decision_key, cluster);
COMMENT ON COLUMN tickets.geo_locations.status IS
    'ok: has a point; cluster: the name is the cluster''s own; nothing: names no place; far: a candidate outside the soft '
    'radius waits for review; refused: only outside the hard limit or the operating area; ambiguous: several places; '
    'no_match: nobody knows it; rejected: a person refused the candidate; kept: a person chose the cluster''s point';
COMMENT ON COLUMN tickets.geo_locations.decision_key IS
    'Place in lower case letters and digits: all spellings of a cluster with one key share one decision';

ALTER TABLE tickets.geo_clusters
    ADD COLUMN alias text,
    ADD COLUMN region text,
    ADD COLUMN soft_m double precision,
    ADD COLUMN origin text NOT NULL DEFAULT 'manual',
    ADD COLUMN status text NOT NULL DEFAULT 'ok',
    ADD COLUMN suspect boolean NOT NULL DEFAULT false,
    ADD COLUMN proposed_geom public.geometry(Point, 4326),
    ADD COLUMN name_sim real,
    ADD COLUMN provider text,
    ADD COLUMN provider_ref text,
    ADD COLUMN query text,
    ADD COLUMN norm_version text,
    ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN next_try_at timestamptz,
    ADD COLUMN verified boolean NOT NULL DEFAULT false,
    ADD COLUMN verified_by text,
    ADD COLUMN verified_at timestamptz,
    ADD COLUMN note text,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN lat double precision GENERATED ALWAYS AS (public.st_y(geom)) STORED,
    ADD COLUMN lon double precision GENERATED ALWAYS AS (public.st_x(geom)) STORED,
    ADD CONSTRAINT geo_clusters_origin_is_known CHECK (origin IN ('manual', 'provider', 'feed')),
    ADD CONSTRAINT geo_clusters_status_is_known
        CHECK (status IN ('ok', 'nothing', 'refused', 'ambiguous', 'no_match', 'rejected', 'kept')),
    ADD CONSTRAINT geo_clusters_verified_says_who CHECK (NOT verified OR verified_by IS NOT NULL);
COMMENT ON COLUMN tickets.geo_clusters.suspect IS 'The point looks wrong: its names are not held to it until a person decides';

-- Where points may lie at all, per region of the feed (lower case); '' holds for regions without a row of their own.
CREATE TABLE tickets.geo_areas (
    region text NOT NULL,
    west double precision NOT NULL,
    south double precision NOT NULL,
    east double precision NOT NULL,
    north double precision NOT NULL,
    note text,
    CONSTRAINT geo_areas_pkey PRIMARY KEY (region),
    CONSTRAINT geo_areas_is_a_box CHECK (west < east AND south < north)
);
INSERT INTO tickets.geo_areas (region, west, south, east, north, note)
VALUES ('', 36.40, -1.75, 37.45, -0.85, 'Greater Nairobi with Thika, Limuru, Ngong, Kajiado road and Kangundo');
COMMENT ON TABLE tickets.geo_areas IS 'The operating area a region: a point outside is refused, a cluster''s too';

CREATE TABLE tickets.geo_answers (
    provider text NOT NULL,
    query_key text NOT NULL,
    params_hash text NOT NULL,
    answer jsonb NOT NULL,
    n integer NOT NULL,
    fetched_at timestamptz NOT NULL,
    expires_at timestamptz,
    CONSTRAINT geo_answers_pkey PRIMARY KEY (provider, query_key, params_hash)
);
COMMENT ON TABLE tickets.geo_answers IS 'What a provider answered, for as long as its terms allow; resolved points do not hang on it';

CREATE TABLE tickets.geo_requests (
    id bigint GENERATED ALWAYS AS IDENTITY,
    run_id uuid NOT NULL,
    provider text NOT NULL,
    utc_day date NOT NULL,
    purpose text NOT NULL,
    query_key text NOT NULL,
    state text NOT NULL DEFAULT 'reserved',
    http integer,
    message text,
    ms integer,
    at timestamptz NOT NULL,
    CONSTRAINT geo_requests_pkey PRIMARY KEY (id),
    CONSTRAINT geo_requests_state_is_known CHECK (state IN ('reserved', 'ok', 'empty', 'limited', 'error')),
    CONSTRAINT geo_requests_purpose_is_known CHECK (purpose IN ('inc', 'crq', 'review'))
);
CREATE INDEX geo_requests_day_idx ON tickets.geo_requests (utc_day, provider);
COMMENT ON TABLE tickets.geo_requests IS
    'The budget''s books: one row a request, committed before it is sent; one still reserved was sent by a run that died';

CREATE TABLE tickets.geo_decisions (
    decision_id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    who text NOT NULL,
    action text NOT NULL,
    cluster text NOT NULL,
    decision_key text,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    tickets bigint NOT NULL,
    undone_at timestamptz,
    undone_by text,
    CONSTRAINT geo_decisions_pkey PRIMARY KEY (decision_id),
    CONSTRAINT geo_decisions_action_is_known CHECK (action IN ('accept', 'reject', 'move', 'keep-cluster'))
);
CREATE INDEX geo_decisions_key_idx ON tickets.geo_decisions (decision_key, cluster);
COMMENT ON TABLE tickets.geo_decisions IS 'What people decided about points, who and when; without a key it is the cluster''s own point';

ALTER TABLE tickets.inc
    ADD COLUMN geo_precision text,
    ADD COLUMN geo_verified boolean NOT NULL DEFAULT false;
ALTER TABLE tickets.crq
    ADD COLUMN geo_precision text,
    ADD COLUMN geo_verified boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN tickets.inc.geo_precision IS 'point, place, street, near or area: how much of the name the point stands for';
COMMENT ON COLUMN tickets.crq.geo_precision IS 'point, place, street, near or area: how much of the name the point stands for';

UPDATE tickets.inc
SET geo_precision = CASE geo_source WHEN 'feed' THEN 'point' WHEN 'location' THEN 'place' ELSE 'area' END,
    geo_verified = geo_source = 'feed'
WHERE geo_source <> 'none';
UPDATE tickets.crq
SET geo_precision = CASE geo_source WHEN 'feed' THEN 'point' WHEN 'location' THEN 'place' ELSE 'area' END,
    geo_verified = geo_source = 'feed'
WHERE geo_source <> 'none';

-- A changed gazetteer row finds its tickets by the hash: no index holds free text of the feed.
CREATE INDEX inc_location_idx ON tickets.inc (hashtextextended(location_name, 0));
CREATE INDEX crq_location_idx ON tickets.crq (hashtextextended(location_name, 0));
