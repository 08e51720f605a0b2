-- The backlog of each EAT day as JSON, and how it is known: observed, replayed, reconstructed, or missing (null, never 0).
-- Without p_from the 90 days before the end; p_to is the first day that is not asked for.
CREATE OR REPLACE FUNCTION reporting.fn_backlog_daily(
    p_dataset text DEFAULT 'inc',
    p_from timestamptz DEFAULT NULL,
    p_to timestamptz DEFAULT NULL,
    p_now timestamptz DEFAULT now()
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
DECLARE
    v_last date := (least(coalesce(p_to - interval '1 microsecond', p_now), p_now) AT TIME ZONE interval '03:00')::date;
    v_first date := coalesce((p_from AT TIME ZONE interval '03:00')::date, v_last - 89);
BEGIN
    IF p_dataset IS NULL OR p_dataset NOT IN ('inc', 'crq') THEN
        RAISE EXCEPTION 'unknown dataset %: use inc or crq', quote_nullable(p_dataset)
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF p_from >= p_to THEN
        RAISE EXCEPTION 'from must be before to' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN json_build_object(
        'dataset', p_dataset,
        'from', v_first,
        'to', v_last,
        'days', (
            SELECT coalesce(json_agg(row_to_json(backlog) ORDER BY backlog.day), '[]')
            FROM tickets.backlog_daily AS backlog
            WHERE backlog.dataset = p_dataset AND backlog.day BETWEEN v_first AND v_last
        ),
        'freshness', (
            SELECT json_build_object('now', p_now, 'run_at', run_at, 'file_ts', file_ts, 'content_as_of', content_as_of)
            FROM tickets.clocks(p_dataset, p_now, 'known')
        )
    );
END
$$;

COMMENT ON FUNCTION reporting.fn_backlog_daily(text, timestamptz, timestamptz, timestamptz) IS 'The backlog of each day and how it is known';
