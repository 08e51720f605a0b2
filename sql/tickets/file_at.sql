-- The newest file that history knew at p_at: its key and its time; no row before the first.
CREATE OR REPLACE FUNCTION tickets.file_at(p_dataset text, p_at timestamptz)
RETURNS TABLE (key text, exported_at timestamptz) LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT file.key, file.exported_at
    FROM tickets.import_files AS file
    WHERE
        file.dataset = p_dataset
        AND file.exported_at <= p_at
        AND file.export_type IS NOT NULL -- applied once, whatever a reseed asked for since
    ORDER BY file.exported_at DESC, file.last_modified DESC, file.etag DESC
    LIMIT 1;
END;

COMMENT ON FUNCTION tickets.file_at(text, timestamptz) IS 'The newest file that history knew at an instant';
