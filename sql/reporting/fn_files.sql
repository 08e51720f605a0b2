-- The files of a feed in [p_from, p_to) as JSON, oldest first: what became of each, how many rows, how long the feed had been
-- silent before it (active hours), how far its content lags behind it and how long it waited to be read (seconds).
-- Without p_from the 14 days before the end. At most 20,000, the newest.
CREATE OR REPLACE FUNCTION reporting.fn_files(
    p_dataset text DEFAULT 'inc',
    p_from timestamptz DEFAULT NULL,
    p_to timestamptz DEFAULT NULL,
    p_now timestamptz DEFAULT now()
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    v_to timestamptz := least(coalesce(p_to, p_now), p_now);
    v_from timestamptz := coalesce(p_from, date_trunc('day', v_to - interval '13 days'));
    v_from_h numeric := tickets.threshold('active_from_h', p_dataset, p_now);
    v_until_h numeric := tickets.threshold('active_until_h', p_dataset, p_now);
    v_before timestamptz;
BEGIN
    IF p_dataset IS NULL OR p_dataset NOT IN ('inc', 'crq') THEN
        RAISE EXCEPTION 'unknown dataset %: use inc or crq', quote_nullable(p_dataset)
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF p_from >= p_to THEN
        RAISE EXCEPTION 'from must be before to' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    v_before := (
        SELECT max(file.exported_at) FROM tickets.import_files AS file
        WHERE file.dataset = p_dataset AND file.exported_at < v_from AND file.export_type IS NOT NULL
    );

    RETURN (
        WITH newest AS (
            SELECT file.*
            FROM tickets.import_files AS file
            WHERE file.dataset = p_dataset AND file.exported_at >= v_from AND file.exported_at <= v_to
            ORDER BY file.exported_at DESC
            LIMIT 20000
        ),
        told AS (
            SELECT
                newest.*,
                -- A file that was not read tells nothing, but the feed did deliver it: it ends a silence.
                extract(epoch FROM tickets.active_time(
                    lag(newest.exported_at, 1, v_before) OVER in_order, newest.exported_at, v_from_h, v_until_h
                )) / 3600 AS silent_h,
                greatest(
                    tickets.content_as_of(p_dataset, v_from), max(newest.content_as_of) OVER in_order
                ) AS known_until
            FROM newest
            WINDOW in_order AS (ORDER BY newest.exported_at, newest.last_modified, newest.etag)
        )
        SELECT json_build_object(
            'dataset', p_dataset,
            'from', v_from,
            'to', v_to,
            'silent_h', round((extract(epoch FROM tickets.active_time(
                coalesce(max(told.exported_at), v_before), v_to, v_from_h, v_until_h
            )) / 3600)::numeric, 2),
            'limits', reporting.fn_freshness_rules(p_dataset, p_now) -> 'limits',
            'files', coalesce(
                json_agg(
                    json_build_object(
                        'file_id', told.file_id,
                        'key', told.key,
                        'exported_at', told.exported_at,
                        'state', told.state,
                        'reason', told.reason,
                        'rows', told.rows_read,
                        'changed', told.rows_new + told.rows_changed,
                        'rejected', told.rows_rejected,
                        'is_late', told.is_late,
                        'is_truncated', told.export_truncated,
                        'silent_h', round(told.silent_h::numeric, 2),
                        'content_lag_s', round(extract(epoch FROM told.exported_at - told.known_until)),
                        'waited_s', CASE WHEN told.state = 'applied'
                            THEN round(extract(epoch FROM told.finished_at - told.last_modified)) END
                    )
                    ORDER BY told.exported_at, told.last_modified, told.etag
                ),
                '[]'
            )
        )
        FROM told
    );
END
$$;

COMMENT ON FUNCTION reporting.fn_files(text, timestamptz, timestamptz, timestamptz) IS 'The files of a feed, what became of each and the silences between them';
