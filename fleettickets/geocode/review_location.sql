-- One decision of a person on a place, for all its spellings. A refused candidate is not offered again;
-- everything else is verified, and no run touches it any more.
UPDATE tickets.geo_locations AS known
SET
    geom = CASE %(action)s::text
        WHEN 'accept' THEN coalesce(
            public.st_setsrid(public.st_makepoint(%(lon)s::double precision, %(lat)s::double precision), 4326),
            known.proposed_geom, known.geom
        )
        WHEN 'move' THEN public.st_setsrid(
            public.st_makepoint(%(lon)s::double precision, %(lat)s::double precision), 4326
        )
    END,
    proposed_geom = NULL,
    precision = CASE %(action)s::text
        WHEN 'accept' THEN coalesce(%(precision)s::text, known.precision, 'place')
        WHEN 'move' THEN 'point'
    END,
    provider = coalesce(%(provider)s::text, known.provider),
    provider_ref = CASE WHEN %(provider)s::text IS NULL THEN known.provider_ref ELSE %(ref)s::text END,
    status = CASE %(action)s::text WHEN 'reject' THEN 'rejected' WHEN 'keep-cluster' THEN 'kept' ELSE 'ok' END,
    next_try_at = CASE WHEN %(action)s::text = 'reject' THEN %(now)s::timestamptz + interval '90 days' END,
    verified = %(action)s::text <> 'reject',
    verified_by = CASE WHEN %(action)s::text <> 'reject' THEN %(who)s::text END,
    verified_at = CASE WHEN %(action)s::text <> 'reject' THEN %(now)s::timestamptz END,
    updated_at = %(now)s::timestamptz
WHERE known.cluster = %(cluster)s AND known.decision_key = %(key)s
