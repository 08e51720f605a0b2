-- What is in quarantine, newest first: files (line is null) and rows of files that were applied.
-- Answers at most `most` of each kind, and with each the number there are.
WITH held_file AS (
    SELECT
        file.file_id, NULL::bigint AS line, file.dataset, file.key, file.reason, NULL::text AS record,
        file.finished_at AS since, file.exported_at, file.attempts, file.size_bytes, file.archive_key,
        file.discarded_at, file.discarded_by, count(*) OVER () AS total
    FROM tickets.import_files AS file
    WHERE file.state = 'quarantined'
        AND (%(dataset)s::text IS NULL OR file.dataset = %(dataset)s::text)
        AND (%(discarded)s::boolean OR file.discarded_at IS NULL)
        AND (%(file_ids)s::bigint[] IS NULL OR file.file_id = ANY(%(file_ids)s::bigint[]))
        AND (
            %(reference)s::text IS NULL
            OR (
                %(line)s::bigint IS NULL
                AND %(reference)s::text IN (file.file_id::text, file.key, regexp_replace(file.key, '^.*/', ''))
            )
        )
    ORDER BY file.file_id DESC
    LIMIT %(most)s
),
held_row AS (
    SELECT
        file.file_id, rejected.line, file.dataset, file.key, rejected.reason, rejected.record,
        rejected.rejected_at AS since, file.exported_at, file.attempts, file.size_bytes, file.archive_key,
        rejected.discarded_at, rejected.discarded_by, count(*) OVER () AS total
    FROM tickets.rejected_rows AS rejected
    JOIN tickets.import_files AS file USING (file_id)
    WHERE (%(dataset)s::text IS NULL OR rejected.dataset = %(dataset)s::text)
        AND (%(discarded)s::boolean OR rejected.discarded_at IS NULL)
        AND (%(file_ids)s::bigint[] IS NULL OR rejected.file_id = ANY(%(file_ids)s::bigint[]))
        AND (
            %(reference)s::text IS NULL
            OR (
                (%(line)s::bigint IS NULL OR rejected.line = %(line)s::bigint)
                AND %(reference)s::text IN (file.file_id::text, file.key, regexp_replace(file.key, '^.*/', ''))
            )
        )
    ORDER BY file.file_id DESC, rejected.line
    LIMIT %(most)s
)
SELECT *
FROM (SELECT * FROM held_file UNION ALL SELECT * FROM held_row) AS held
ORDER BY held.line IS NOT NULL, held.file_id DESC, held.line
