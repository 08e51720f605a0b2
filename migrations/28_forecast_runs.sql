-- When forecasts were renewed last, away from the watermark: that row tells of files alone.

CREATE TABLE tickets.forecast_runs (
    dataset text NOT NULL,
    refreshed_at timestamptz NOT NULL,
    CONSTRAINT forecast_runs_pkey PRIMARY KEY (dataset)
);
COMMENT ON TABLE tickets.forecast_runs IS 'When the survival curves and forecasts of a dataset were renewed last';

UPDATE tickets.import_meta SET metadata = metadata - 'forecast_refreshed_at' WHERE metadata ? 'forecast_refreshed_at';
