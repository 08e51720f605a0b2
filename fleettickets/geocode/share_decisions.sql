-- New spellings of a place that is decided already take its decision, a verified one first; asks nobody.
-- Answers which spellings found one.
INSERT INTO tickets.geo_locations AS known (
    location_name, cluster, decision_key, clean_kind, place, alt, unit, status, precision, score, name_sim, dist_m,
    provider, provider_ref, query, norm_version, attempts, next_try_at, geom, proposed_geom,
    verified, verified_by, verified_at, note, candidates, updated_at
)
SELECT
    item.location_name, item.cluster, item.decision_key, item.clean_kind, item.place, item.alt, item.unit,
    twin.status, twin.precision, twin.score, twin.name_sim, twin.dist_m,
    twin.provider, twin.provider_ref, twin.query, %(version)s, twin.attempts, twin.next_try_at, twin.geom,
    twin.proposed_geom, twin.verified, twin.verified_by, twin.verified_at, twin.note, twin.candidates, %(now)s
FROM jsonb_to_recordset(%(rows)s::jsonb) AS item (
    location_name text, cluster text, decision_key text, clean_kind text, place text, alt text, unit text
)
CROSS JOIN LATERAL (
    SELECT *
    FROM tickets.geo_locations AS other
    WHERE other.decision_key = item.decision_key AND other.cluster = item.cluster
        AND (
            other.verified
            OR (other.norm_version = %(version)s AND (other.next_try_at IS NULL OR other.next_try_at > %(now)s))
        )
    ORDER BY other.verified DESC, other.updated_at DESC
    LIMIT 1
) AS twin
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
    verified = excluded.verified,
    verified_by = excluded.verified_by,
    verified_at = excluded.verified_at,
    note = excluded.note,
    candidates = excluded.candidates,
    updated_at = excluded.updated_at
WHERE NOT known.verified
RETURNING known.location_name, known.cluster
