-- A cluster's row as it was before a decision.
UPDATE tickets.geo_clusters AS known
SET
    status = item.status,
    origin = item.origin,
    suspect = item.suspect,
    geom = public.st_setsrid(public.st_makepoint(item.lon, item.lat), 4326),
    proposed_geom = public.st_setsrid(public.st_makepoint(item.proposed_lon, item.proposed_lat), 4326),
    -- Decisions of earlier versions did not keep them, and did not change them.
    provider = CASE WHEN item.kept ? 'provider' THEN item.kept ->> 'provider' ELSE known.provider END,
    provider_ref = CASE WHEN item.kept ? 'provider_ref' THEN item.kept ->> 'provider_ref' ELSE known.provider_ref END,
    next_try_at = item.next_try_at,
    norm_version = item.norm_version,
    verified = item.verified,
    verified_by = item.verified_by,
    verified_at = item.verified_at,
    updated_at = %(now)s
FROM (
    SELECT one.kept, typed.*
    FROM jsonb_array_elements(%(rows)s::jsonb) AS one (kept)
    CROSS JOIN LATERAL jsonb_to_record(one.kept) AS typed (
        cluster text, status text, origin text, suspect boolean, lat double precision, lon double precision,
        proposed_lat double precision, proposed_lon double precision, next_try_at timestamptz, norm_version text,
        verified boolean, verified_by text, verified_at timestamptz
    )
) AS item
WHERE known.cluster = item.cluster
