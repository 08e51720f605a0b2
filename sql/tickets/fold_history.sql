-- Nothing; retells the closures, reopens, exits and open spells of the tickets named from all their sightings in file order.
-- A story is a fold over the sightings, so it does not depend on when or in what company the files came.
-- Only what differs from the events already written is touched.
CREATE OR REPLACE FUNCTION tickets.fold_history(p_dataset text, p_ticket_ids text[])
RETURNS void LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_first record;
BEGIN
    IF cardinality(p_ticket_ids) = 0 THEN
        RETURN;
    END IF;

    SELECT
        (metadata #>> '{history_first,exported_at}')::timestamptz AS exported_at,
        (metadata #>> '{history_first,modified}')::timestamptz AS modified,
        metadata #>> '{history_first,etag}' AS etag
    INTO v_first
    FROM tickets.import_meta
    WHERE dataset = p_dataset;

    WITH version AS MATERIALIZED (
        SELECT
            row.ticket_id, row.exported_at, row.modified, row.etag, row.source_key, row.is_alarm, row.state,
            row.closed_at, row.seeded, row.raw,
            row.state = 'open' AS is_open,
            coalesce(lag(row.state = 'open') OVER story, false) AS was_open
        FROM unnest(p_ticket_ids) AS named (ticket_id)
        JOIN tickets.row_versions AS row ON row.dataset = p_dataset AND row.ticket_id = named.ticket_id
        WINDOW story AS (PARTITION BY row.ticket_id ORDER BY row.exported_at, row.modified, row.etag)
    ),
    -- Where a spell begins or ends; every other row is the beginning's.
    spell AS (
        SELECT
            turned.ticket_id,
            row_number() OVER (PARTITION BY turned.ticket_id ORDER BY turned.exported_at, turned.modified, turned.etag) AS seq,
            turned.exported_at AS opened_at,
            turned.left_at
        FROM (
            SELECT
                version.*,
                coalesce(lead(exported_at) OVER (PARTITION BY ticket_id ORDER BY exported_at, modified, etag), 'infinity')
                    AS left_at
            FROM version
            WHERE is_open <> was_open
        ) AS turned
        WHERE turned.is_open
    ),
    -- An alarm row ends an open spell and says nothing else.
    exited AS (
        SELECT
            ticket_id,
            row_number() OVER (PARTITION BY ticket_id ORDER BY exported_at, modified, etag) AS seq,
            exported_at,
            source_key
        FROM version
        WHERE is_alarm AND was_open
    ),
    seen AS (
        SELECT
            version.*,
            lag(state) OVER story AS state_before,
            lag(exported_at) OVER story AS seen_before
        FROM version
        WHERE NOT is_alarm
        WINDOW story AS (PARTITION BY ticket_id ORDER BY exported_at, modified, etag)
    ),
    -- spell: how often the ticket has become closed. A closed row that only lost its date tells nothing new.
    numbered AS (
        SELECT
            seen.*,
            state = 'closed' AND closed_at IS NULL AND coalesce(state_before = 'closed', false) AS lost_its_date,
            count(*) FILTER (WHERE state = 'closed' AND state_before IS DISTINCT FROM 'closed') OVER story AS spell
        FROM seen
        WINDOW story AS (PARTITION BY ticket_id ORDER BY exported_at, modified, etag)
    ),
    closed_row AS (
        SELECT
            numbered.*,
            lag(closed_at) OVER dated AS closed_at_before,
            row_number() OVER dated AS position
        FROM numbered
        WHERE state = 'closed'
        WINDOW dated AS (PARTITION BY ticket_id, lost_its_date ORDER BY exported_at, modified, etag)
    ),
    judged AS (
        SELECT
            closed_row.*,
            CASE
                WHEN lost_its_date THEN NULL
                WHEN position = 1
                    AND (seeded OR (exported_at, modified, etag) = (v_first.exported_at, v_first.modified, v_first.etag))
                THEN 'baseline'
                WHEN position = 1 THEN 'observed'
                WHEN closed_at IS NOT DISTINCT FROM closed_at_before THEN NULL
                WHEN state_before <> 'closed' OR closed_at > seen_before THEN 'reclosed'
                ELSE 'amended'
            END AS kind
        FROM closed_row
    ),
    counted AS (
        SELECT judged.*, count(kind) OVER (PARTITION BY ticket_id ORDER BY exported_at, modified, etag) AS seq
        FROM judged
    ),
    lasting AS (
        SELECT counted.*, bool_or(lost_its_date) OVER (PARTITION BY ticket_id, seq) AS loses_its_date
        FROM counted
    ),
    closed AS (
        SELECT lasting.*, lead(kind) OVER (PARTITION BY ticket_id ORDER BY seq) AS kind_after
        FROM lasting
        WHERE kind IS NOT NULL
    ),
    reopened AS (
        SELECT
            told.ticket_id,
            row_number() OVER (PARTITION BY told.ticket_id ORDER BY told.exported_at, told.modified, told.etag) AS seq,
            told.exported_at,
            told.source_key,
            told.inferred,
            told.retracted
        FROM (
            SELECT
                numbered.ticket_id, numbered.exported_at, numbered.modified, numbered.etag, numbered.source_key,
                false AS inferred, again.ticket_id IS NOT NULL AS retracted
            FROM numbered
            LEFT JOIN judged AS again
                ON again.ticket_id = numbered.ticket_id
                AND again.spell = numbered.spell + 1
                AND again.state_before <> 'closed'
                AND again.kind IS NULL
            WHERE numbered.state <> 'closed' AND numbered.state_before = 'closed'
            UNION ALL
            SELECT ticket_id, exported_at, modified, etag, source_key, true, false
            FROM judged
            WHERE kind = 'reclosed' AND state_before = 'closed'
        ) AS told
    ),
    closure AS (
        INSERT INTO tickets.closure_events AS event (
            dataset, ticket_id, seq, kind, closed_at, observed_at, supersedes, superseded_by, closed_at_lost,
            team, owner, cluster, source_key
        )
        SELECT
            p_dataset, closed.ticket_id, closed.seq, closed.kind, closed.closed_at, closed.exported_at,
            CASE WHEN closed.kind = 'amended' THEN closed.seq - 1 END,
            CASE WHEN closed.kind_after = 'amended' THEN closed.seq + 1 END,
            closed.closed_at IS NOT NULL AND closed.loses_its_date,
            nullif(btrim(closed.raw ->> 'assigned_team'), ''),
            nullif(btrim(closed.raw ->> 'owner'), ''),
            nullif(btrim(closed.raw ->> 'cluster'), ''),
            closed.source_key
        FROM closed
        ORDER BY closed.ticket_id COLLATE "C", closed.seq
        ON CONFLICT (dataset, ticket_id, seq) DO UPDATE SET
            kind = excluded.kind,
            closed_at = excluded.closed_at,
            observed_at = excluded.observed_at,
            supersedes = excluded.supersedes,
            superseded_by = excluded.superseded_by,
            closed_at_lost = excluded.closed_at_lost,
            team = excluded.team,
            owner = excluded.owner,
            cluster = excluded.cluster,
            source_key = excluded.source_key
        WHERE event IS DISTINCT FROM excluded
    ),
    reopen AS (
        INSERT INTO tickets.reopen_events AS event (
            dataset, ticket_id, seq, reopened_at, inferred, retracted, source_key
        )
        SELECT p_dataset, ticket_id, seq, exported_at, inferred, retracted, source_key
        FROM reopened
        ORDER BY ticket_id COLLATE "C", seq
        ON CONFLICT (dataset, ticket_id, seq) DO UPDATE SET
            reopened_at = excluded.reopened_at,
            inferred = excluded.inferred,
            retracted = excluded.retracted,
            source_key = excluded.source_key
        WHERE event IS DISTINCT FROM excluded
    ),
    exit AS (
        INSERT INTO tickets.exit_events AS event (dataset, ticket_id, seq, kind, exited_at, source_key)
        SELECT p_dataset, ticket_id, seq, 'became_alarm', exported_at, source_key
        FROM exited
        ORDER BY ticket_id COLLATE "C", seq
        ON CONFLICT (dataset, ticket_id, seq) DO UPDATE SET
            exited_at = excluded.exited_at,
            source_key = excluded.source_key
        WHERE event IS DISTINCT FROM excluded
    ),
    spent AS (
        INSERT INTO tickets.open_spells AS known (dataset, ticket_id, seq, opened_at, left_at)
        SELECT p_dataset, ticket_id, seq, opened_at, left_at
        FROM spell
        ORDER BY ticket_id COLLATE "C", seq
        ON CONFLICT (dataset, ticket_id, seq) DO UPDATE SET
            opened_at = excluded.opened_at,
            left_at = excluded.left_at
        WHERE known IS DISTINCT FROM excluded
    ),
    -- A file that comes late can make a story shorter.
    no_closure AS (
        DELETE FROM tickets.closure_events AS event
        USING unnest(p_ticket_ids) AS named (ticket_id)
        WHERE event.dataset = p_dataset AND event.ticket_id = named.ticket_id
            AND NOT EXISTS (SELECT FROM closed WHERE closed.ticket_id = event.ticket_id AND closed.seq = event.seq)
    ),
    no_spell AS (
        DELETE FROM tickets.open_spells AS known
        USING unnest(p_ticket_ids) AS named (ticket_id)
        WHERE known.dataset = p_dataset AND known.ticket_id = named.ticket_id
            AND NOT EXISTS (SELECT FROM spell WHERE spell.ticket_id = known.ticket_id AND spell.seq = known.seq)
    ),
    no_reopen AS (
        DELETE FROM tickets.reopen_events AS event
        USING unnest(p_ticket_ids) AS named (ticket_id)
        WHERE event.dataset = p_dataset AND event.ticket_id = named.ticket_id
            AND NOT EXISTS (SELECT FROM reopened WHERE reopened.ticket_id = event.ticket_id AND reopened.seq = event.seq)
    )
    DELETE FROM tickets.exit_events AS event
    USING unnest(p_ticket_ids) AS named (ticket_id)
    WHERE event.dataset = p_dataset AND event.ticket_id = named.ticket_id
        AND NOT EXISTS (SELECT FROM exited WHERE exited.ticket_id = event.ticket_id AND exited.seq = event.seq);
END
$$;

COMMENT ON FUNCTION tickets.fold_history(text, text[]) IS 'Retells closures, reopens, exits and open spells of the tickets named';
