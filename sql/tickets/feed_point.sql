-- The feed's own coordinates as a point, or null: not numbers, 0/0, swapped, or outside Kenya are no coordinates.
CREATE OR REPLACE FUNCTION tickets.feed_point(p_latitude text, p_longitude text)
RETURNS public.geometry LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN p_latitude IS NULL OR p_longitude IS NULL THEN NULL
    WHEN p_latitude ~ '^[ \t\n\r]*[+-]?[0-9]{1,3}(\.[0-9]{0,30})?[ \t\n\r]*$'
        AND p_longitude ~ '^[ \t\n\r]*[+-]?[0-9]{1,3}(\.[0-9]{0,30})?[ \t\n\r]*$'
    THEN CASE
        WHEN p_latitude::double precision >= double precision '-4.9'
            AND p_latitude::double precision <= double precision '5.1'
            AND p_longitude::double precision >= double precision '33.8'
            AND p_longitude::double precision <= double precision '42.0'
        THEN public.st_setsrid(
            public.st_makepoint(p_longitude::double precision, p_latitude::double precision), 4326
        )
    END
END;

COMMENT ON FUNCTION tickets.feed_point(text, text) IS 'The feed''s own coordinates as a point, or null when they are none';
