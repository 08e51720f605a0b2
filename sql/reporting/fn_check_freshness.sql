-- Whether the data of a dataset can be trusted to be current at p_now, as JSON: feed, run and content each with its
-- status, the alarms about files, and the worst of all. Only active hours count for feed and run.
CREATE OR REPLACE FUNCTION reporting.fn_check_freshness(p_dataset text, p_now timestamptz DEFAULT now())
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
DECLARE
    v_from_h numeric := tickets.threshold('active_from_h', p_dataset, p_now);
    v_until_h numeric := tickets.threshold('active_until_h', p_dataset, p_now);
    v_clocks record;
    v_newest_file timestamptz;
    v_gap_h numeric;
    v_age_min numeric;
    v_lag_h numeric;
    v_last_failed boolean;
    v_feed text;
    v_run text;
    v_content text;
    v_alarms json;
    v_worst text;
BEGIN
    IF p_dataset IS NULL OR p_dataset NOT IN ('inc', 'crq') THEN
        RAISE EXCEPTION 'unknown dataset %: use inc or crq', quote_nullable(p_dataset)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO v_clocks FROM tickets.clocks(p_dataset, p_now, 'known');
    -- A file whose name lies in the future moves no watermark, but the feed did deliver it.
    v_newest_file := greatest(
        v_clocks.file_ts,
        (
            SELECT max(file.last_modified)
            FROM tickets.import_files AS file
            WHERE file.dataset = p_dataset AND file.reason = 'file_from_future' AND file.last_modified <= p_now
        )
    );
    v_last_failed := coalesce((
        SELECT run.state = 'failed'
        FROM tickets.runs AS run
        WHERE run.dataset = p_dataset AND run.finished_at IS NOT NULL
            AND (NOT tickets.is_past(p_dataset, p_now) OR run.finished_at <= p_now)
        ORDER BY run.run_id DESC
        LIMIT 1
    ), false);

    v_gap_h := round(greatest(extract(epoch FROM tickets.active_time(v_newest_file, p_now, v_from_h, v_until_h)), 0) / 3600, 2);
    v_age_min := round(greatest(extract(epoch FROM tickets.active_time(v_clocks.run_at, p_now, v_from_h, v_until_h)), 0) / 60, 1);
    v_lag_h := round(extract(epoch FROM v_clocks.file_ts - v_clocks.content_as_of) / 3600, 2);
    v_feed := CASE
        WHEN v_newest_file IS NULL THEN 'unknown'
        WHEN tickets.active_time(v_newest_file, p_now, v_from_h, v_until_h)
            >= make_interval(secs => 3600 * tickets.threshold('feed_stopped_h', p_dataset, p_now)::double precision) THEN 'stopped'
        WHEN tickets.active_time(v_newest_file, p_now, v_from_h, v_until_h)
            >= make_interval(secs => 3600 * tickets.threshold('feed_error_h', p_dataset, p_now)::double precision) THEN 'error'
        WHEN tickets.active_time(v_newest_file, p_now, v_from_h, v_until_h)
            >= make_interval(secs => 3600 * tickets.threshold('feed_warn_h', p_dataset, p_now)::double precision) THEN 'warn'
        ELSE 'ok'
    END;
    v_run := CASE
        WHEN v_clocks.run_at IS NULL AND v_last_failed THEN 'error'
        WHEN v_clocks.run_at IS NULL THEN 'unknown'
        WHEN tickets.active_time(v_clocks.run_at, p_now, v_from_h, v_until_h)
            >= make_interval(secs => 60 * tickets.threshold('run_error_min', p_dataset, p_now)::double precision) THEN 'error'
        WHEN v_last_failed OR tickets.active_time(v_clocks.run_at, p_now, v_from_h, v_until_h)
            >= make_interval(secs => 60 * tickets.threshold('run_warn_min', p_dataset, p_now)::double precision) THEN 'warn'
        ELSE 'ok'
    END;
    v_content := CASE
        WHEN v_clocks.content_as_of IS NULL THEN 'unknown'
        WHEN extract(epoch FROM v_clocks.file_ts - v_clocks.content_as_of)
            >= 3600 * tickets.threshold('content_error_h', p_dataset, p_now) THEN 'error'
        WHEN extract(epoch FROM v_clocks.file_ts - v_clocks.content_as_of)
            >= 3600 * tickets.threshold('content_warn_h', p_dataset, p_now) THEN 'warn'
        ELSE 'ok'
    END;
    SELECT coalesce(json_agg(row_to_json(alarm) ORDER BY alarm.cause), '[]') INTO v_alarms
    FROM tickets.file_alarms(p_dataset, p_now) AS alarm;

    SELECT verdict.status INTO v_worst
    FROM (
        SELECT unnest(ARRAY[v_feed, v_run, v_content]) AS status
        UNION ALL
        SELECT alarm ->> 'severity' FROM json_array_elements(v_alarms) AS alarm
    ) AS verdict
    ORDER BY array_position(ARRAY['ok', 'unknown', 'warn', 'error', 'stopped'], verdict.status) DESC
    LIMIT 1;

    RETURN json_build_object(
        'dataset', p_dataset,
        'now', p_now,
        'status', v_worst,
        'feed', json_build_object('status', v_feed, 'newest_file', v_newest_file, 'gap_active_h', v_gap_h),
        'run', json_build_object(
            'status', v_run, 'last_success', v_clocks.run_at, 'age_active_min', v_age_min,
            'last_attempt_failed', v_last_failed
        ),
        'content', json_build_object(
            'status', v_content, 'content_as_of', v_clocks.content_as_of, 'file_ts', v_clocks.file_ts, 'lag_h', v_lag_h
        ),
        'alarms', (SELECT coalesce(json_agg(alarm ->> 'cause'), '[]') FROM json_array_elements(v_alarms) AS alarm),
        'alarm_details', v_alarms,
        'learned', (
            SELECT json_build_object(
                'files', count(gap_h),
                'feed_gap_p99_h', round((percentile_cont(0.99) WITHIN GROUP (ORDER BY gap_h))::numeric, 2)
            )
            FROM (
                SELECT extract(epoch FROM tickets.active_time(
                    lag(file.exported_at) OVER (ORDER BY file.exported_at), file.exported_at, v_from_h, v_until_h
                )) / 3600 AS gap_h
                FROM (
                    SELECT applied.exported_at
                    FROM tickets.import_files AS applied
                    WHERE applied.dataset = p_dataset AND applied.state = 'applied' AND applied.exported_at <= p_now
                    ORDER BY applied.exported_at DESC
                    LIMIT 1000
                ) AS file
            ) AS learned
        )
    );
END
$$;

COMMENT ON FUNCTION reporting.fn_check_freshness(text, timestamptz) IS 'Feed, run, content and file alarms of a dataset with their status';
