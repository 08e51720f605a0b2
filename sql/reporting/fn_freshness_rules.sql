-- What a reader needs to judge the clocks of a dataset by its own clock, as JSON: the limits as they hold at p_now, when
-- the feed was last heard of at all, whether the last attempt to read it failed, and the alarms about its newest files.
CREATE OR REPLACE FUNCTION reporting.fn_freshness_rules(p_dataset text, p_now timestamptz DEFAULT now())
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
BEGIN
    RETURN json_build_object(
        'limits', (
            SELECT json_object_agg(name, tickets.threshold(name, p_dataset, p_now) ORDER BY name)
            FROM unnest(ARRAY[
                'active_from_h', 'active_until_h', 'feed_warn_h', 'feed_error_h', 'feed_stopped_h', 'run_warn_min',
                'run_error_min', 'content_warn_h', 'content_error_h'
            ]) AS name
        ),
        -- A file whose name lies in the future moves no clock, but the feed did deliver it.
        'heard_at', (
            SELECT max(file.last_modified)
            FROM tickets.import_files AS file
            WHERE file.dataset = p_dataset AND file.reason = 'file_from_future' AND file.last_modified <= p_now
        ),
        'last_attempt_failed', coalesce((
            SELECT run.state = 'failed'
            FROM tickets.runs AS run
            WHERE run.dataset = p_dataset AND run.finished_at IS NOT NULL
            ORDER BY run.run_id DESC
            LIMIT 1
        ), false),
        'alarms', (
            SELECT coalesce(json_agg(row_to_json(alarm) ORDER BY alarm.cause), '[]')
            FROM tickets.file_alarms(p_dataset, p_now) AS alarm
        )
    );
END
$$;

COMMENT ON FUNCTION reporting.fn_freshness_rules(text, timestamptz) IS 'The limits and alarms by which a reader judges the clocks';
