-- The newest runs as JSON {runs, next_before}: what each did, and how many closures and reopens its files told of (not
-- those known when history began); p_before (a run_id) asks for older ones.
CREATE OR REPLACE FUNCTION reporting.fn_runs(
    p_dataset text DEFAULT NULL,
    p_limit integer DEFAULT 50,
    p_before bigint DEFAULT NULL
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
DECLARE
    v_dataset text := nullif(lower(btrim(p_dataset)), '');
    v_answer json;
BEGIN
    IF p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 500 THEN
        RAISE EXCEPTION 'limit is 1 to 500' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    WITH newest AS (
        SELECT run_id, dataset, command, started_at, finished_at, state, exit_code, error, counts
        FROM tickets.runs
        WHERE (v_dataset IS NULL OR runs.dataset = v_dataset) AND (p_before IS NULL OR runs.run_id < p_before)
        ORDER BY run_id DESC
        LIMIT p_limit
    ),
    told AS (
        SELECT
            newest.*,
            (
                SELECT count(*)
                FROM tickets.import_files AS file
                JOIN tickets.closure_events AS event
                    ON event.dataset = file.dataset AND event.observed_at = file.exported_at AND event.source_key = file.key
                WHERE file.run_id = newest.run_id AND event.kind IN ('observed', 'reclosed')
            ) AS closures,
            (
                SELECT count(*)
                FROM tickets.import_files AS file
                JOIN tickets.reopen_events AS event
                    ON event.dataset = file.dataset AND event.reopened_at = file.exported_at AND event.source_key = file.key
                WHERE file.run_id = newest.run_id AND NOT event.retracted
            ) AS reopens
        FROM newest
    )
    SELECT json_build_object(
        'runs', coalesce(json_agg(told ORDER BY told.run_id DESC), '[]'),
        'next_before', CASE WHEN count(*) = p_limit THEN min(told.run_id) END
    ) INTO v_answer
    FROM told;
    RETURN v_answer;
END
$$;

COMMENT ON FUNCTION reporting.fn_runs(text, integer, bigint) IS 'The newest runs and what each did';
