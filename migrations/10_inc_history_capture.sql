-- What the feed throws away: closures, reopens and the backlog of each day.

CREATE TABLE IF NOT EXISTS tickets.closure_events (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    seq integer NOT NULL,
    kind text NOT NULL,
    closed_at timestamptz,
    observed_at timestamptz NOT NULL,
    supersedes integer,
    team text,
    owner text,
    cluster text,
    source_key text,
    CONSTRAINT closure_events_pkey PRIMARY KEY (dataset, ticket_id, seq),
    CONSTRAINT closure_events_kind_is_known CHECK (kind IN ('baseline', 'observed', 'reclosed', 'amended'))
);
COMMENT ON TABLE tickets.closure_events IS 'Each closure of a ticket as it was observed; append-only';

CREATE TABLE IF NOT EXISTS tickets.reopen_events (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    seq integer NOT NULL,
    reopened_at timestamptz NOT NULL,
    inferred boolean NOT NULL DEFAULT false,
    retracted boolean NOT NULL DEFAULT false,
    source_key text,
    CONSTRAINT reopen_events_pkey PRIMARY KEY (dataset, ticket_id, seq)
);
COMMENT ON TABLE tickets.reopen_events IS 'Each time a closed ticket was seen open again';

CREATE TABLE IF NOT EXISTS tickets.inc_daily_snapshot (
    day date NOT NULL,
    as_of timestamptz NOT NULL,
    open integer NOT NULL,
    on_track integer NOT NULL,
    at_risk integer NOT NULL,
    breached integer NOT NULL,
    unknown integer NOT NULL,
    content_as_of timestamptz,
    source_max_key text,
    fresh boolean NOT NULL,
    method text NOT NULL,
    CONSTRAINT inc_daily_snapshot_pkey PRIMARY KEY (day),
    CONSTRAINT inc_daily_snapshot_method_is_known CHECK (method IN ('live', 'replayed'))
);
COMMENT ON TABLE tickets.inc_daily_snapshot IS 'The fault backlog of each day (EAT) as it was known then';
