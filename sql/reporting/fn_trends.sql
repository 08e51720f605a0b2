-- Each EAT day of a window as JSON: how far the data reaches, the repair time of what was closed that day (n, median, p90;
-- null where the data does not reach), and the open tickets by age as known then (null where no backlog was taken).
-- Without p_from the 60 days before the end; p_to is the first day that is not asked for. The cost follows the window.
CREATE OR REPLACE FUNCTION reporting.fn_trends(
    p_dataset text DEFAULT 'inc',
    p_from timestamptz DEFAULT NULL,
    p_to timestamptz DEFAULT NULL,
    p_now timestamptz DEFAULT now()
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
SET plan_cache_mode = force_custom_plan SET work_mem = '32MB'
AS $$
DECLARE
    v_last date := (least(coalesce(p_to - interval '1 microsecond', p_now), p_now) AT TIME ZONE interval '03:00')::date;
    v_first date := coalesce((p_from AT TIME ZONE interval '03:00')::date, v_last - 59);
    v_clocks record;
BEGIN
    IF p_from >= p_to THEN
        RAISE EXCEPTION 'from must be before to' USING ERRCODE = 'invalid_parameter_value';
    ELSIF v_last - v_first > 400 THEN
        RAISE EXCEPTION 'ask for 400 days at most' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO v_clocks FROM tickets.clocks(p_dataset, p_now, 'known');

    RETURN (
        WITH calendar AS (
            SELECT
                day::date AS day,
                reporting.window_coverage(
                    day AT TIME ZONE interval '03:00', (day + interval '1 day') AT TIME ZONE interval '03:00',
                    p_now, v_clocks.content_as_of
                ) AS coverage
            FROM generate_series(v_first::timestamp, v_last::timestamp, interval '1 day') AS day
        ),
        closed AS (
            SELECT
                (seen.closed_at AT TIME ZONE interval '03:00')::date AS day,
                count(*) AS closed,
                count(seen.mttr) AS n,
                round((percentile_cont(0.5) WITHIN GROUP (ORDER BY seen.mttr))::numeric, 1) AS median,
                round((percentile_cont(0.9) WITHIN GROUP (ORDER BY seen.mttr))::numeric, 1) AS p90
            FROM tickets.seen(
                p_dataset, p_now, 'known',
                v_first::timestamp AT TIME ZONE interval '03:00',
                (v_last + 1)::timestamp AT TIME ZONE interval '03:00'
            ) AS seen
            WHERE tickets.ticket_state(seen.is_actionable, seen.closed_at, seen.bucket) = 'closed'
                AND seen.closed_at >= v_first::timestamp AT TIME ZONE interval '03:00'
                AND seen.closed_at < (v_last + 1)::timestamp AT TIME ZONE interval '03:00'
            GROUP BY 1
        ),
        aged AS (
            SELECT
                age_group.day,
                json_object_agg(coalesce(age_group.from_h::text, 'unknown'), age_group.n ORDER BY age_group.from_h) AS ageing
            FROM reporting.ageing_daily(p_dataset, v_first, v_last) AS age_group
            GROUP BY age_group.day
        )
        SELECT json_build_object(
            'dataset', p_dataset,
            'from', v_first,
            'to', v_last,
            'small_n', tickets.threshold('small_n', p_dataset, p_now),
            'days', json_agg(
                json_build_object(
                    'day', calendar.day,
                    'coverage', calendar.coverage,
                    'mttr', CASE WHEN calendar.coverage <> 'none' THEN json_build_object(
                        'n', coalesce(closed.n, 0), 'missing', coalesce(closed.closed - closed.n, 0),
                        'median', closed.median, 'p90', closed.p90
                    ) END,
                    'ageing', aged.ageing
                )
                ORDER BY calendar.day
            ),
            'freshness', json_build_object(
                'now', p_now, 'run_at', v_clocks.run_at, 'file_ts', v_clocks.file_ts,
                'content_as_of', v_clocks.content_as_of
            )
        )
        FROM calendar
        LEFT JOIN closed USING (day)
        LEFT JOIN aged USING (day)
    );
END
$$;

COMMENT ON FUNCTION reporting.fn_trends(text, timestamptz, timestamptz, timestamptz) IS 'Each day: coverage, repair time, open tickets by age';
