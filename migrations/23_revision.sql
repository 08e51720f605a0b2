-- What the read side holds: one number a dataset that moves when its tickets do, which tickets moved it,
-- and the GeoJSON text of every open ticket, so that a server starts, and follows a change, without computing.

CREATE TABLE tickets.revisions (
    dataset text NOT NULL,
    revision bigint NOT NULL DEFAULT 0,
    advanced_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT revisions_pkey PRIMARY KEY (dataset)
);
INSERT INTO tickets.revisions (dataset) VALUES ('inc'), ('crq');
COMMENT ON TABLE tickets.revisions IS 'One number a dataset; 0: never advanced, its features are not built yet';

CREATE TABLE tickets.revision_log (
    dataset text NOT NULL,
    revision bigint NOT NULL,
    ticket_ids text[],
    advanced_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT revision_log_pkey PRIMARY KEY (dataset, revision)
);
COMMENT ON TABLE tickets.revision_log IS 'Which tickets moved a revision, for the newest thousand; null: any of them';

CREATE TABLE tickets.map_features (
    dataset text NOT NULL,
    ticket_id text COLLATE "C" NOT NULL,
    feature text NOT NULL,
    CONSTRAINT map_features_pkey PRIMARY KEY (dataset, ticket_id)
) WITH (fillfactor = 80);
COMMENT ON TABLE tickets.map_features IS
    'The feature of fn_tickets_for_map of every open ticket; only tickets.advance_revision writes here';

-- It gains a parameter (p_ticket_ids).
DROP FUNCTION IF EXISTS reporting.fn_tickets_for_map(text, text, text, boolean, double precision[], timestamptz);
