-- The clocks of one dataset as JSON: run_at, file_ts, content_as_of (now is the reader's own).
CREATE OR REPLACE FUNCTION reporting.fn_freshness(p_dataset text)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
DECLARE
    v_file_ts timestamptz;
    v_run_at timestamptz;
    v_content_as_of timestamptz;
BEGIN
    SELECT (metadata ->> 'source_max_exported_at')::timestamptz INTO v_file_ts
    FROM tickets.import_meta
    WHERE dataset = p_dataset;

    SELECT max(finished_at) INTO v_run_at
    FROM tickets.runs
    WHERE dataset = p_dataset AND state = 'done';

    -- Two index look-ups each: the newest instant of the rows that is not ahead of the export itself.
    IF p_dataset = 'inc' THEN
        SELECT greatest(
            (SELECT max(created_at_service) FROM tickets.inc WHERE created_at_service <= v_file_ts + interval '15 min'),
            (SELECT max(closed_at) FROM tickets.inc WHERE closed_at <= v_file_ts + interval '15 min')
        ) INTO v_content_as_of;
    ELSE
        SELECT greatest(
            (SELECT max(created_at_service) FROM tickets.crq WHERE created_at_service <= v_file_ts + interval '15 min'),
            (SELECT max(closed_at) FROM tickets.crq WHERE closed_at <= v_file_ts + interval '15 min')
        ) INTO v_content_as_of;
    END IF;

    RETURN json_build_object('run_at', v_run_at, 'file_ts', v_file_ts, 'content_as_of', v_content_as_of);
END
$$;

COMMENT ON FUNCTION reporting.fn_freshness(text) IS 'The clocks of one dataset: run_at, file_ts, content_as_of';
