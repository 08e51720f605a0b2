-- The clocks of one dataset as JSON: run_at, file_ts, content_as_of (now is the reader's own).
CREATE OR REPLACE FUNCTION reporting.fn_freshness(
    p_dataset text, p_now timestamptz DEFAULT NULL, p_mode text DEFAULT 'known'
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
BEGIN
    RETURN (SELECT row_to_json(clocks) FROM tickets.clocks(p_dataset, p_now, p_mode) AS clocks);
END
$$;

COMMENT ON FUNCTION reporting.fn_freshness(text, timestamptz, text) IS 'The clocks of one dataset: run_at, file_ts, content_as_of';
