-- How many tickets were told again and how many days were taken again: every story from all sightings, and the
-- backlog of each day from p_from to p_to (both included, EAT, null: open) that has a file.
CREATE OR REPLACE FUNCTION tickets.rebuild_history(
    p_dataset text,
    p_from date,
    p_to date,
    p_now timestamptz,
    OUT tickets bigint,
    OUT days bigint
)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    c_batch CONSTANT integer := 20000;
    v_ids text[];
    v_last text;
    v_instants timestamptz[];
BEGIN
    -- The oldest file told the baseline, unless history began with what was known before there was one.
    UPDATE tickets.import_meta AS meta
    SET metadata = meta.metadata || jsonb_build_object(
        'history_first',
        jsonb_build_object('exported_at', oldest.exported_at, 'modified', oldest.last_modified, 'etag', oldest.etag)
    )
    FROM (
        SELECT file.exported_at, file.last_modified, file.etag
        FROM tickets.import_files AS file
        WHERE file.dataset = p_dataset AND file.export_type IS NOT NULL
        ORDER BY file.exported_at, file.last_modified, file.etag
        LIMIT 1
    ) AS oldest
    WHERE
        meta.dataset = p_dataset
        AND NOT EXISTS (SELECT FROM tickets.row_versions AS version WHERE version.dataset = p_dataset AND version.seeded);

    tickets := 0;
    LOOP
        SELECT array_agg(batch.ticket_id), max(batch.ticket_id COLLATE "C")
        INTO v_ids, v_last
        FROM (
            SELECT DISTINCT version.ticket_id COLLATE "C" AS ticket_id
            FROM tickets.row_versions AS version
            WHERE version.dataset = p_dataset AND (v_last IS NULL OR version.ticket_id COLLATE "C" > v_last)
            ORDER BY 1
            LIMIT c_batch
        ) AS batch;
        EXIT WHEN v_ids IS NULL;
        PERFORM tickets.fold_history(p_dataset, v_ids);
        tickets := tickets + cardinality(v_ids);
    END LOOP;

    SELECT array_agg(newest.exported_at)
    INTO v_instants
    FROM (
        SELECT max(file.exported_at) AS exported_at
        FROM tickets.import_files AS file
        WHERE file.dataset = p_dataset AND file.export_type IS NOT NULL
        GROUP BY (file.exported_at AT TIME ZONE interval '03:00')::date
        HAVING
            (p_from IS NULL OR max((file.exported_at AT TIME ZONE interval '03:00')::date) >= p_from)
            AND (p_to IS NULL OR max((file.exported_at AT TIME ZONE interval '03:00')::date) <= p_to)
    ) AS newest;
    PERFORM tickets.capture_days(p_dataset, coalesce(v_instants, '{}'), p_now);
    days := coalesce(cardinality(v_instants), 0);
END
$$;

COMMENT ON FUNCTION tickets.rebuild_history(text, date, date, timestamptz) IS 'Tells every story and takes every day again';
