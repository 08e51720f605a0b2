-- Keep what the staged file says of each ticket as a version in its place between the older and the newer ones,
-- and answer which tickets may have another life story now. A ticket twice in one file: the last line counts.
WITH newest AS (
    SELECT DISTINCT ON (staged.ticket_id COLLATE "C")
        staged.ticket_id,
        staged.line,
        staged.is_alarm,
        NOT bool_and(staged.is_alarm) OVER (PARTITION BY staged.ticket_id COLLATE "C") AS makes_ticket,
        staged.raw
    FROM pg_temp.incoming AS staged
    WHERE staged.reason IS NULL
    ORDER BY staged.ticket_id COLLATE "C", staged.line DESC
),
placed AS MATERIALIZED (
    SELECT newest.*, older.state AS older_state, older.exported_at AS older_at, older.modified AS older_modified,
        older.etag AS older_etag, newer.exported_at AS newer_at
    FROM newest
    LEFT JOIN LATERAL (
        SELECT version.exported_at, version.modified, version.etag, version.state
        FROM tickets.row_versions AS version
        WHERE
            version.dataset = %(dataset)s::text
            AND version.ticket_id = newest.ticket_id
            AND (version.exported_at, version.modified, version.etag)
                < (%(exported_at)s::timestamptz, %(modified)s::timestamptz, %(etag)s::text)
        ORDER BY version.exported_at DESC, version.modified DESC, version.etag DESC
        LIMIT 1
    ) AS older ON true
    LEFT JOIN LATERAL (
        SELECT version.exported_at
        FROM tickets.row_versions AS version
        WHERE
            version.dataset = %(dataset)s::text
            AND version.ticket_id = newest.ticket_id
            AND (version.exported_at, version.modified, version.etag)
                > (%(exported_at)s::timestamptz, %(modified)s::timestamptz, %(etag)s::text)
        ORDER BY version.exported_at, version.modified, version.etag
        LIMIT 1
    ) AS newer ON true
),
shortened AS (
    UPDATE tickets.row_versions AS version
    SET superseded_at = %(exported_at)s::timestamptz
    FROM placed
    WHERE
        version.dataset = %(dataset)s::text
        AND version.ticket_id = placed.ticket_id
        AND version.exported_at = placed.older_at
        AND version.modified = placed.older_modified
        AND version.etag = placed.older_etag
        AND version.superseded_at <> %(exported_at)s::timestamptz
),
kept AS (
    INSERT INTO tickets.row_versions AS version (
        dataset, ticket_id, exported_at, modified, etag, line, superseded_at, source_key, is_alarm, makes_ticket, raw
    )
    SELECT
        %(dataset)s::text, ticket_id, %(exported_at)s::timestamptz, %(modified)s::timestamptz, %(etag)s::text, line,
        coalesce(newer_at, 'infinity'), %(key)s::text, is_alarm, makes_ticket, raw
    FROM placed
    ORDER BY ticket_id COLLATE "C"
    ON CONFLICT (dataset, ticket_id, exported_at, modified, etag) DO UPDATE SET
        line = excluded.line,
        source_key = excluded.source_key,
        is_alarm = excluded.is_alarm,
        makes_ticket = excluded.makes_ticket,
        seeded = excluded.seeded,
        raw = excluded.raw
    WHERE version.seeded OR version.line < excluded.line -- a row that was rejected and is released later
    RETURNING version.ticket_id, version.state, version.is_alarm
)
SELECT coalesce(array_agg(kept.ticket_id), '{}')
FROM kept
JOIN placed USING (ticket_id)
WHERE
    (kept.state = 'closed' AND NOT kept.is_alarm)
    OR (kept.is_alarm AND placed.older_state = 'open')
    OR placed.newer_at IS NOT NULL
    OR EXISTS (
        SELECT FROM tickets.closure_events AS event
        WHERE event.dataset = %(dataset)s::text AND event.ticket_id = kept.ticket_id
    )
