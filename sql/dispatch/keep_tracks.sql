-- Makes the track's partitions of this month and the next, drops those older than p_keep; answers how many it dropped.
CREATE OR REPLACE FUNCTION dispatch.keep_tracks(p_now timestamptz, p_keep interval DEFAULT interval '90 days')
RETURNS integer LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
    v_month timestamptz;
    v_old record;
    v_dropped integer := 0;
BEGIN
    FOREACH v_month IN ARRAY ARRAY[date_trunc('month', p_now), date_trunc('month', p_now) + interval '1 month'] LOOP
        IF to_regclass(format('dispatch.vehicle_track_%s', to_char(v_month, 'YYYYMM'))) IS NULL THEN
            PERFORM dispatch.add_track_partition(v_month);
        END IF;
    END LOOP;
    FOR v_old IN
        SELECT part.oid::regclass AS name
        FROM pg_catalog.pg_inherits AS kin
        JOIN pg_catalog.pg_class AS part ON part.oid = kin.inhrelid
        WHERE kin.inhparent = 'dispatch.vehicle_track'::regclass
            AND part.relname ~ '^vehicle_track_[0-9]{6}$'
            AND to_timestamp(right(part.relname, 6), 'YYYYMM') + interval '1 month' < p_now - p_keep
    LOOP
        EXECUTE format('DROP TABLE %s', v_old.name);
        v_dropped := v_dropped + 1;
    END LOOP;
    DELETE FROM dispatch.vehicle_track_rest WHERE fixed_at < p_now - p_keep;
    DELETE FROM dispatch.rejected_position WHERE received_at < p_now - p_keep;
    RETURN v_dropped;
END
$$;

COMMENT ON FUNCTION dispatch.keep_tracks(timestamptz, interval) IS 'Makes the partitions of the track, drops the old ones';
