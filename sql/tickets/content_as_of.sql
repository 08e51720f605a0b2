-- The newest creation or closure that the files until p_at told of, at most 15 minutes ahead of the file itself.
CREATE OR REPLACE FUNCTION tickets.content_as_of(p_dataset text, p_at timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT file.content_as_of
    FROM tickets.import_files AS file
    WHERE file.dataset = p_dataset AND file.content_as_of IS NOT NULL AND file.exported_at <= p_at
    ORDER BY file.content_as_of DESC
    LIMIT 1
);

COMMENT ON FUNCTION tickets.content_as_of(text, timestamptz) IS 'The newest lifecycle instant the data knew at an instant';
