-- The geocoders whose points or candidates are kept, as a JSON list of names: whose terms ask to be named where they are shown.
CREATE OR REPLACE FUNCTION reporting.fn_credits()
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT coalesce(json_agg(used.provider ORDER BY used.provider), '[]')
        FROM (
            SELECT provider FROM tickets.geo_locations WHERE geom IS NOT NULL OR proposed_geom IS NOT NULL
            UNION
            SELECT provider FROM tickets.geo_clusters WHERE geom IS NOT NULL OR proposed_geom IS NOT NULL
        ) AS used
        WHERE used.provider IN ('locationiq', 'opencage', 'nominatim', 'photon', 'gazetteer')
    );
END
$$;

COMMENT ON FUNCTION reporting.fn_credits() IS 'The geocoders whose points are kept';
