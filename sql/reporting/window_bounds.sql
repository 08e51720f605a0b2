-- The window [starts_at, ends_at) that a name or two instants stand for, in the EAT calendar; a null side is open.
-- Anything that names no window is an error that says so, never a silent default.
CREATE OR REPLACE FUNCTION reporting.window_bounds(
    p_window text,
    p_from timestamptz,
    p_to timestamptz,
    p_now timestamptz,
    p_week_start integer DEFAULT NULL,
    OUT name text,
    OUT starts_at timestamptz,
    OUT ends_at timestamptz
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_today timestamp := date_trunc('day', p_now AT TIME ZONE interval '03:00');
    v_week_start integer := coalesce(p_week_start, tickets.threshold('week_start')::integer, 1);
    v_first timestamp;
    v_next timestamp;
BEGIN
    name := lower(btrim(p_window));
    IF p_from IS NOT NULL OR p_to IS NOT NULL THEN
        name := 'custom';
        starts_at := p_from;
        ends_at := p_to;
        IF NOT isfinite(coalesce(p_from, 'epoch')) OR NOT isfinite(coalesce(p_to, 'epoch')) THEN
            RAISE EXCEPTION 'the window''s from and to must be times: leave a side out to keep it open'
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        IF p_from >= p_to THEN
            RAISE EXCEPTION 'the window begins at % and ends at %: from must be before to',
                p_from AT TIME ZONE interval '03:00', p_to AT TIME ZONE interval '03:00'
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        RETURN;
    END IF;

    CASE name
        WHEN 'today' THEN
            v_first := v_today;
            v_next := v_today + interval '1 day';
        WHEN 'week' THEN
            v_first := v_today - make_interval(days => (extract(isodow FROM v_today)::integer - v_week_start + 7) % 7);
            v_next := v_first + interval '7 days';
        WHEN 'month' THEN
            v_first := date_trunc('month', v_today);
            v_next := v_first + interval '1 month';
        WHEN 'custom' THEN
            RAISE EXCEPTION 'the custom window needs from or to' USING ERRCODE = 'invalid_parameter_value';
        ELSE
            RAISE EXCEPTION 'unknown window %: use today, week, month, or give from and to',
                quote_nullable(left(p_window, 60)) USING ERRCODE = 'invalid_parameter_value';
    END CASE;
    starts_at := v_first AT TIME ZONE interval '03:00';
    ends_at := v_next AT TIME ZONE interval '03:00';
END
$$;

COMMENT ON FUNCTION reporting.window_bounds(text, timestamptz, timestamptz, timestamptz, integer)
    IS 'The window that a name or two instants stand for, in the EAT calendar';
