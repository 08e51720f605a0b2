-- The working time of a calendar between two instants (weekly spans without holidays, EAT); no calendar: all of it.
CREATE OR REPLACE FUNCTION tickets.working_spans(p_calendar text, p_from timestamptz, p_to timestamptz)
RETURNS tstzmultirange LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    v_asked tstzmultirange := tstzmultirange(tstzrange(p_from, greatest(p_from, p_to)));
    v_working tstzmultirange;
BEGIN
    IF p_calendar IS NULL THEN
        RETURN v_asked;
    END IF;
    SELECT range_agg(
        tstzrange(
            (day.day + span.starts_at) AT TIME ZONE interval '03:00',
            (day.day + span.ends_at) AT TIME ZONE interval '03:00'
        )
    ) INTO v_working
    FROM (
        SELECT first.day + n AS day
        FROM (SELECT (p_from AT TIME ZONE interval '03:00')::date AS day) AS first
        CROSS JOIN generate_series(0, (p_to AT TIME ZONE interval '03:00')::date - first.day) AS n
    ) AS day
    JOIN tickets.sla_calendar_spans AS span
        ON span.calendar = p_calendar
        AND span.weekday = extract(isodow FROM day.day)
        AND day.day >= span.valid_from
        AND day.day < span.valid_until
    WHERE NOT EXISTS (
        SELECT FROM tickets.sla_holidays AS holiday WHERE holiday.calendar = p_calendar AND holiday.day = day.day
    );
    RETURN coalesce(v_working, '{}') * v_asked;
END
$$;

COMMENT ON FUNCTION tickets.working_spans(text, timestamptz, timestamptz) IS 'The working time of a calendar between two instants';
