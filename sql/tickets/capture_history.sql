-- The day (EAT) whose backlog was taken: what is known at p_now, of the end of a run; null before the first file.
-- The days of files that were told since the last time, and every later one, are taken as well.
-- As often as you like: a later instant or newer knowledge replaces the day's row, an earlier instant does not.
CREATE OR REPLACE FUNCTION tickets.capture_history(p_dataset text, p_now timestamptz)
RETURNS date LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_due timestamptz := (
        SELECT (metadata ->> 'history_days_due')::timestamptz FROM tickets.import_meta WHERE dataset = p_dataset
    );
BEGIN
    IF tickets.known_until(p_dataset) IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM tickets.capture_days(
        p_dataset,
        p_now || ARRAY(
            SELECT max(file.exported_at)
            FROM tickets.import_files AS file
            WHERE file.dataset = p_dataset AND file.export_type IS NOT NULL AND file.exported_at >= v_due
            GROUP BY (file.exported_at AT TIME ZONE interval '03:00')::date
        ),
        p_now
    );
    IF v_due IS NOT NULL THEN
        UPDATE tickets.import_meta SET metadata = metadata - 'history_days_due' WHERE dataset = p_dataset;
    END IF;
    RETURN (p_now AT TIME ZONE 'Africa/Nairobi')::date;
END
$$;

COMMENT ON FUNCTION tickets.capture_history(text, timestamptz) IS 'Takes the backlog of today as it is known now';
