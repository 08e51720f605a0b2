-- The spellings of one place as they are, for undo.
SELECT jsonb_build_object(
    'location_name', known.location_name, 'cluster', known.cluster, 'status', known.status,
    'precision', known.precision, 'lat', known.lat, 'lon', known.lon,
    'proposed_lat', public.st_y(known.proposed_geom), 'proposed_lon', public.st_x(known.proposed_geom),
    'next_try_at', known.next_try_at, 'norm_version', known.norm_version,
    'provider', known.provider, 'provider_ref', known.provider_ref,
    'verified', known.verified, 'verified_by', known.verified_by, 'verified_at', known.verified_at
) AS state
FROM tickets.geo_locations AS known
WHERE known.cluster = %(cluster)s AND known.decision_key = %(key)s
ORDER BY known.location_name COLLATE "C"
FOR UPDATE
