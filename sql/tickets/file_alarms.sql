-- What is wrong with the newest files of a dataset: one row a cause, with how bad it is and a sentence for a person.
CREATE OR REPLACE FUNCTION tickets.file_alarms(p_dataset text, p_now timestamptz)
RETURNS TABLE (cause text, severity text, detail text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH recent AS (
        SELECT file.*
        FROM tickets.import_files AS file
        WHERE file.dataset = p_dataset
            AND file.state IN ('applied', 'quarantined', 'failed')
            AND (NOT tickets.is_past(p_dataset, p_now) OR file.exported_at <= p_now)
        ORDER BY file.file_id DESC
        LIMIT tickets.threshold('recent_files', p_dataset, p_now)::integer
    ),
    summary AS (
        SELECT
            count(*) AS files,
            count(*) FILTER (WHERE export_truncated) AS truncated,
            count(*) FILTER (WHERE is_late) AS late,
            count(*) FILTER (WHERE reason = 'file_from_future') AS future,
            count(*) FILTER (WHERE state = 'quarantined' AND reason IS DISTINCT FROM 'file_from_future') AS quarantined,
            count(*) FILTER (WHERE state = 'failed') AS failed,
            coalesce(sum(rows_rejected), 0) AS rejected,
            coalesce(sum(rows_read), 0) AS rows_read
        FROM recent
    ),
    learned AS (
        SELECT count(*) AS files, percentile_cont(0.99) WITHIN GROUP (ORDER BY rows_read) AS p99
        FROM (
            SELECT file.rows_read
            FROM tickets.import_files AS file
            WHERE file.dataset = p_dataset AND file.state = 'applied' AND file.export_type = 'delta'
            ORDER BY file.file_id DESC
            LIMIT 1000
        ) AS delta
    )
    SELECT alarm.cause, alarm.severity, alarm.detail
    FROM summary
    CROSS JOIN learned
    CROSS JOIN LATERAL (
        VALUES
            ('export_truncated', 'warn', summary.truncated > 0,
                format('%s of the newest %s files were cut short by the export: rows are missing', summary.truncated, summary.files)),
            ('late_files', 'warn', summary.late > 0,
                format('%s of the newest %s files came after a newer one; their rows were read all the same', summary.late, summary.files)),
            ('file_from_future', 'warn', summary.future > 0,
                format('%s of the newest %s files are named after a time to come: see fleettickets status', summary.future, summary.files)),
            ('files_quarantined', 'warn', summary.quarantined > 0,
                format('%s of the newest %s files could not be used: see quarantine/ in the bucket', summary.quarantined, summary.files)),
            ('files_failed', 'warn', summary.failed > 0,
                format('%s files could not be read yet: run the ingest again', summary.failed)),
            ('rows_rejected', 'warn',
                summary.rejected > summary.rows_read * tickets.threshold('rejected_warn_share', p_dataset, p_now),
                format('%s of %s rows of the newest files could not be used: see tickets.rejected_rows', summary.rejected, summary.rows_read)),
            ('rows_outside_range', 'warn',
                learned.files >= tickets.threshold('rows_learned_files', p_dataset, p_now)
                AND EXISTS (SELECT FROM recent WHERE recent.export_type = 'delta' AND recent.rows_read > 3 * learned.p99),
                format('a file has more than three times the rows that 99 of 100 files have (%s)', round(learned.p99::numeric)))
    ) AS alarm (cause, severity, is_raised, detail)
    WHERE alarm.is_raised;
END
$$;

COMMENT ON FUNCTION tickets.file_alarms(text, timestamptz) IS 'What is wrong with the newest files of a dataset';
