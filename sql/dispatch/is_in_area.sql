-- Whether a position can be one of this fleet's: within 150 km of a known cluster; in Kenya, where none is known.
CREATE OR REPLACE FUNCTION dispatch.is_in_area(p_geom public.geometry)
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN EXISTS (SELECT FROM tickets.geo_clusters WHERE geom IS NOT NULL)
        THEN EXISTS (
            SELECT FROM tickets.geo_clusters AS area WHERE public.st_dwithin(area.geom, p_geom, 1.35)
        )
        ELSE public.st_y(p_geom) BETWEEN -4.9 AND 5.1 AND public.st_x(p_geom) BETWEEN 33.8 AND 42.0
    END;
END;

COMMENT ON FUNCTION dispatch.is_in_area(public.geometry) IS 'Whether a position can be one of this fleet''s';
