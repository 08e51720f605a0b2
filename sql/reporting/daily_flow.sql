-- One row an EAT day of the window: closed, created, and how far the data reaches that day. An open side ends at the
-- data on the left and at today on the right; beyond 400 days only days from the first event on are listed.
CREATE OR REPLACE FUNCTION reporting.daily_flow(
    p_closed timestamptz[],
    p_created timestamptz[],
    p_from timestamptz,
    p_to timestamptz,
    p_now timestamptz,
    p_content_as_of timestamptz
)
RETURNS TABLE (day date, closed bigint, created bigint, coverage text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
#variable_conflict use_column
DECLARE
    v_first_event timestamptz := (
        SELECT min(at) FROM unnest(p_closed || p_created) AS at WHERE at >= '2000-01-01 00:00:00+03'::timestamptz
    );
    v_last timestamptz := coalesce(p_to - interval '1 microsecond', p_now);
    v_first timestamptz := coalesce(p_from, v_first_event, v_last);
    v_first_day date;
BEGIN
    v_last := least(v_last, greatest(p_now, v_first) + interval '400 days');
    IF v_first < v_last - interval '400 days' THEN
        v_first := greatest(v_first, least(coalesce(v_first_event, v_last), v_last));
    END IF;
    v_first_day := (v_first AT TIME ZONE interval '03:00')::date;

    RETURN QUERY
    WITH calendar AS (
        SELECT v_first_day + n AS day
        FROM generate_series(0, (v_last AT TIME ZONE interval '03:00')::date - v_first_day) AS n
    ),
    event AS (
        SELECT (at AT TIME ZONE interval '03:00')::date AS day, 1 AS closed, 0 AS created FROM unnest(p_closed) AS at
        UNION ALL
        SELECT (at AT TIME ZONE interval '03:00')::date, 0, 1 FROM unnest(p_created) AS at
    ),
    counted AS (
        SELECT event.day, sum(event.closed) AS closed, sum(event.created) AS created FROM event GROUP BY event.day
    )
    SELECT
        calendar.day,
        coalesce(counted.closed, 0)::bigint,
        coalesce(counted.created, 0)::bigint,
        reporting.window_coverage(
            calendar.day::timestamp AT TIME ZONE interval '03:00',
            (calendar.day + 1)::timestamp AT TIME ZONE interval '03:00',
            p_now,
            p_content_as_of
        )
    FROM calendar
    LEFT JOIN counted USING (day);
END
$$;

COMMENT ON FUNCTION reporting.daily_flow(timestamptz[], timestamptz[], timestamptz, timestamptz, timestamptz, timestamptz)
    IS 'Closed and created of each EAT day of a window, and how far the data reaches';
