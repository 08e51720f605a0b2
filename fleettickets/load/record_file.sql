-- Write the outcome of one file version into the ledger and move the stream's watermark, never backwards.
-- Answers the file's id, or no row when another run finished this version first.
WITH ledger AS (
    INSERT INTO tickets.import_files AS seen (
        dataset, key, etag, last_modified, size_bytes, exported_at, state, reason, run_id, finished_at,
        encoding, export_type, export_truncated, is_late,
        rows_read, rows_new, rows_changed, rows_unchanged, rows_stale, rows_duplicate,
        rows_alarm, rows_sentinel, rows_rejected, flags, archived_at
    )
    VALUES (
        %(dataset)s, %(key)s, %(etag)s, %(modified)s, %(size_bytes)s, %(exported_at)s, %(state)s, %(reason)s,
        %(run_id)s, now(), %(encoding)s,
        CASE
            WHEN %(state)s <> 'applied' THEN NULL
            WHEN (SELECT metadata ? 'source_max_key' FROM tickets.import_meta WHERE dataset = %(dataset)s)
            THEN 'delta'
            ELSE 'baseline'
        END,
        %(export_truncated)s,
        coalesce(
            %(exported_at)s < (
                SELECT (metadata ->> 'source_max_exported_at')::timestamptz
                FROM tickets.import_meta WHERE dataset = %(dataset)s
            ),
            false
        ),
        %(rows_read)s, %(rows_new)s, %(rows_changed)s, %(rows_unchanged)s, %(rows_stale)s, %(rows_duplicate)s,
        %(rows_alarm)s, %(rows_sentinel)s, %(rows_rejected)s, %(flags)s,
        CASE WHEN NOT %(archives)s THEN now() END
    )
    ON CONFLICT (dataset, key, etag, last_modified) DO UPDATE SET
        state = excluded.state,
        reason = excluded.reason,
        run_id = excluded.run_id,
        finished_at = excluded.finished_at,
        attempts = seen.attempts + 1,
        encoding = excluded.encoding,
        export_type = excluded.export_type,
        export_truncated = excluded.export_truncated,
        is_late = excluded.is_late,
        rows_read = excluded.rows_read,
        rows_new = excluded.rows_new,
        rows_changed = excluded.rows_changed,
        rows_unchanged = excluded.rows_unchanged,
        rows_stale = excluded.rows_stale,
        rows_duplicate = excluded.rows_duplicate,
        rows_alarm = excluded.rows_alarm,
        rows_sentinel = excluded.rows_sentinel,
        rows_rejected = excluded.rows_rejected,
        flags = excluded.flags,
        archived_at = excluded.archived_at,
        archive_key = CASE WHEN %(again)s THEN seen.archive_key END, -- read again, it still lies where it was moved
        discarded_at = NULL,
        discarded_by = NULL
    WHERE
        seen.state IN ('failed', 'forgotten', 'superseded')
        -- Rows that are merged stay merged: a file once applied does not become unusable.
        OR (%(again)s AND (seen.state = 'quarantined' OR (seen.state = 'applied' AND excluded.state = 'applied')))
    RETURNING file_id, export_type, attempts
),
watermark AS (
    INSERT INTO tickets.import_meta AS meta (dataset, export_type, imported_at, metadata)
    SELECT
        %(dataset)s, ledger.export_type, now(),
        CASE
            WHEN %(moves_watermark)s
            THEN jsonb_build_object('source_max_key', %(key)s::text, 'source_max_exported_at', %(exported_at)s::timestamptz)
            ELSE '{}'
        END || %(metadata)s::jsonb
    FROM ledger
    WHERE %(state)s = 'applied'
    ON CONFLICT (dataset) DO UPDATE SET
        export_type = excluded.export_type,
        imported_at = excluded.imported_at,
        metadata = meta.metadata || CASE
            WHEN (excluded.metadata ->> 'source_max_exported_at')::timestamptz
                < (meta.metadata ->> 'source_max_exported_at')::timestamptz
            THEN excluded.metadata - 'source_max_key' - 'source_max_exported_at'
            ELSE excluded.metadata
        END
)
SELECT file_id, export_type, attempts FROM ledger
