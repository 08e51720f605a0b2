-- Keep what the staged file says of each ticket as a version, and answer which tickets may have another life story now,
-- and the newest creation or closure told of. A ticket twice in one file: the last line counts.
-- The story of a ticket seen for the first time is one event, written here; tickets.fold_history tells all others.
-- A file that is late stands before one that is known: every ticket in it may have another story then.
WITH late AS (
    SELECT
        coalesce(%(exported_at)s::timestamptz <= tickets.known_until(%(dataset)s::text), false) AS is_late,
        first.version IS NULL OR this.version < first.version AS becomes_first,
        first.version IS NULL OR this.version <= first.version AS is_first
    FROM (
        SELECT (%(exported_at)s::timestamptz, %(modified)s::timestamptz, %(etag)s::text COLLATE "C") AS version
    ) AS this
    LEFT JOIN (
        SELECT (
            (metadata #>> '{history_first,exported_at}')::timestamptz,
            (metadata #>> '{history_first,modified}')::timestamptz,
            (metadata #>> '{history_first,etag}') COLLATE "C"
        ) AS version
        FROM tickets.import_meta
        WHERE dataset = %(dataset)s::text AND metadata ? 'history_first'
    ) AS first ON true
),
-- What the file told that was the first until now is no baseline any more.
demoted AS (
    UPDATE tickets.closure_events AS event
    SET kind = 'observed'
    FROM late
    WHERE late.becomes_first AND event.dataset = %(dataset)s::text AND event.kind = 'baseline'
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
    RETURNING version.ticket_id, version.state, version.is_alarm, version.created_at_service, version.closed_at,
        nullif(btrim(version.raw ->> 'assigned_team'), '') AS team,
        nullif(btrim(version.raw ->> 'owner'), '') AS owner,
        nullif(btrim(version.raw ->> 'cluster'), '') AS cluster
),
told AS MATERIALIZED (
    SELECT kept.*, older.state AS state_before, older.is_alarm AS was_alarm, older.closed_at AS closed_at_before
    FROM kept
    -- The version before it, as this statement found the table: that is without its own rows.
    LEFT JOIN LATERAL (
        SELECT version.state, version.is_alarm, version.closed_at
        FROM tickets.row_versions AS version
        WHERE version.dataset = %(dataset)s::text AND version.ticket_id = kept.ticket_id
        ORDER BY version.exported_at DESC, version.modified DESC, version.etag DESC
        LIMIT 1
    ) AS older ON true
),
closure AS (
    INSERT INTO tickets.closure_events (
        dataset, ticket_id, seq, kind, closed_at, observed_at, team, owner, cluster, source_key
    )
    SELECT
        %(dataset)s::text, told.ticket_id, 1, CASE WHEN late.is_first THEN 'baseline' ELSE 'observed' END,
        told.closed_at, %(exported_at)s::timestamptz, told.team, told.owner, told.cluster, %(key)s::text
    FROM told
    CROSS JOIN late
    WHERE told.state_before IS NULL AND told.state = 'closed' AND NOT told.is_alarm
    ON CONFLICT DO NOTHING
),
spell AS (
    INSERT INTO tickets.open_spells (dataset, ticket_id, seq, opened_at, left_at)
    SELECT %(dataset)s::text, told.ticket_id, 1, %(exported_at)s::timestamptz, 'infinity'
    FROM told
    WHERE told.state_before IS NULL AND told.state = 'open'
    ON CONFLICT DO NOTHING
)
SELECT
    coalesce(array_agg(told.ticket_id) FILTER (WHERE CASE
        WHEN told.state_before IS NULL THEN false
        WHEN late.is_late THEN true
        WHEN told.is_alarm THEN told.state_before = 'open'
        WHEN told.was_alarm OR told.state <> told.state_before THEN true
        ELSE told.state = 'closed' AND told.closed_at IS DISTINCT FROM told.closed_at_before
    END), '{}'),
    -- As a number: a session may write its instants in any style.
    extract(epoch FROM greatest(
        max(told.created_at_service) FILTER (
            WHERE NOT told.is_alarm AND told.created_at_service <= %(exported_at)s::timestamptz + interval '15 min'
        ),
        max(told.closed_at) FILTER (
            WHERE NOT told.is_alarm AND told.closed_at <= %(exported_at)s::timestamptz + interval '15 min'
        )
    ))
FROM told
CROSS JOIN late
