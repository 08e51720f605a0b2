-- The clocks of one dataset: last successful run, newest file, newest lifecycle instant the data knows.
-- With a p_now before the newest file: as they stood then, unless p_mode is 'happened'.
CREATE OR REPLACE FUNCTION tickets.clocks(
    p_dataset text,
    p_now timestamptz,
    p_mode text,
    OUT run_at timestamptz,
    OUT file_ts timestamptz,
    OUT content_as_of timestamptz
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF p_mode = 'known' AND tickets.is_past(p_dataset, p_now) THEN
        run_at := (
            SELECT max(run.finished_at)
            FROM tickets.runs AS run
            WHERE run.dataset = p_dataset AND run.state = 'done' AND run.finished_at <= p_now
        );
        file_ts := (SELECT file.exported_at FROM tickets.file_at(p_dataset, p_now) AS file);
        content_as_of := tickets.content_as_of(p_dataset, p_now);
        RETURN;
    END IF;

    run_at := (SELECT max(run.finished_at) FROM tickets.runs AS run WHERE run.dataset = p_dataset AND run.state = 'done');
    file_ts := (
        SELECT (meta.metadata ->> 'source_max_exported_at')::timestamptz
        FROM tickets.import_meta AS meta
        WHERE meta.dataset = p_dataset
    );
    -- Two index look-ups: the newest instants of the rows that are not ahead of the export itself.
    IF p_dataset = 'inc' THEN
        content_as_of := greatest(
            (SELECT max(created_at_service) FROM tickets.inc WHERE created_at_service <= file_ts + interval '15 min'),
            (SELECT max(closed_at) FROM tickets.inc WHERE closed_at <= file_ts + interval '15 min')
        );
    ELSE
        content_as_of := greatest(
            (SELECT max(created_at_service) FROM tickets.crq WHERE created_at_service <= file_ts + interval '15 min'),
            (SELECT max(closed_at) FROM tickets.crq WHERE closed_at <= file_ts + interval '15 min')
        );
    END IF;
END
$$;

COMMENT ON FUNCTION tickets.clocks(text, timestamptz, text) IS 'The clocks of one dataset: run_at, file_ts, content_as_of';
