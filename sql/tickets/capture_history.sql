-- The day (EAT) whose backlog was taken: what is known at p_now, of the end of a run; null before the first file.
-- As often as you like: a later instant or newer knowledge replaces the day's row, an earlier instant does not.
CREATE OR REPLACE FUNCTION tickets.capture_history(p_dataset text, p_now timestamptz)
RETURNS date LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF tickets.known_until(p_dataset) IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM tickets.capture_days(p_dataset, ARRAY[p_now], p_now);
    RETURN (p_now AT TIME ZONE 'Africa/Nairobi')::date;
END
$$;

COMMENT ON FUNCTION tickets.capture_history(text, timestamptz) IS 'Takes the backlog of today as it is known now';
