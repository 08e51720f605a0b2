-- The instant at which the SLA clock has run so many seconds; null while a pause without an end, or a calendar
-- without working time, keeps it from getting there.
CREATE OR REPLACE FUNCTION tickets.active_until(
    p_calendar text, p_pauses tstzmultirange, p_from timestamptz, p_seconds numeric
)
RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    v_days integer := 14 + ceil(p_seconds / 21600);
    v_until timestamptz;
BEGIN
    IF p_from IS NULL OR p_seconds IS NULL THEN
        RETURN NULL;
    END IF;
    WHILE v_until IS NULL AND v_days < 4000 LOOP
        SELECT upper(walked.span) - make_interval(secs => (walked.so_far - p_seconds)::double precision) INTO v_until
        FROM (
            SELECT span, sum(extract(epoch FROM upper(span) - lower(span))) OVER (ORDER BY lower(span)) AS so_far
            FROM unnest(
                tickets.working_spans(p_calendar, p_from, p_from + make_interval(days => v_days))
                - coalesce(p_pauses, '{}')
            ) AS span
        ) AS walked
        WHERE walked.so_far >= p_seconds
        ORDER BY walked.so_far
        LIMIT 1;
        v_days := v_days * 4;
    END LOOP;
    RETURN v_until;
END
$$;

COMMENT ON FUNCTION tickets.active_until(text, tstzmultirange, timestamptz, numeric)
    IS 'The instant at which the SLA clock has run so many seconds';
