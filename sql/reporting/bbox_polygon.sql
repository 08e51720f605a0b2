-- The box [west, south, east, north] in degrees as a polygon; anything else is an error that says so.
CREATE OR REPLACE FUNCTION reporting.bbox_polygon(p_bbox double precision[])
RETURNS public.geometry LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF coalesce(array_length(p_bbox, 1), 0) <> 4 OR array_ndims(p_bbox) <> 1
        OR array_position(p_bbox, NULL) IS NOT NULL
        OR NOT (p_bbox[1] BETWEEN -180 AND 180 AND p_bbox[3] BETWEEN -180 AND 180
            AND p_bbox[2] BETWEEN -90 AND 90 AND p_bbox[4] BETWEEN -90 AND 90
            AND p_bbox[1] < p_bbox[3] AND p_bbox[2] < p_bbox[4])
    THEN
        RAISE EXCEPTION 'bbox % is no box: give west, south, east, north in degrees', p_bbox::text
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN public.st_makeenvelope(p_bbox[1], p_bbox[2], p_bbox[3], p_bbox[4], 4326);
END
$$;

COMMENT ON FUNCTION reporting.bbox_polygon(double precision[]) IS 'The box west, south, east, north as a polygon';
