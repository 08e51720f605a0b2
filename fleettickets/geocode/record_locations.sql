-- Write decisions, one row a spelling; what a person verified stays as it is. Answers the names written.
INSERT INTO tickets.geo_locations AS known (
    location_name, cluster, decision_key, clean_kind, place, alt, unit, status, precision, score, name_sim, dist_m,
    provider, provider_ref, query, norm_version, attempts, next_try_at, geom, proposed_geom, note, candidates, updated_at
)
SELECT
    item.location_name, item.cluster, item.decision_key, item.clean_kind, item.place, item.alt, item.unit, item.status,
    item.precision, item.score, item.name_sim, item.dist_m, item.provider, item.provider_ref, item.query,
    item.norm_version, item.attempts, item.next_try_at,
    public.st_setsrid(public.st_makepoint(item.lon, item.lat), 4326),
    public.st_setsrid(public.st_makepoint(item.proposed_lon, item.proposed_lat), 4326),
    item.note, item.candidates, item.updated_at
FROM jsonb_to_recordset(%(rows)s::jsonb) AS item (
    location_name text, cluster text, decision_key text, clean_kind text, place text, alt text, unit text, status text,
    precision text, score real, name_sim real, dist_m double precision, provider text, provider_ref text, query text,
    norm_version text, attempts integer, next_try_at timestamptz, lat double precision, lon double precision,
    proposed_lat double precision, proposed_lon double precision, note text, candidates jsonb, updated_at timestamptz
)
ORDER BY item.location_name COLLATE "C", item.cluster COLLATE "C"
ON CONFLICT (location_name, cluster) DO UPDATE SET
    decision_key = excluded.decision_key,
    clean_kind = excluded.clean_kind,
    place = excluded.place,
    alt = excluded.alt,
    unit = excluded.unit,
    status = excluded.status,
    precision = excluded.precision,
    score = excluded.score,
    name_sim = excluded.name_sim,
    dist_m = excluded.dist_m,
    provider = excluded.provider,
    provider_ref = excluded.provider_ref,
    query = excluded.query,
    norm_version = excluded.norm_version,
    attempts = excluded.attempts,
    next_try_at = excluded.next_try_at,
    geom = excluded.geom,
    proposed_geom = excluded.proposed_geom,
    note = excluded.note,
    candidates = excluded.candidates,
    updated_at = excluded.updated_at
WHERE NOT known.verified
RETURNING known.location_name
