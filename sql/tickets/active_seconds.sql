-- Seconds the SLA clock ran between two instants: working time without the paused part of it; never negative.
CREATE OR REPLACE FUNCTION tickets.active_seconds(
    p_calendar text, p_pauses tstzmultirange, p_from timestamptz, p_to timestamptz
)
RETURNS numeric LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF p_from IS NULL OR p_to IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT coalesce(sum(extract(epoch FROM upper(span) - lower(span))), 0)
        FROM unnest(tickets.working_spans(p_calendar, p_from, p_to) - coalesce(p_pauses, '{}')) AS span
    );
END
$$;

COMMENT ON FUNCTION tickets.active_seconds(text, tstzmultirange, timestamptz, timestamptz)
    IS 'Seconds the SLA clock ran between two instants';
