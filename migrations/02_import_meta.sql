-- Where each stream stands: one row a dataset.

CREATE TABLE IF NOT EXISTS tickets.import_meta (
    dataset text NOT NULL,
    export_type text,
    imported_at timestamptz NOT NULL DEFAULT now(),
    metadata jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT import_meta_pkey PRIMARY KEY (dataset)
);
COMMENT ON TABLE tickets.import_meta IS 'Where each stream stands; metadata.source_max_key is the watermark';
