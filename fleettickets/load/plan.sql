-- One look at the stream before a run: the lock, the watermark, which of the listed versions (by position,
-- from 1) are not settled yet, and which settled files still wait to be archived. When there is nothing to
-- do, the run is recorded as done in the same breath.
WITH hold AS MATERIALIZED (
    SELECT CASE
        WHEN %(holds)s::boolean THEN pg_try_advisory_xact_lock(hashtextextended('fleettickets:' || %(dataset)s::text, 0))
        ELSE true
    END AS locked
),
listed AS (
    SELECT item.key, item.etag, item.last_modified, item.position
    FROM unnest(%(keys)s::text[], %(etags)s::text[], %(modified)s::timestamptz[])
        WITH ORDINALITY AS item (key, etag, last_modified, position)
),
pending AS (
    SELECT listed.position
    FROM listed
    LEFT JOIN tickets.import_files AS seen
        ON seen.dataset = %(dataset)s::text
        AND seen.key = listed.key
        AND seen.etag = listed.etag
        AND seen.last_modified = listed.last_modified
        AND NOT %(reseed)s::boolean
    WHERE
        seen.file_id IS NULL
        OR %(again)s::boolean
        OR seen.state IN ('failed', 'forgotten')
        -- Noted as gone, yet listed: the store missed it for a moment.
        OR (seen.state = 'superseded' AND %(complete)s::boolean)
),
unarchived AS (
    -- What was read again out of quarantine/ still lies there.
    SELECT file_id, key, etag, last_modified, size_bytes, exported_at, state, archive_key AS lies_at
    FROM tickets.import_files
    WHERE
        dataset = %(dataset)s::text
        AND archived_at IS NULL
        AND state IN ('applied', 'quarantined', 'superseded')
        -- What is about to be read again is archived after that: moved now, it would be gone before it is fetched.
        AND NOT (
            (%(reseed)s::boolean OR %(again)s::boolean)
            AND (key, etag, last_modified) IN (SELECT listed.key, listed.etag, listed.last_modified FROM listed)
        )
    UNION ALL
    -- The same bytes put again within the second they were archived in are this version once more.
    SELECT seen.file_id, seen.key, seen.etag, seen.last_modified, seen.size_bytes, seen.exported_at, seen.state,
        NULL::text
    FROM listed
    JOIN tickets.import_files AS seen
        ON seen.dataset = %(dataset)s::text
        AND seen.key = listed.key
        AND seen.etag = listed.etag
        AND seen.last_modified = listed.last_modified
    WHERE
        seen.archive_key IS NOT NULL
        AND seen.archived_at IS NOT NULL
        AND seen.state IN ('applied', 'quarantined', 'superseded')
        AND NOT %(reseed)s::boolean
        AND NOT %(again)s::boolean
),
failed_and_gone AS (
    SELECT seen.file_id
    FROM tickets.import_files AS seen
    LEFT JOIN listed
        ON listed.key = seen.key AND listed.etag = seen.etag AND listed.last_modified = seen.last_modified
    WHERE seen.dataset = %(dataset)s::text AND seen.state = 'failed' AND listed.key IS NULL
        AND %(complete)s::boolean -- a run that looks at a part of the files cannot know what is gone
),
nothing_new AS (
    INSERT INTO tickets.runs (dataset, command, finished_at, state, exit_code)
    SELECT %(dataset)s::text, %(command)s::text, clock_timestamp(), 'done', 0
    FROM hold
    WHERE
        hold.locked
        AND %(apply)s::boolean
        AND NOT %(reseed)s::boolean
        AND NOT EXISTS (SELECT FROM pending)
        AND NOT EXISTS (SELECT FROM unarchived)
        AND NOT EXISTS (SELECT FROM failed_and_gone)
    RETURNING run_id
)
SELECT
    hold.locked,
    (SELECT metadata FROM tickets.import_meta WHERE dataset = %(dataset)s::text),
    (SELECT coalesce(array_agg(pending.position ORDER BY pending.position), '{}') FROM pending),
    (SELECT coalesce(json_agg(unarchived), '[]') FROM unarchived),
    (SELECT coalesce(array_agg(failed_and_gone.file_id), '{}') FROM failed_and_gone),
    (SELECT run_id FROM nothing_new),
    (SELECT pg_notify('fleettickets', 'run:' || %(dataset)s::text) FROM nothing_new),
    -- A run that finds no file still ages the backlog.
    (SELECT tickets.capture_history(%(dataset)s::text, %(now)s::timestamptz) FROM nothing_new)
FROM hold
