-- Write one cluster's decision; a point a person verified stays, and so does one set by hand (it is only doubted).
INSERT INTO tickets.geo_clusters AS known (
    cluster, alias, region, geom, soft_m, origin, status, suspect, proposed_geom, name_sim, provider, provider_ref,
    query, norm_version, attempts, next_try_at, note, candidates, updated_at
)
VALUES (
    %(cluster)s, %(alias)s, %(region)s,
    public.st_setsrid(public.st_makepoint(%(lon)s::double precision, %(lat)s::double precision), 4326),
    %(soft_m)s, %(origin)s, %(status)s, %(suspect)s,
    public.st_setsrid(public.st_makepoint(%(proposed_lon)s::double precision, %(proposed_lat)s::double precision), 4326),
    %(name_sim)s, %(provider)s, %(provider_ref)s, %(query)s, %(norm_version)s, %(attempts)s, %(next_try_at)s, %(note)s,
    %(candidates)s, %(now)s
)
ON CONFLICT (cluster) DO UPDATE SET
    alias = excluded.alias,
    region = excluded.region,
    geom = excluded.geom,
    soft_m = excluded.soft_m,
    origin = excluded.origin,
    status = excluded.status,
    suspect = excluded.suspect,
    proposed_geom = excluded.proposed_geom,
    name_sim = excluded.name_sim,
    provider = excluded.provider,
    provider_ref = excluded.provider_ref,
    query = excluded.query,
    norm_version = excluded.norm_version,
    attempts = excluded.attempts,
    next_try_at = excluded.next_try_at,
    note = excluded.note,
    candidates = excluded.candidates,
    updated_at = excluded.updated_at
WHERE NOT known.verified
