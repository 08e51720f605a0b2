-- One decision of a person on a cluster's own point: the proposed one, another, the one it has, or none.
UPDATE tickets.geo_clusters AS known
SET
    geom = CASE %(action)s::text
        WHEN 'accept' THEN coalesce(
            public.st_setsrid(public.st_makepoint(%(lon)s::double precision, %(lat)s::double precision), 4326),
            known.proposed_geom, known.geom
        )
        WHEN 'move' THEN public.st_setsrid(
            public.st_makepoint(%(lon)s::double precision, %(lat)s::double precision), 4326
        )
        WHEN 'keep-cluster' THEN known.geom
        -- The proposal was wrong, the point stays; without a proposal the point itself was.
        WHEN 'reject' THEN CASE WHEN known.proposed_geom IS NOT NULL THEN known.geom END
    END,
    proposed_geom = NULL,
    suspect = false,
    provider = coalesce(%(provider)s::text, known.provider),
    provider_ref = CASE WHEN %(provider)s::text IS NULL THEN known.provider_ref ELSE %(ref)s::text END,
    origin = CASE %(action)s::text WHEN 'move' THEN 'manual' ELSE known.origin END,
    status = CASE %(action)s::text
        WHEN 'keep-cluster' THEN CASE WHEN known.geom IS NULL THEN 'kept' ELSE 'ok' END
        WHEN 'reject' THEN CASE WHEN known.proposed_geom IS NOT NULL AND known.geom IS NOT NULL THEN 'ok' ELSE 'rejected' END
        ELSE 'ok'
    END,
    next_try_at = CASE WHEN %(action)s::text = 'reject' THEN %(now)s::timestamptz + interval '90 days' END,
    verified = %(action)s::text <> 'reject',
    verified_by = CASE WHEN %(action)s::text <> 'reject' THEN %(who)s::text END,
    verified_at = CASE WHEN %(action)s::text <> 'reject' THEN %(now)s::timestamptz END,
    updated_at = %(now)s::timestamptz
WHERE known.cluster = %(cluster)s
