-- Exactly once: every version of every file, the rows that could not be used, the runs,
-- and on each ticket the file and line that wrote it, so that the last writer wins in any order.

CREATE TABLE tickets.runs (
    run_id bigint GENERATED ALWAYS AS IDENTITY,
    dataset text NOT NULL,
    command text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    state text NOT NULL DEFAULT 'running',
    exit_code smallint,
    counts jsonb NOT NULL DEFAULT '{}',
    error text,
    CONSTRAINT runs_pkey PRIMARY KEY (run_id),
    CONSTRAINT runs_state_is_known CHECK (state IN ('running', 'done', 'failed'))
);
CREATE INDEX runs_dataset_finished_idx ON tickets.runs (dataset, finished_at DESC NULLS LAST);
COMMENT ON TABLE tickets.runs IS 'One row a run that committed something or found nothing new; dry runs leave none';

CREATE TABLE tickets.import_files (
    file_id bigint GENERATED ALWAYS AS IDENTITY,
    dataset text NOT NULL,
    key text NOT NULL,
    etag text COLLATE "C" NOT NULL,
    last_modified timestamptz NOT NULL,
    size_bytes bigint NOT NULL,
    exported_at timestamptz,
    state text NOT NULL,
    reason text,
    run_id bigint,
    finished_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 1,
    encoding text,
    export_type text,
    export_truncated boolean NOT NULL DEFAULT false,
    is_late boolean NOT NULL DEFAULT false,
    rows_read bigint NOT NULL DEFAULT 0,
    rows_new bigint NOT NULL DEFAULT 0,
    rows_changed bigint NOT NULL DEFAULT 0,
    rows_unchanged bigint NOT NULL DEFAULT 0,
    rows_stale bigint NOT NULL DEFAULT 0,
    rows_duplicate bigint NOT NULL DEFAULT 0,
    rows_alarm bigint NOT NULL DEFAULT 0,
    rows_sentinel bigint NOT NULL DEFAULT 0,
    rows_rejected bigint NOT NULL DEFAULT 0,
    flags jsonb NOT NULL DEFAULT '{}',
    archive_key text,
    archived_at timestamptz,
    CONSTRAINT import_files_pkey PRIMARY KEY (file_id),
    CONSTRAINT import_files_version_is_seen_once UNIQUE (dataset, key, etag, last_modified),
    CONSTRAINT import_files_state_is_known
        CHECK (state IN ('applied', 'quarantined', 'failed', 'superseded', 'unexpected', 'forgotten')),
    CONSTRAINT import_files_rows_add_up CHECK (
        rows_read = rows_new + rows_changed + rows_unchanged + rows_stale + rows_duplicate
            + rows_alarm + rows_sentinel + rows_rejected
    )
);
CREATE INDEX import_files_unarchived_idx ON tickets.import_files (dataset)
    WHERE archived_at IS NULL AND state IN ('applied', 'quarantined', 'superseded');
CREATE INDEX import_files_exported_at_idx ON tickets.import_files (dataset, exported_at);
COMMENT ON TABLE tickets.import_files IS 'The ledger: one row a file version (key, ETag, last-modified) with its outcome';
COMMENT ON COLUMN tickets.import_files.state IS
    'applied: its rows are merged; quarantined: not usable, kept; failed: will be tried again; '
    'superseded: gone or replaced before it could be read; unexpected: a name that is no export, left alone; forgotten: a reseed asked to read it again';

CREATE TABLE tickets.rejected_rows (
    rejected_id bigint GENERATED ALWAYS AS IDENTITY,
    dataset text NOT NULL,
    file_id bigint NOT NULL,
    line bigint NOT NULL,
    reason text NOT NULL,
    record text NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT rejected_rows_pkey PRIMARY KEY (rejected_id)
);
CREATE INDEX rejected_rows_file_idx ON tickets.rejected_rows (file_id);
COMMENT ON TABLE tickets.rejected_rows IS 'Rows that could not be used, with file, line, reason and the record';

CREATE TABLE tickets.alarm_rows (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    raw jsonb NOT NULL,
    source_exported_at timestamptz NOT NULL,
    source_modified timestamptz NOT NULL,
    source_etag text COLLATE "C" NOT NULL,
    source_line bigint NOT NULL,
    CONSTRAINT alarm_rows_pkey PRIMARY KEY (dataset, ticket_id)
);
COMMENT ON TABLE tickets.alarm_rows IS
    'Newest alarm row of each id: no ticket by itself, but it takes a ticket that is or becomes known out of the backlog';

ALTER TABLE tickets.inc
    ADD COLUMN source_exported_at timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN source_modified timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN source_etag text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN source_line bigint NOT NULL DEFAULT 0;
ALTER TABLE tickets.crq
    ADD COLUMN source_exported_at timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN source_modified timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN source_etag text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN source_line bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN tickets.inc.source_exported_at IS
    'With source_modified, source_etag, source_line: the writer of this row; a row only yields to a greater one';
COMMENT ON COLUMN tickets.crq.source_exported_at IS
    'With source_modified, source_etag, source_line: the writer of this row; a row only yields to a greater one';
