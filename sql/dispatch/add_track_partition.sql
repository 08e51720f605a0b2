-- Gives one month of the track (UTC) a partition of its own; fixes of that month move there from the default one.
CREATE OR REPLACE FUNCTION dispatch.add_track_partition(p_month timestamptz)
RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
    v_from timestamptz := date_trunc('month', p_month);
    v_to timestamptz := date_trunc('month', p_month) + interval '1 month';
    v_name text := format('vehicle_track_%s', to_char(v_from, 'YYYYMM'));
BEGIN
    LOCK TABLE dispatch.vehicle_track IN SHARE UPDATE EXCLUSIVE MODE;
    IF to_regclass('dispatch.' || v_name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE dispatch.%I (LIKE dispatch.vehicle_track INCLUDING ALL)', v_name);
    EXECUTE format(
        'WITH moved AS (DELETE FROM dispatch.vehicle_track_rest WHERE fixed_at >= $1 AND fixed_at < $2 RETURNING *) '
        'INSERT INTO dispatch.%I SELECT * FROM moved', v_name
    ) USING v_from, v_to;
    EXECUTE format(
        'ALTER TABLE dispatch.vehicle_track ATTACH PARTITION dispatch.%I FOR VALUES FROM (%L) TO (%L)', v_name, v_from, v_to
    );
END
$$;

COMMENT ON FUNCTION dispatch.add_track_partition(timestamptz) IS 'Gives one month of the track a partition of its own';
