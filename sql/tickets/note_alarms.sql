-- What changed among the alarms of a dataset: a row for each that was raised, got worse or better, or recovered. An alarm
-- that only goes on standing gives no row, so whoever sends these on sends each once.
CREATE OR REPLACE FUNCTION tickets.note_alarms(p_dataset text, p_now timestamptz)
RETURNS TABLE (change text, cause text, severity text, detail text, raised_at timestamptz)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('fleettickets alarms ' || p_dataset, 0));
    RETURN QUERY
    WITH verdict AS (
        SELECT reporting.fn_check_freshness(p_dataset, p_now) AS document
    ),
    standing AS (
        SELECT part.cause, part.severity, part.detail
        FROM verdict
        CROSS JOIN LATERAL (
            VALUES
                ('feed', verdict.document #>> '{feed,status}',
                    format('newest file %s active hours ago', verdict.document #>> '{feed,gap_active_h}')),
                ('run', verdict.document #>> '{run,status}',
                    format('last successful run %s active minutes ago', verdict.document #>> '{run,age_active_min}')),
                ('content', verdict.document #>> '{content,status}',
                    format('the data ends %s hours before the newest file', verdict.document #>> '{content,lag_h}'))
        ) AS part (cause, severity, detail)
        WHERE part.severity <> 'ok'
        UNION ALL
        SELECT alarm.cause, alarm.severity, alarm.detail FROM tickets.file_alarms(p_dataset, p_now) AS alarm
    ),
    recovered AS (
        UPDATE tickets.alarms AS known
        SET cleared_at = p_now
        WHERE known.dataset = p_dataset
            AND known.cleared_at IS NULL
            AND NOT EXISTS (SELECT FROM standing WHERE standing.cause = known.cause)
        RETURNING 'recovered' AS change, known.cause, known.severity, known.detail, known.raised_at
    ),
    former AS (
        SELECT known.cause, known.severity FROM tickets.alarms AS known WHERE known.dataset = p_dataset AND known.cleared_at IS NULL
    ),
    raised AS (
        INSERT INTO tickets.alarms AS known (dataset, cause, severity, detail, raised_at)
        SELECT p_dataset, standing.cause, standing.severity, standing.detail, p_now FROM standing
        ON CONFLICT (dataset, cause) WHERE cleared_at IS NULL DO UPDATE SET
            severity = excluded.severity,
            detail = excluded.detail
        WHERE known.severity <> excluded.severity
        RETURNING known.cause, known.severity, known.detail, known.raised_at
    )
    SELECT CASE WHEN former.cause IS NULL THEN 'raised' ELSE 'changed' END, raised.cause, raised.severity, raised.detail,
        raised.raised_at
    FROM raised
    LEFT JOIN former ON former.cause = raised.cause
    UNION ALL
    SELECT recovered.change, recovered.cause, recovered.severity, recovered.detail, recovered.raised_at FROM recovered;
END
$$;

COMMENT ON FUNCTION tickets.note_alarms(text, timestamptz) IS 'What changed among the alarms of a dataset';
