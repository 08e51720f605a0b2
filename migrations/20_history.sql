-- Every sighting of every ticket, so that any past instant can be replayed, and what follows from them.

-- The one definition of the lifecycle: open wins over closed (hiding work is worse than showing it), the rest is inactive.
CREATE FUNCTION tickets.ticket_state(is_actionable boolean, closed_at timestamptz, bucket text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN is_actionable THEN 'open'
    WHEN closed_at IS NOT NULL OR lower(bucket) = 'closed' THEN 'closed'
    ELSE 'inactive'
END;
COMMENT ON FUNCTION tickets.ticket_state(boolean, timestamptz, text) IS 'open, closed or inactive: every ticket is exactly one';

CREATE TABLE tickets.row_versions (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    exported_at timestamptz NOT NULL,
    modified timestamptz NOT NULL,
    etag text COLLATE "C" NOT NULL,
    line bigint NOT NULL,
    source_key text,
    is_alarm boolean NOT NULL,
    makes_ticket boolean NOT NULL,
    seeded boolean NOT NULL DEFAULT false,
    raw jsonb NOT NULL,
    state text NOT NULL GENERATED ALWAYS AS (
        tickets.ticket_state(
            tickets.to_bool(raw ->> 'is_actionable') AND NOT is_alarm,
            tickets.eat_ts(raw ->> 'closed_at'),
            nullif(btrim(raw ->> 'bucket'), '')
        )
    ) STORED,
    created_at_service timestamptz GENERATED ALWAYS AS (tickets.eat_ts(raw ->> 'created_at_service')) STORED,
    closed_at timestamptz GENERATED ALWAYS AS (tickets.eat_ts(raw ->> 'closed_at')) STORED,
    CONSTRAINT row_versions_pkey PRIMARY KEY (dataset, ticket_id, exported_at, modified, etag)
);
COMMENT ON TABLE tickets.row_versions IS
    'One row a ticket and file version that told of it, changed or not, alarms too: any instant is replayed from these';
COMMENT ON COLUMN tickets.row_versions.makes_ticket IS 'The file had a row of this id that was no alarm: from here on it is a ticket';
COMMENT ON COLUMN tickets.row_versions.seeded IS 'Not seen in a file: the state found when history began';

-- The open tickets of any instant, without reading every version.
CREATE TABLE tickets.open_spells (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    seq integer NOT NULL,
    opened_at timestamptz NOT NULL,
    left_at timestamptz NOT NULL,
    CONSTRAINT open_spells_pkey PRIMARY KEY (dataset, ticket_id, seq)
);
CREATE INDEX open_spells_time_idx ON tickets.open_spells USING gist (tstzrange(opened_at, left_at));
COMMENT ON TABLE tickets.open_spells IS 'From the file that told a ticket open until the file that told otherwise (infinity: still open)';

ALTER TABLE tickets.import_files ADD COLUMN content_as_of timestamptz;
COMMENT ON COLUMN tickets.import_files.content_as_of IS
    'Newest creation or closure its tickets tell of, at most 15 minutes ahead of the file';
CREATE INDEX import_files_content_idx ON tickets.import_files (dataset, content_as_of) WHERE content_as_of IS NOT NULL;

ALTER TABLE tickets.closure_events
    ADD COLUMN superseded_by integer,
    ADD COLUMN closed_at_lost boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN tickets.closure_events.superseded_by IS 'The event that corrected this one; a closure counts while this is null';
COMMENT ON COLUMN tickets.closure_events.closed_at_lost IS 'A later file told the ticket closed without saying when';
CREATE INDEX closure_events_closed_at_idx ON tickets.closure_events (dataset, closed_at) WHERE superseded_by IS NULL;
CREATE INDEX reopen_events_reopened_at_idx ON tickets.reopen_events (dataset, reopened_at);

CREATE TABLE tickets.exit_events (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    seq integer NOT NULL,
    kind text NOT NULL,
    exited_at timestamptz NOT NULL,
    source_key text,
    CONSTRAINT exit_events_pkey PRIMARY KEY (dataset, ticket_id, seq),
    CONSTRAINT exit_events_kind_is_known CHECK (kind = 'became_alarm')
);
COMMENT ON TABLE tickets.exit_events IS 'Each time an open ticket left the backlog without a closure';
CREATE INDEX exit_events_exited_at_idx ON tickets.exit_events (dataset, exited_at);

ALTER TABLE tickets.inc_daily_snapshot ADD COLUMN no_policy integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN tickets.inc_daily_snapshot.no_policy IS 'Open tickets that no SLA policy covers';
CREATE TABLE tickets.crq_daily_snapshot (
    LIKE tickets.inc_daily_snapshot INCLUDING DEFAULTS INCLUDING COMMENTS,
    CONSTRAINT crq_daily_snapshot_pkey PRIMARY KEY (day),
    CONSTRAINT crq_daily_snapshot_method_is_known CHECK (method IN ('live', 'replayed'))
);
COMMENT ON TABLE tickets.crq_daily_snapshot IS 'The installation backlog of each day (EAT) as it was known then';

-- History begins with what is known now; files that come later add to it.
INSERT INTO tickets.row_versions (
    dataset, ticket_id, exported_at, modified, etag, line, source_key, is_alarm, makes_ticket, seeded, raw
)
SELECT
    ticket.dataset, ticket.ticket_id, ticket.source_exported_at, ticket.source_modified, ticket.source_etag,
    ticket.source_line, file.key, coalesce(tickets.to_bool(ticket.raw ->> 'is_alarm'), false), ticket.makes_ticket, true, ticket.raw
FROM (
    SELECT 'inc' AS dataset, ticket_id, source_exported_at, source_modified, source_etag, source_line, true AS makes_ticket, raw
    FROM tickets.inc
    UNION ALL
    SELECT 'crq', ticket_id, source_exported_at, source_modified, source_etag, source_line, true, raw FROM tickets.crq
    UNION ALL
    SELECT alarm.dataset, alarm.ticket_id, alarm.source_exported_at, alarm.source_modified, alarm.source_etag,
        alarm.source_line, false, alarm.raw
    FROM tickets.alarm_rows AS alarm
    LEFT JOIN tickets.inc ON alarm.dataset = 'inc' AND inc.ticket_id = alarm.ticket_id
    LEFT JOIN tickets.crq ON alarm.dataset = 'crq' AND crq.ticket_id = alarm.ticket_id
    WHERE inc.ticket_id IS NULL AND crq.ticket_id IS NULL
) AS ticket
LEFT JOIN tickets.import_files AS file
    ON file.dataset = ticket.dataset
    AND file.exported_at = ticket.source_exported_at
    AND file.last_modified = ticket.source_modified
    AND file.etag = ticket.source_etag;

INSERT INTO tickets.closure_events (
    dataset, ticket_id, seq, kind, closed_at, observed_at, team, owner, cluster, source_key
)
SELECT
    dataset, ticket_id, 1, 'baseline', closed_at, exported_at,
    nullif(btrim(raw ->> 'assigned_team'), ''), nullif(btrim(raw ->> 'owner'), ''), nullif(btrim(raw ->> 'cluster'), ''),
    source_key
FROM tickets.row_versions
WHERE state = 'closed' AND NOT is_alarm
ON CONFLICT DO NOTHING;

INSERT INTO tickets.open_spells (dataset, ticket_id, seq, opened_at, left_at)
SELECT dataset, ticket_id, 1, exported_at, 'infinity' FROM tickets.row_versions WHERE state = 'open';

UPDATE tickets.import_files AS file
SET content_as_of = known.content_as_of
FROM (
    SELECT
        dataset, exported_at, modified, etag,
        greatest(
            max(created_at_service) FILTER (WHERE created_at_service <= exported_at + interval '15 min'),
            max(closed_at) FILTER (WHERE closed_at <= exported_at + interval '15 min')
        ) AS content_as_of
    FROM tickets.row_versions
    WHERE NOT is_alarm
    GROUP BY dataset, exported_at, modified, etag
) AS known
WHERE
    file.dataset = known.dataset
    AND file.exported_at = known.exported_at
    AND file.last_modified = known.modified
    AND file.etag = known.etag;

-- No file is the first of a history that began with what was known.
UPDATE tickets.import_meta
SET metadata = metadata || jsonb_build_object(
    'history_max_key', metadata -> 'source_max_key',
    'history_max_exported_at', metadata -> 'source_max_exported_at',
    'history_first', jsonb_build_object('exported_at', '-infinity', 'modified', '-infinity', 'etag', '')
)
WHERE metadata ? 'source_max_key';
