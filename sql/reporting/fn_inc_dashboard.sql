-- The dashboard of faults as one JSON document: window, open and closed tickets, metrics, clocks.
-- Filters combine with AND; null or empty means all; case and outer spaces are ignored. p_anchor 'content' moves
-- "today" to the last day the data reaches. A p_now before the newest file is answered as known then, or with p_mode
-- 'happened' by what is known now.
CREATE OR REPLACE FUNCTION reporting.fn_inc_dashboard(
    p_cluster text DEFAULT NULL,
    p_status text DEFAULT NULL,
    p_window text DEFAULT 'today',
    p_from timestamptz DEFAULT NULL,
    p_to timestamptz DEFAULT NULL,
    p_now timestamptz DEFAULT now(),
    p_team text DEFAULT NULL,
    p_anchor text DEFAULT 'now',
    p_mode text DEFAULT 'known'
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
DECLARE
    v_clocks record;
    v_window record;
    v_part record;
BEGIN
    IF p_now IS NULL OR NOT isfinite(p_now) THEN
        RAISE EXCEPTION 'now must be a time' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_mode IS NULL OR p_mode NOT IN ('known', 'happened') THEN
        RAISE EXCEPTION 'unknown mode %: use known or happened', quote_nullable(p_mode)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO v_clocks FROM tickets.clocks('inc', p_now, p_mode);
    SELECT * INTO v_window
    FROM reporting.window_bounds(p_window, p_from, p_to, reporting.window_day(p_anchor, p_now, v_clocks.content_as_of));
    SELECT * INTO v_part
    FROM reporting.inc_dashboard_of(
        p_cluster, p_status, p_team, v_window.starts_at, v_window.ends_at, p_now, v_clocks.content_as_of, p_mode
    );
    RETURN json_build_object(
        'now', p_now,
        'mode', p_mode,
        'window', json_build_object(
            'name', v_window.name,
            'from', v_window.starts_at,
            'to', v_window.ends_at,
            'anchor', p_anchor,
            'coverage', reporting.window_coverage(v_window.starts_at, v_window.ends_at, p_now, v_clocks.content_as_of)
        ),
        'open', v_part.open_tickets,
        'closed', v_part.closed_tickets,
        'metrics', v_part.metrics,
        'freshness', json_build_object(
            'now', p_now,
            'run_at', v_clocks.run_at,
            'file_ts', v_clocks.file_ts,
            'content_as_of', v_clocks.content_as_of
        )
    );
END
$$;

COMMENT ON FUNCTION reporting.fn_inc_dashboard(text, text, text, timestamptz, timestamptz, timestamptz, text, text, text)
    IS 'The dashboard of faults: window, open and closed tickets, metrics, clocks';
