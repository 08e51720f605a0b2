-- Merge the staged rows into the tickets and answer what became of them:
-- rows by outcome (new, changed, unchanged, stale, alarm) and by flag (bad_<column>).
-- The last writer wins: a row yields only to a greater (export time, upload time, ETag, line), and an
-- unchanged row still takes the greater one, or an older file arriving late would win over it.
WITH newest AS (
    SELECT DISTINCT ON (staged.ticket_id COLLATE "C")
        staged.ticket_id,
        staged.line,
        staged.is_alarm,
        staged.raw,
        -- The order and frame change nothing but the plan: one sort serves this and DISTINCT ON.
        bool_and(staged.is_alarm) OVER (
            PARTITION BY staged.ticket_id COLLATE "C" ORDER BY staged.line DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS only_alarm
    FROM pg_temp.incoming AS staged
    WHERE staged.reason IS NULL
    ORDER BY staged.ticket_id COLLATE "C", staged.line DESC
),
judged AS MATERIALIZED (
    SELECT
        newest.*,
        CASE
            WHEN known.ticket_id IS NULL AND newest.only_alarm THEN 'alarm'
            WHEN known.ticket_id IS NULL THEN 'new'
            WHEN (known.source_exported_at, known.source_modified, known.source_etag, known.source_line)
                > (%(exported_at)s::timestamptz, %(modified)s::timestamptz, %(etag)s::text, newest.line)
            THEN 'stale'
            WHEN known.raw = newest.raw THEN 'unchanged'
            ELSE 'changed'
        END AS outcome,
        known.is_actionable IS TRUE OR tickets.to_bool(newest.raw ->> 'is_actionable') IS TRUE AS is_or_was_open
    FROM newest
    -- LIMIT keeps this a look-up a row: the cost follows the file, whatever the planner believes of the table.
    LEFT JOIN LATERAL (
        SELECT * FROM {tickets} AS ticket WHERE ticket.ticket_id = newest.ticket_id LIMIT 1
    ) AS known ON true
),
-- An alarm is no ticket, but it takes a ticket that becomes known later (a late file) out of the backlog.
remembered AS (
    INSERT INTO tickets.alarm_rows AS alarm (
        dataset, ticket_id, raw, source_exported_at, source_modified, source_etag, source_line
    )
    SELECT
        %(dataset)s::text, ticket_id, raw,
        %(exported_at)s::timestamptz, %(modified)s::timestamptz, %(etag)s::text, line
    FROM judged
    WHERE outcome = 'alarm'
    ORDER BY ticket_id COLLATE "C"
    ON CONFLICT (dataset, ticket_id) DO UPDATE SET
        raw = excluded.raw,
        source_exported_at = excluded.source_exported_at,
        source_modified = excluded.source_modified,
        source_etag = excluded.source_etag,
        source_line = excluded.source_line
    WHERE
        (alarm.source_exported_at, alarm.source_modified, alarm.source_etag, alarm.source_line)
        < (excluded.source_exported_at, excluded.source_modified, excluded.source_etag, excluded.source_line)
),
winners AS (
    SELECT
        judged.ticket_id,
        coalesce(alarm.raw, judged.raw) AS raw,
        coalesce(alarm.source_exported_at, %(exported_at)s::timestamptz) AS exported_at,
        coalesce(alarm.source_modified, %(modified)s::timestamptz) AS modified,
        coalesce(alarm.source_etag, %(etag)s::text) AS etag,
        coalesce(alarm.source_line, judged.line) AS line
    FROM judged
    LEFT JOIN LATERAL (
        SELECT *
        FROM tickets.alarm_rows AS row
        WHERE
            judged.outcome = 'new'
            AND row.dataset = %(dataset)s::text
            AND row.ticket_id = judged.ticket_id
            AND (row.source_exported_at, row.source_modified, row.source_etag, row.source_line)
                > (%(exported_at)s::timestamptz, %(modified)s::timestamptz, %(etag)s::text, judged.line)
        LIMIT 1
    ) AS alarm ON true
    WHERE judged.outcome IN ('new', 'changed', 'unchanged')
),
placed AS (
    SELECT winners.*, place.geom, place.geo_source, place.geo_precision, place.geo_verified
    FROM winners
    CROSS JOIN LATERAL tickets.ticket_place(
        winners.raw ->> 'latitude', winners.raw ->> 'longitude', winners.raw ->> 'location_name', winners.raw ->> 'cluster'
    ) AS place
),
written AS (
    INSERT INTO {tickets} AS ticket (
        ticket_id, raw, geom, geo_source, geo_precision, geo_verified, ingested_at,
        source_exported_at, source_modified, source_etag, source_line
    )
    SELECT ticket_id, raw, geom, geo_source, geo_precision, geo_verified, now(), exported_at, modified, etag, line
    FROM placed
    ORDER BY ticket_id COLLATE "C"
    ON CONFLICT (ticket_id) DO UPDATE SET
        raw = excluded.raw,
        geom = excluded.geom,
        geo_source = excluded.geo_source,
        geo_precision = excluded.geo_precision,
        geo_verified = excluded.geo_verified,
        ingested_at = excluded.ingested_at,
        source_exported_at = excluded.source_exported_at,
        source_modified = excluded.source_modified,
        source_etag = excluded.source_etag,
        source_line = excluded.source_line
    WHERE
        (ticket.source_exported_at, ticket.source_modified, ticket.source_etag, ticket.source_line)
        < (excluded.source_exported_at, excluded.source_modified, excluded.source_etag, excluded.source_line)
    RETURNING ARRAY[
        CASE WHEN ticket.created_at_service IS NULL AND tickets.is_filled(ticket.raw ->> 'created_at_service')
            THEN 'bad_created_at_service' END,
        CASE WHEN ticket.scheduled_at IS NULL AND tickets.is_filled(ticket.raw ->> 'scheduled_at')
            THEN 'bad_scheduled_at' END,
        CASE WHEN ticket.closed_at IS NULL AND tickets.is_filled(ticket.raw ->> 'closed_at')
            THEN 'bad_closed_at' END,
        CASE WHEN ticket.first_seen_at IS NULL AND tickets.is_filled(ticket.raw ->> 'first_seen_at')
            THEN 'bad_first_seen_at' END,
        CASE WHEN ticket.last_seen_at IS NULL AND tickets.is_filled(ticket.raw ->> 'last_seen_at')
            THEN 'bad_last_seen_at' END,
        CASE WHEN ticket.source_created_at IS NULL AND tickets.is_filled(ticket.raw ->> 'created_at')
            THEN 'bad_created_at' END,
        CASE WHEN ticket.source_updated_at IS NULL AND tickets.is_filled(ticket.raw ->> 'updated_at')
            THEN 'bad_updated_at' END,
        CASE WHEN ticket.mttr IS NULL AND tickets.is_filled(ticket.raw ->> 'mttr')
            THEN CASE WHEN tickets.mttr_minutes(ticket.raw ->> 'mttr') IS NULL THEN 'bad_mttr' ELSE 'mttr_on_open' END
        END,
        CASE WHEN ticket.is_actionable IS NULL AND tickets.is_filled(ticket.raw ->> 'is_actionable')
            THEN 'bad_is_actionable' END,
        CASE WHEN ticket.geo_source <> 'feed' AND (
                tickets.is_filled(ticket.raw ->> 'latitude') OR tickets.is_filled(ticket.raw ->> 'longitude')
            )
            THEN 'bad_coordinates' END
    ] AS flags
)
SELECT
    (
        SELECT coalesce(jsonb_object_agg(counted.outcome, counted.n), '{{}}')
        FROM (SELECT outcome, count(*) AS n FROM judged GROUP BY outcome) AS counted
    ),
    (
        SELECT coalesce(jsonb_object_agg(counted.flag, counted.n), '{{}}')
        FROM (
            SELECT flag, count(*) AS n
            FROM written CROSS JOIN LATERAL unnest(written.flags) AS flag
            WHERE flag IS NOT NULL
            GROUP BY flag
        ) AS counted
    ),
    -- What readers of the open tickets hold of these is out of date.
    (
        SELECT coalesce(array_agg(judged.ticket_id), '{{}}')
        FROM judged
        WHERE judged.outcome IN ('new', 'changed') AND judged.is_or_was_open
    )
