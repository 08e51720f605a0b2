-- Works out the stays of a window from the tracks, rule 1: fixes within 120 m of the one before, for five minutes
-- or more. Stays that begin in the window are written anew; answers how many. Running it again changes nothing.
CREATE OR REPLACE FUNCTION dispatch.find_stays(p_from timestamptz, p_to timestamptz)
RETURNS integer LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
    v_written integer;
BEGIN
    IF p_from IS NULL OR p_to IS NULL OR p_from >= p_to THEN
        RAISE EXCEPTION 'the window is empty: give a beginning before its end' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    DELETE FROM dispatch.stay WHERE began_at >= p_from AND began_at < p_to;

    -- A stay may have begun before the window and may go on after it: a day on both sides is looked at.
    WITH fix AS (
        SELECT
            vehicle_id,
            fixed_at,
            geom,
            CASE
                WHEN lag(fixed_at) OVER trip IS NULL THEN 1
                WHEN fixed_at - lag(fixed_at) OVER trip > interval '6 hours' THEN 1
                WHEN NOT public.st_dwithin(geom::public.geography, (lag(geom) OVER trip)::public.geography, 120) THEN 1
                ELSE 0
            END AS moved
        FROM dispatch.vehicle_track
        WHERE fixed_at >= p_from - interval '1 day' AND fixed_at < p_to + interval '1 day'
        WINDOW trip AS (PARTITION BY vehicle_id ORDER BY fixed_at)
    ),
    numbered AS (
        SELECT fix.*, sum(moved) OVER (PARTITION BY vehicle_id ORDER BY fixed_at) AS island
        FROM fix
    ),
    island AS (
        SELECT
            vehicle_id,
            min(fixed_at) AS began_at,
            max(fixed_at) AS ended_at,
            count(*) AS fixes,
            public.st_setsrid(
                public.st_makepoint(
                    percentile_cont(0.5) WITHIN GROUP (ORDER BY public.st_x(geom)),
                    percentile_cont(0.5) WITHIN GROUP (ORDER BY public.st_y(geom))
                ),
                4326
            ) AS geom
        FROM numbered
        GROUP BY vehicle_id, island
        HAVING max(fixed_at) - min(fixed_at) >= interval '5 min'
    )
    INSERT INTO dispatch.stay (vehicle_id, began_at, ended_at, geom, fixes, rule_version)
    SELECT vehicle_id, began_at, ended_at, geom, fixes, 1
    FROM island
    WHERE began_at >= p_from AND began_at < p_to
    ORDER BY vehicle_id, began_at
    ON CONFLICT (vehicle_id, began_at) DO UPDATE SET
        ended_at = excluded.ended_at,
        geom = excluded.geom,
        fixes = excluded.fixes,
        rule_version = excluded.rule_version;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    RETURN v_written;
END
$$;

COMMENT ON FUNCTION dispatch.find_stays(timestamptz, timestamptz) IS 'Works out the stays of a window from the tracks';
