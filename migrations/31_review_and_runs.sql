-- What the people who work the review, the quarantine and the runs need to see: candidates, decisions, what a run closed.

-- The places a provider offered for a name, best first, with their marks: evidence of the decision, kept as the point is.
ALTER TABLE tickets.geo_locations ADD COLUMN candidates jsonb;
ALTER TABLE tickets.geo_clusters ADD COLUMN candidates jsonb;
COMMENT ON COLUMN tickets.geo_locations.candidates IS
    'What could be meant, best first: name, label, lat, lon, precision, similarity, dist_m, provider, ref';
COMMENT ON COLUMN tickets.geo_clusters.candidates IS
    'What could be meant, best first: name, label, lat, lon, precision, similarity, dist_m, provider, ref';

CREATE TABLE tickets.quarantine_decisions (
    decision_id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    who text NOT NULL,
    action text NOT NULL,
    dataset text NOT NULL,
    file_id bigint NOT NULL,
    line bigint,
    key text NOT NULL,
    reason text,
    outcome text NOT NULL,
    CONSTRAINT quarantine_decisions_pkey PRIMARY KEY (decision_id),
    CONSTRAINT quarantine_decisions_action_is_known CHECK (action IN ('retry', 'discard'))
);
CREATE INDEX quarantine_decisions_file_idx ON tickets.quarantine_decisions (file_id);
COMMENT ON TABLE tickets.quarantine_decisions IS 'Who had a quarantined file or rejected row read again or discarded, when, and what came of it';
COMMENT ON COLUMN tickets.quarantine_decisions.reason IS 'Why it was in quarantine when they decided';

-- Which files a run read, and what these files told: for the list of runs.
CREATE INDEX import_files_run_idx ON tickets.import_files (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX closure_events_observed_idx ON tickets.closure_events (dataset, observed_at);
