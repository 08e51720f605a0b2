-- One run with its files as JSON, or null.
CREATE OR REPLACE FUNCTION reporting.fn_run(p_run_id bigint)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
BEGIN
    RETURN (
        SELECT row_to_json(shown)
        FROM (
            SELECT
                run.run_id, run.dataset, run.command, run.started_at, run.finished_at,
                round(extract(epoch FROM run.finished_at - run.started_at), 1) AS duration_s,
                run.state, run.exit_code, run.error, run.counts,
                (
                    SELECT coalesce(json_agg(file ORDER BY file.exported_at, file.key), '[]')
                    FROM (
                        SELECT
                            key, exported_at, state, reason, rows_read, rows_new, rows_changed, rows_unchanged, rows_stale,
                            rows_duplicate, rows_alarm, rows_sentinel, rows_rejected, export_truncated, is_late, flags
                        FROM tickets.import_files
                        WHERE import_files.run_id = p_run_id
                    ) AS file
                ) AS files
            FROM tickets.runs AS run
            WHERE run.run_id = p_run_id
        ) AS shown
    );
END
$$;

COMMENT ON FUNCTION reporting.fn_run(bigint) IS 'One run with its files';
