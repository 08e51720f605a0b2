-- Keep what the staged file says of each ticket as a version, and answer which tickets may have another life story now,
-- and the newest creation or closure told of. A ticket twice in one file: the last line counts.
-- A file that is late stands before one that is known: every ticket in it may have another story then.
WITH late AS (
    SELECT coalesce(%(exported_at)s::timestamptz <= tickets.known_until(%(dataset)s::text), false) AS is_late
),
newest AS (
    SELECT DISTINCT ON (staged.ticket_id COLLATE "C")
        staged.ticket_id,
        staged.line,
        staged.is_alarm,
        -- The order and frame change nothing but the plan: one sort serves this and DISTINCT ON.
        NOT bool_and(staged.is_alarm) OVER (
            PARTITION BY staged.ticket_id COLLATE "C" ORDER BY staged.line DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS makes_ticket,
        staged.raw
    FROM pg_temp.incoming AS staged
    WHERE staged.reason IS NULL
    ORDER BY staged.ticket_id COLLATE "C", staged.line DESC
),
kept AS (
    INSERT INTO tickets.row_versions AS version (
        dataset, ticket_id, exported_at, modified, etag, line, source_key, is_alarm, makes_ticket, raw
    )
    SELECT
        %(dataset)s::text, ticket_id, %(exported_at)s::timestamptz, %(modified)s::timestamptz, %(etag)s::text, line,
        %(key)s::text, is_alarm, makes_ticket, raw
    FROM newest
    ORDER BY ticket_id COLLATE "C"
    ON CONFLICT (dataset, ticket_id, exported_at, modified, etag) DO UPDATE SET
        line = excluded.line,
        source_key = excluded.source_key,
        is_alarm = excluded.is_alarm,
        makes_ticket = excluded.makes_ticket,
        seeded = excluded.seeded,
        raw = excluded.raw
    WHERE version.seeded OR version.line < excluded.line -- a row that was rejected and is released later
    RETURNING version.ticket_id, version.state, version.is_alarm, version.created_at_service, version.closed_at
)
SELECT
    coalesce(array_agg(kept.ticket_id) FILTER (WHERE CASE
        WHEN late.is_late THEN true
        WHEN kept.is_alarm THEN older.state = 'open'
        WHEN older.state IS NULL THEN kept.state <> 'inactive'
        WHEN older.is_alarm OR kept.state <> older.state THEN true
        ELSE kept.state = 'closed' AND kept.closed_at IS DISTINCT FROM older.closed_at
    END), '{}'),
    -- As a number: a session may write its instants in any style.
    extract(epoch FROM greatest(
        max(kept.created_at_service) FILTER (
            WHERE NOT kept.is_alarm AND kept.created_at_service <= %(exported_at)s::timestamptz + interval '15 min'
        ),
        max(kept.closed_at) FILTER (
            WHERE NOT kept.is_alarm AND kept.closed_at <= %(exported_at)s::timestamptz + interval '15 min'
        )
    ))
FROM kept
CROSS JOIN late
-- The version before it, as this statement found the table: that is without its own rows.
LEFT JOIN LATERAL (
    SELECT version.state, version.is_alarm, version.closed_at
    FROM tickets.row_versions AS version
    WHERE version.dataset = %(dataset)s::text AND version.ticket_id = kept.ticket_id
    ORDER BY version.exported_at DESC, version.modified DESC, version.etag DESC
    LIMIT 1
) AS older ON true
