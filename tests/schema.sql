CREATE SCHEMA reporting;
COMMENT ON SCHEMA reporting IS 'What people and programs read';
CREATE SCHEMA tickets;
COMMENT ON SCHEMA tickets IS 'What the feed said and what was derived from it';
CREATE FUNCTION tickets.eat_ts_other(p_text text) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (WITH part AS (SELECT (m.m[1])::integer AS year, (m.m[2])::integer AS month, (m.m[3])::integer AS day, (COALESCE(m.m[4], '0'::text))::integer AS hour, (COALESCE(m.m[5], '0'::text))::integer AS minute, (COALESCE(m.m[6], '0'::text))::double precision AS second, CASE WHEN (m.m[7] IS NULL) THEN '03:00:00'::interval WHEN (upper(m.m[7]) = 'Z'::text) THEN '00:00:00'::interval ELSE make_interval(hours => (substr(m.m[7], 1, 3))::integer, mins => ((substr(m.m[7], 1, 1) || COALESCE(NULLIF("right"(replace(m.m[7], ':'::text, ''::text), '-3'::integer), ''::text), '0'::text)))::integer) END AS zone FROM regexp_match(eat_ts_other.p_text, '^[ \t\n\r]*([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(?:[T ]([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]{1,9})?))?[ ]*(Z|z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)?)?[ \t\n\r]*$'::text) m(m) WHERE (m.m IS NOT NULL)) SELECT (make_timestamp(part.year, part.month, part.day, part.hour, part.minute, part.second) AT TIME ZONE part.zone) AS timezone FROM part WHERE CASE WHEN (part.year = 0) THEN false WHEN (part.day <= 28) THEN true ELSE ((part.day)::numeric <= EXTRACT(day FROM ((make_date(part.year, part.month, 1) + '1 mon'::interval) - '1 day'::interval))) END);
COMMENT ON FUNCTION tickets.eat_ts_other(p_text text) IS 'Instant of a source timestamp in a shape the export does not use, or null';
CREATE FUNCTION tickets.eat_ts(p_text text) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((p_text IS NULL) OR (p_text = ''::text)) THEN NULL::timestamp with time zone WHEN ((p_text ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$'::text) AND ((substr(p_text, 9, 2) <= '28'::text) OR (((substr(p_text, 9, 2))::integer)::numeric <= EXTRACT(day FROM ((make_date((substr(p_text, 1, 4))::integer, (substr(p_text, 6, 2))::integer, 1) + '1 mon'::interval) - '1 day'::interval))))) THEN (make_timestamp((substr(p_text, 1, 4))::integer, (substr(p_text, 6, 2))::integer, (substr(p_text, 9, 2))::integer, (substr(p_text, 12, 2))::integer, (substr(p_text, 15, 2))::integer, (substr(p_text, 18, 2))::double precision) AT TIME ZONE '03:00:00'::interval) ELSE tickets.eat_ts_other(p_text) END;
COMMENT ON FUNCTION tickets.eat_ts(p_text text) IS 'Instant of a source timestamp: naive text is East Africa Time, an offset is honoured, else null';
CREATE TABLE tickets.geo_clusters (
    cluster text NOT NULL,
    geom public.geometry(Point,4326),
    alias text,
    region text,
    soft_m double precision,
    origin text DEFAULT 'manual'::text NOT NULL,
    status text DEFAULT 'ok'::text NOT NULL,
    suspect boolean DEFAULT false NOT NULL,
    proposed_geom public.geometry(Point,4326),
    name_sim real,
    provider text,
    provider_ref text,
    query text,
    norm_version text,
    attempts integer DEFAULT 0 NOT NULL,
    next_try_at timestamp with time zone,
    verified boolean DEFAULT false NOT NULL,
    verified_by text,
    verified_at timestamp with time zone,
    note text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    lat double precision GENERATED ALWAYS AS (public.st_y(geom)) STORED,
    lon double precision GENERATED ALWAYS AS (public.st_x(geom)) STORED,
    candidates jsonb,
    CONSTRAINT geo_clusters_origin_is_known CHECK ((origin = ANY (ARRAY['manual'::text, 'provider'::text, 'feed'::text]))),
    CONSTRAINT geo_clusters_status_is_known CHECK ((status = ANY (ARRAY['ok'::text, 'nothing'::text, 'refused'::text, 'ambiguous'::text, 'no_match'::text, 'rejected'::text, 'kept'::text]))),
    CONSTRAINT geo_clusters_verified_says_who CHECK (((NOT verified) OR (verified_by IS NOT NULL)))
);
COMMENT ON TABLE tickets.geo_clusters IS 'One point a cluster: the coarse gazetteer';
COMMENT ON COLUMN tickets.geo_clusters.suspect IS 'The point looks wrong: its names are not held to it until a person decides';
COMMENT ON COLUMN tickets.geo_clusters.candidates IS 'What could be meant, best first: name, label, lat, lon, precision, similarity, dist_m, provider, ref';
CREATE FUNCTION reporting.ageing_daily(p_dataset text, p_first date, p_last date) RETURNS TABLE(day date, from_h numeric, n bigint)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
#variable_conflict use_column
DECLARE
    c_bounds_h CONSTANT numeric[] := ARRAY[0, 4, 12, 24, 36, 48, 72, 168, 720];
BEGIN
    RETURN QUERY
    WITH taken AS MATERIALIZED (
        SELECT day, as_of FROM tickets.inc_daily_snapshot WHERE p_dataset = 'inc' AND day BETWEEN p_first AND p_last
        UNION ALL
        SELECT day, as_of FROM tickets.crq_daily_snapshot WHERE p_dataset = 'crq' AND day BETWEEN p_first AND p_last
    ),
    stood AS MATERIALIZED (
        SELECT taken.day, taken.as_of, version.created_at_service, tickets.eat_ts(version.raw ->> 'first_seen_at') AS first_seen_at
        FROM taken
        JOIN tickets.open_spells AS spell ON tstzrange(spell.opened_at, spell.left_at) @> taken.as_of
        CROSS JOIN LATERAL (
            SELECT row.created_at_service, row.raw
            FROM tickets.row_versions AS row
            WHERE row.dataset = p_dataset AND row.ticket_id = spell.ticket_id AND row.exported_at <= taken.as_of
            ORDER BY row.exported_at DESC, row.modified DESC, row.etag DESC
            LIMIT 1
        ) AS version
        WHERE spell.dataset = p_dataset
    )
    SELECT stood.day, age_group.from_h, count(*)
    FROM stood
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN stood.created_at_service BETWEEN '2000-01-01 00:00:00+03' AND stood.as_of + interval '15 min'
                THEN stood.created_at_service
            WHEN stood.first_seen_at BETWEEN '2000-01-01 00:00:00+03' AND stood.as_of + interval '15 min'
                THEN stood.first_seen_at
        END AS at
    ) AS clock
    CROSS JOIN LATERAL (
        SELECT CASE WHEN clock.at IS NOT NULL
            THEN c_bounds_h[width_bucket(greatest(extract(epoch FROM stood.as_of - clock.at), 0) / 3600, c_bounds_h)]
        END AS from_h
    ) AS age_group
    GROUP BY stood.day, age_group.from_h;
END
$$;
COMMENT ON FUNCTION reporting.ageing_daily(p_dataset text, p_first date, p_last date) IS 'The open tickets of each day by age, as known then';
CREATE FUNCTION reporting.bbox_polygon(p_bbox double precision[]) RETURNS public.geometry
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
BEGIN
    IF coalesce(array_length(p_bbox, 1), 0) <> 4 OR array_ndims(p_bbox) <> 1
        OR array_position(p_bbox, NULL) IS NOT NULL
        OR NOT (p_bbox[1] BETWEEN -180 AND 180 AND p_bbox[3] BETWEEN -180 AND 180
            AND p_bbox[2] BETWEEN -90 AND 90 AND p_bbox[4] BETWEEN -90 AND 90
            AND p_bbox[1] < p_bbox[3] AND p_bbox[2] < p_bbox[4])
    THEN
        RAISE EXCEPTION 'bbox % is no box: give west, south, east, north in degrees', p_bbox::text
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN public.st_makeenvelope(p_bbox[1], p_bbox[2], p_bbox[3], p_bbox[4], 4326);
END
$$;
COMMENT ON FUNCTION reporting.bbox_polygon(p_bbox double precision[]) IS 'The box west, south, east, north as a polygon';
CREATE FUNCTION reporting.daily_flow(p_closed timestamp with time zone[], p_created timestamp with time zone[], p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone, p_content_as_of timestamp with time zone) RETURNS TABLE(day date, closed bigint, created bigint, coverage text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
#variable_conflict use_column
DECLARE
    v_first_event timestamptz := (
        SELECT min(at) FROM unnest(p_closed || p_created) AS at WHERE at >= '2000-01-01 00:00:00+03'::timestamptz
    );
    v_last timestamptz := coalesce(p_to - interval '1 microsecond', p_now);
    v_first timestamptz := coalesce(p_from, v_first_event, v_last);
    v_first_day date;
BEGIN
    v_last := least(v_last, greatest(p_now, v_first) + interval '400 days');
    IF v_first < v_last - interval '400 days' THEN
        v_first := greatest(v_first, least(coalesce(v_first_event, v_last), v_last));
    END IF;
    v_first_day := (v_first AT TIME ZONE interval '03:00')::date;
    RETURN QUERY
    WITH calendar AS (
        SELECT v_first_day + n AS day
        FROM generate_series(0, (v_last AT TIME ZONE interval '03:00')::date - v_first_day) AS n
    ),
    event AS (
        SELECT (at AT TIME ZONE interval '03:00')::date AS day, 1 AS closed, 0 AS created FROM unnest(p_closed) AS at
        UNION ALL
        SELECT (at AT TIME ZONE interval '03:00')::date, 0, 1 FROM unnest(p_created) AS at
    ),
    counted AS (
        SELECT event.day, sum(event.closed) AS closed, sum(event.created) AS created FROM event GROUP BY event.day
    )
    SELECT
        calendar.day,
        coalesce(counted.closed, 0)::bigint,
        coalesce(counted.created, 0)::bigint,
        reporting.window_coverage(
            calendar.day::timestamp AT TIME ZONE interval '03:00',
            (calendar.day + 1)::timestamp AT TIME ZONE interval '03:00',
            p_now,
            p_content_as_of
        )
    FROM calendar
    LEFT JOIN counted USING (day);
END
$$;
COMMENT ON FUNCTION reporting.daily_flow(p_closed timestamp with time zone[], p_created timestamp with time zone[], p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone, p_content_as_of timestamp with time zone) IS 'Closed and created of each EAT day of a window, and how far the data reaches';
CREATE FUNCTION reporting.eat_instant(p_text text) RETURNS timestamp with time zone
    LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_instant timestamptz := tickets.eat_ts(p_text);
BEGIN
    IF v_instant IS NULL AND btrim(p_text) <> '' THEN
        RAISE EXCEPTION '% is no time: write 2026-06-23 or 2026-06-23T12:00', quote_literal(left(p_text, 60))
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN v_instant;
END
$$;
COMMENT ON FUNCTION reporting.eat_instant(p_text text) IS 'The instant a person wrote: naive text is East Africa Time';
CREATE FUNCTION reporting.flow(p_dataset text, p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone, p_mode text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    AS $$
DECLARE
    v_end timestamptz := least(coalesce(p_to, p_now), p_now);
    v_begun timestamptz := (
        SELECT min(file.exported_at)
        FROM tickets.import_files AS file
        WHERE file.dataset = p_dataset AND file.state = 'applied'
    );
    v_open_start bigint;
    v_open_end bigint;
    v_created bigint;
    v_closed bigint;
    v_reopened bigint;
    v_exits bigint;
BEGIN
    IF p_mode <> 'known' OR p_from IS NULL OR v_begun IS NULL OR p_from < v_begun OR p_from >= v_end THEN
        RETURN NULL;
    END IF;
    v_open_start := (SELECT count(*) FROM tickets.open_at(p_dataset, p_from));
    v_open_end := (SELECT count(*) FROM tickets.open_at(p_dataset, v_end));
    v_created := (
        SELECT count(*)
        FROM tickets.all_tickets AS ticket
        WHERE ticket.dataset = p_dataset AND ticket.created_at_service >= p_from AND ticket.created_at_service < v_end
    );
    v_closed := (
        SELECT count(*)
        FROM tickets.closure_events AS closure
        WHERE closure.dataset = p_dataset AND closure.closed_at >= p_from AND closure.closed_at < v_end
            AND closure.superseded_by IS NULL
    );
    v_reopened := (
        SELECT count(*)
        FROM tickets.reopen_events AS reopen
        WHERE reopen.dataset = p_dataset AND reopen.reopened_at >= p_from AND reopen.reopened_at < v_end
            AND NOT reopen.retracted
    );
    v_exits := (
        SELECT count(*)
        FROM tickets.exit_events AS ending
        WHERE ending.dataset = p_dataset AND ending.exited_at >= p_from AND ending.exited_at < v_end
    );
    RETURN json_build_object(
        'open_start', v_open_start, 'created', v_created, 'reopened', v_reopened, 'closed', v_closed, 'exits', v_exits,
        'open_end', v_open_end,
        'unexplained', v_open_end - (v_open_start + v_created + v_reopened - v_closed - v_exits)
    );
END
$$;
COMMENT ON FUNCTION reporting.flow(p_dataset text, p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone, p_mode text) IS 'The flow identity of a window with its unexplained residual';
CREATE FUNCTION reporting.fn_backlog_daily(p_dataset text DEFAULT 'inc'::text, p_from timestamp with time zone DEFAULT NULL::timestamp with time zone, p_to timestamp with time zone DEFAULT NULL::timestamp with time zone, p_now timestamp with time zone DEFAULT now()) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    AS $$
DECLARE
    v_last date := (least(coalesce(p_to - interval '1 microsecond', p_now), p_now) AT TIME ZONE interval '03:00')::date;
    v_first date := coalesce((p_from AT TIME ZONE interval '03:00')::date, v_last - 89);
BEGIN
    IF p_dataset IS NULL OR p_dataset NOT IN ('inc', 'crq') THEN
        RAISE EXCEPTION 'unknown dataset %: use inc or crq', quote_nullable(p_dataset)
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF p_from >= p_to THEN
        RAISE EXCEPTION 'from must be before to' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN json_build_object(
        'dataset', p_dataset,
        'from', v_first,
        'to', v_last,
        'days', (
            SELECT coalesce(json_agg(row_to_json(backlog) ORDER BY backlog.day), '[]')
            FROM tickets.backlog_daily AS backlog
            WHERE backlog.dataset = p_dataset AND backlog.day BETWEEN v_first AND v_last
        ),
        'freshness', (
            SELECT json_build_object('now', p_now, 'run_at', run_at, 'file_ts', file_ts, 'content_as_of', content_as_of)
            FROM tickets.clocks(p_dataset, p_now, 'known')
        )
    );
END
$$;
COMMENT ON FUNCTION reporting.fn_backlog_daily(p_dataset text, p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone) IS 'The backlog of each day and how it is known';
CREATE FUNCTION reporting.fn_check_freshness(p_dataset text, p_now timestamp with time zone DEFAULT now()) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
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
COMMENT ON FUNCTION reporting.fn_check_freshness(p_dataset text, p_now timestamp with time zone) IS 'Feed, run, content and file alarms of a dataset with their status';
CREATE FUNCTION reporting.fn_credits() RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    RETURN (
        SELECT coalesce(json_agg(used.provider ORDER BY used.provider), '[]')
        FROM (
            SELECT provider FROM tickets.geo_locations WHERE geom IS NOT NULL OR proposed_geom IS NOT NULL
            UNION
            SELECT provider FROM tickets.geo_clusters WHERE geom IS NOT NULL OR proposed_geom IS NOT NULL
        ) AS used
        WHERE used.provider IN ('locationiq', 'opencage', 'nominatim', 'photon', 'gazetteer')
    );
END
$$;
COMMENT ON FUNCTION reporting.fn_credits() IS 'The geocoders whose points are kept';
CREATE FUNCTION reporting.fn_data_quality(p_now timestamp with time zone DEFAULT now(), p_dataset text DEFAULT 'inc'::text, p_days integer DEFAULT 30, p_mode text DEFAULT 'known'::text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    SET plan_cache_mode TO 'force_custom_plan'
    SET work_mem TO '32MB'
    AS $$
DECLARE
    c_samples CONSTANT integer := 5;
    c_far_m CONSTANT double precision := 25000;
    v_clocks record;
    v_from timestamptz;
    v_answer json;
BEGIN
    IF p_days IS NULL OR p_days NOT BETWEEN 1 AND 400 THEN
        RAISE EXCEPTION 'days must be from 1 to 400, not %', quote_nullable(p_days::text)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO v_clocks FROM tickets.clocks(p_dataset, p_now, p_mode);
    v_from := coalesce(v_clocks.content_as_of, p_now) - make_interval(days => p_days);
    WITH ticket AS MATERIALIZED (
        SELECT
            seen.ticket_id, life.state, seen.cluster, seen.assigned_team, seen.created_at_service, seen.first_seen_at,
            seen.closed_at, seen.geom, seen.geo_source,
            (seen.exported_at AT TIME ZONE interval '03:00')::date AS told_on,
            upper(btrim(seen.sla_status)) AS sla_source, sla.derived_sla, sla.sla_basis,
            tickets.ticket_flags(
                seen.raw, life.state, seen.bucket, seen.created_at_service, seen.first_seen_at, seen.closed_at, p_now
            ) || CASE WHEN seen.geo_source <> 'feed'
                    AND (tickets.is_filled(seen.raw ->> 'latitude') OR tickets.is_filled(seen.raw ->> 'longitude'))
                THEN ARRAY['bad_coordinates'] ELSE '{}' END AS flags
        FROM tickets.seen(p_dataset, p_now, p_mode, v_from, 'infinity') AS seen
        CROSS JOIN LATERAL (
            SELECT tickets.ticket_state(seen.is_actionable, seen.closed_at, seen.bucket) AS state
        ) AS life
        CROSS JOIN LATERAL tickets.sla_sum(
            p_dataset, seen.ticket_id, life.state, seen.created_at_service, seen.first_seen_at, seen.closed_at,
            seen.cluster, seen.region, seen.normalized_status, p_now, v_clocks.content_as_of
        ) AS sla
    ),
    -- The rules, of which tickets they speak and what of a ticket shows it, so that one nobody breaks shows as 0.
    rule AS (
        SELECT * FROM (VALUES
            ('bad_created_at_service', 'all', 'created_at_service is no time', '{created_at_service}'),
            ('bad_first_seen_at', 'all', 'first_seen_at is no time', '{first_seen_at}'),
            ('bad_closed_at', 'all', 'closed_at is no time', '{closed_at}'),
            ('bad_scheduled_at', 'all', 'scheduled_at is no time', '{scheduled_at}'),
            ('bad_last_seen_at', 'all', 'last_seen_at is no time', '{last_seen_at}'),
            ('bad_created_at', 'all', 'created_at is no time', '{created_at}'),
            ('bad_updated_at', 'all', 'updated_at is no time', '{updated_at}'),
            ('bad_is_actionable', 'all', 'is_actionable is neither true nor false', '{is_actionable}'),
            ('future_created_at_service', 'all', 'created_at_service is still to come', '{created_at_service}'),
            ('future_first_seen_at', 'open', 'first_seen_at is still to come', '{first_seen_at}'),
            ('future_closed_at', 'closed', 'closed_at is still to come', '{closed_at}'),
            ('ancient_created_at_service', 'all', 'created_at_service is before 2000', '{created_at_service}'),
            ('ancient_first_seen_at', 'open', 'first_seen_at is before 2000', '{first_seen_at}'),
            ('open_with_closed_at', 'open', 'open and yet with a closing time', '{is_actionable, closed_at}'),
            ('open_but_bucket_closed', 'open', 'open and yet in the bucket closed', '{is_actionable, bucket}'),
            ('closed_undated', 'closed', 'closed without a closing time: in no window', '{normalized_status, bucket, closed_at}'),
            ('closed_at_but_bucket_pending', 'closed', 'closed and yet in the bucket pending', '{closed_at, bucket}'),
            ('created_after_closed', 'closed', 'created after it was closed', '{created_at_service, closed_at}'),
            ('bad_mttr', 'all', 'mttr is no duration', '{mttr}'),
            ('mttr_on_open', 'open', 'a repair time while the ticket is open', '{is_actionable, mttr}'),
            ('no_clock', 'open', 'neither created_at_service nor first_seen_at can be used: SLA unknown', '{created_at_service, first_seen_at}'),
            ('no_created_at_service', 'open', 'only first_seen_at is known: the age is a lower bound', '{first_seen_at}'),
            ('no_team', 'open', 'no assigned team', '{assigned_team, owner}'),
            ('no_cluster', 'all', 'no cluster', '{cluster, region}'),
            ('no_place', 'open', 'not on the map', '{cluster, region}'),
            ('bad_coordinates', 'all', 'coordinates of the feed that are none', '{latitude, longitude}'),
            ('off_centroid', 'all', 'coordinates of the feed more than 25 km from the cluster''s point', '{latitude, longitude, cluster}')
        ) AS named (rule, scope, meaning, columns)
    ),
    broken AS (
        SELECT flag AS rule, ticket.ticket_id, ticket.told_on FROM ticket CROSS JOIN LATERAL unnest(ticket.flags) AS flag
        UNION ALL
        SELECT check_of.rule, ticket.ticket_id, ticket.told_on
        FROM ticket
        CROSS JOIN LATERAL (
            VALUES
                ('no_clock', ticket.state = 'open' AND ticket.sla_basis IS NULL),
                ('no_created_at_service', ticket.state = 'open' AND ticket.created_at_service IS NULL),
                ('no_team', ticket.state = 'open' AND ticket.assigned_team IS NULL),
                ('no_cluster', ticket.cluster IS NULL),
                ('no_place', ticket.state = 'open' AND ticket.geo_source = 'none')
        ) AS check_of (rule, is_broken)
        WHERE check_of.is_broken
        UNION ALL
        SELECT 'off_centroid', ticket.ticket_id, ticket.told_on
        FROM ticket
        JOIN tickets.geo_clusters AS area ON lower(area.cluster) = lower(ticket.cluster)
        WHERE ticket.geo_source = 'feed'
            AND NOT public.st_dwithin(ticket.geom::public.geography, area.geom::public.geography, c_far_m)
    ),
    looked AS (
        SELECT
            count(*) AS all,
            count(*) FILTER (WHERE state = 'open') AS open,
            count(*) FILTER (WHERE state = 'closed') AS closed
        FROM ticket
    ),
    counted AS (
        SELECT
            broken.rule,
            count(*) AS n,
            (array_agg(broken.ticket_id ORDER BY broken.told_on DESC, broken.ticket_id COLLATE "C"))[1:c_samples] AS samples
        FROM broken
        GROUP BY broken.rule
    ),
    -- What the feed wrote in the columns that the rule is about.
    shown AS (
        SELECT
            counted.rule,
            json_agg(
                json_build_object(
                    'ticket_id', sample.ticket_id,
                    'cluster', seen.cluster,
                    'exported_at', seen.exported_at,
                    'values', (SELECT json_object_agg(name, seen.raw ->> name) FROM unnest(rule.columns::text[]) AS name)
                )
                ORDER BY sample.at
            ) AS rows
        FROM counted
        JOIN rule USING (rule)
        CROSS JOIN LATERAL unnest(counted.samples) WITH ORDINALITY AS sample (ticket_id, at)
        CROSS JOIN LATERAL tickets.ticket_seen(
            p_dataset, sample.ticket_id, CASE WHEN p_mode = 'known' THEN p_now END, 'known'
        ) AS seen
        GROUP BY counted.rule
    ),
    spark AS (
        SELECT by_day.rule, json_object_agg(by_day.told_on, by_day.n ORDER BY by_day.told_on) AS days
        FROM (SELECT rule, told_on, count(*) AS n FROM broken WHERE told_on >= v_from::date GROUP BY rule, told_on) AS by_day
        GROUP BY by_day.rule
    ),
    matrix AS (
        SELECT coalesce(sla_source, '(none)') AS source, coalesce(derived_sla, '(none)') AS derived, count(*) AS n
        FROM ticket
        WHERE state = 'closed' AND closed_at >= v_from
        GROUP BY 1, 2
    )
    SELECT json_build_object(
        'dataset', p_dataset,
        'days', p_days,
        'looked_at', (SELECT row_to_json(looked) FROM looked),
        'rules', (
            SELECT json_agg(
                json_build_object(
                    'rule', rule.rule,
                    'meaning', rule.meaning,
                    'scope', rule.scope,
                    'count', coalesce(counted.n, 0),
                    'of', scope.n,
                    'share', round(coalesce(counted.n, 0)::numeric / nullif(scope.n, 0), 4),
                    'limit', allowed.share,
                    'is_over', coalesce(counted.n::numeric / nullif(scope.n, 0) > allowed.share, false),
                    'samples', coalesce(to_json(counted.samples), '[]'),
                    'sample_rows', coalesce(shown.rows, '[]'),
                    'by_day', coalesce(spark.days, '{}')
                )
                ORDER BY coalesce(counted.n, 0) DESC, rule.rule
            )
            FROM rule
            CROSS JOIN looked
            CROSS JOIN LATERAL (
                SELECT CASE rule.scope WHEN 'open' THEN looked.open WHEN 'closed' THEN looked.closed ELSE looked.all END AS n
            ) AS scope
            CROSS JOIN LATERAL (
                SELECT tickets.threshold('max_share ' || rule.rule, p_dataset, p_now) AS share
            ) AS allowed
            LEFT JOIN counted USING (rule)
            LEFT JOIN shown USING (rule)
            LEFT JOIN spark USING (rule)
        ),
        'sla_matrix', (SELECT coalesce(json_agg(matrix ORDER BY source, derived), '[]') FROM matrix),
        'rejected_rows', (
            SELECT coalesce(json_object_agg(reason, n ORDER BY reason), '{}')
            FROM (
                SELECT split_part(reason, ':', 1) AS reason, count(*) AS n
                FROM tickets.rejected_rows
                WHERE dataset = p_dataset
                GROUP BY 1
            ) AS by_reason
        ),
        'freshness', json_build_object(
            'now', p_now, 'run_at', v_clocks.run_at, 'file_ts', v_clocks.file_ts, 'content_as_of', v_clocks.content_as_of
        )
    ) INTO v_answer;
    RETURN v_answer;
END
$$;
COMMENT ON FUNCTION reporting.fn_data_quality(p_now timestamp with time zone, p_dataset text, p_days integer, p_mode text) IS 'What is odd in the tickets, one entry a rule';
CREATE FUNCTION reporting.fn_files(p_dataset text DEFAULT 'inc'::text, p_from timestamp with time zone DEFAULT NULL::timestamp with time zone, p_to timestamp with time zone DEFAULT NULL::timestamp with time zone, p_now timestamp with time zone DEFAULT now()) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    SET plan_cache_mode TO 'force_custom_plan'
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
COMMENT ON FUNCTION reporting.fn_files(p_dataset text, p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone) IS 'The files of a feed, what became of each and the silences between them';
CREATE FUNCTION reporting.fn_forecast(p_now timestamp with time zone DEFAULT now(), p_dataset text DEFAULT 'inc'::text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    AS $$
BEGIN
    RETURN (
        WITH open_ticket AS MATERIALIZED (
            SELECT * FROM reporting.open_sla_at(p_dataset, p_now)
        ),
        scored AS MATERIALIZED (
            SELECT p_breach, breached::integer::double precision AS outcome
            FROM tickets.breach_forecasts
            WHERE dataset = p_dataset AND scored_at <= p_now
        ),
        base AS (
            SELECT count(*) AS n, avg(outcome) AS rate, avg((p_breach - outcome) ^ 2) AS brier FROM scored
        ),
        calibration AS (
            SELECT
                least(floor(p_breach * 10), 9) / 10 AS from_p,
                count(*) AS n,
                round(avg(p_breach)::numeric, 3) AS forecast,
                round(avg(outcome)::numeric, 3) AS happened
            FROM scored
            GROUP BY 1
        )
        SELECT json_build_object(
            'dataset', p_dataset,
            'open', (SELECT count(*) FROM open_ticket),
            'expected_open', (
                SELECT CASE WHEN count(p_still_open) > 0 THEN round(sum(coalesce(p_still_open, 1))::numeric, 1) END
                FROM open_ticket
            ),
            'not_estimated', (SELECT count(*) FROM open_ticket WHERE p_still_open IS NULL),
            'expected_breaches', (SELECT round(sum(p_breach)::numeric, 1) FROM open_ticket),
            'score', (
                SELECT json_build_object(
                    'n', base.n,
                    'is_small', base.n < tickets.threshold('small_n', p_dataset, p_now),
                    'brier', round(base.brier::numeric, 4),
                    'brier_of_base_rate', round((base.rate * (1 - base.rate))::numeric, 4),
                    'base_rate', round(base.rate::numeric, 4),
                    'calibration', (SELECT coalesce(json_agg(calibration ORDER BY from_p), '[]') FROM calibration)
                )
                FROM base
            ),
            'tickets', (
                SELECT coalesce(json_agg(json_build_object(
                    'ticket_id', ticket_id, 'cluster', cluster, 'team', team, 'sla_state', sla_state,
                    'evidence', evidence, 'due_at', due_at, 'age_bound', age_bound,
                    'p_still_open', round(p_still_open::numeric, 3), 'p_breach', round(p_breach::numeric, 3)
                ) ORDER BY p_breach DESC NULLS LAST, ticket_id COLLATE "C"), '[]')
                FROM open_ticket
            ),
            'freshness', (
                SELECT json_build_object('now', p_now, 'run_at', run_at, 'file_ts', file_ts, 'content_as_of', content_as_of)
                FROM tickets.clocks(p_dataset, p_now, 'known')
            )
        )
    );
END
$$;
COMMENT ON FUNCTION reporting.fn_forecast(p_now timestamp with time zone, p_dataset text) IS 'Expected truly open, chances to breach, and the score of earlier forecasts';
CREATE FUNCTION reporting.fn_freshness(p_dataset text, p_now timestamp with time zone DEFAULT NULL::timestamp with time zone, p_mode text DEFAULT 'known'::text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    AS $$
BEGIN
    RETURN (SELECT row_to_json(clocks) FROM tickets.clocks(p_dataset, p_now, p_mode) AS clocks);
END
$$;
COMMENT ON FUNCTION reporting.fn_freshness(p_dataset text, p_now timestamp with time zone, p_mode text) IS 'The clocks of one dataset: run_at, file_ts, content_as_of';
CREATE FUNCTION reporting.fn_freshness_rules(p_dataset text, p_now timestamp with time zone DEFAULT now()) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
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
COMMENT ON FUNCTION reporting.fn_freshness_rules(p_dataset text, p_now timestamp with time zone) IS 'The limits and alarms by which a reader judges the clocks';
CREATE FUNCTION reporting.fn_geo_review(p_limit integer DEFAULT 200) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    SET jit TO 'off'
    AS $$
BEGIN
    RETURN json_build_object(
        'queue', (
            SELECT coalesce(json_agg(waiting), '[]')
            FROM (
                SELECT * FROM tickets.geo_review ORDER BY open DESC, tickets DESC, cluster, decision_key LIMIT p_limit
            ) AS waiting
        ),
        'decided', (
            SELECT row_to_json(newest)
            FROM (
                SELECT at, who, action, cluster, decision_key, tickets
                FROM tickets.geo_decisions
                WHERE undone_at IS NULL
                ORDER BY decision_id DESC
                LIMIT 1
            ) AS newest
        )
    );
END
$$;
COMMENT ON FUNCTION reporting.fn_geo_review(p_limit integer) IS 'Places that wait for a person, and the newest decision';
CREATE FUNCTION reporting.fn_inc_dashboard(p_cluster text DEFAULT NULL::text, p_status text DEFAULT NULL::text, p_window text DEFAULT 'today'::text, p_from timestamp with time zone DEFAULT NULL::timestamp with time zone, p_to timestamp with time zone DEFAULT NULL::timestamp with time zone, p_now timestamp with time zone DEFAULT now(), p_team text DEFAULT NULL::text, p_anchor text DEFAULT 'now'::text, p_mode text DEFAULT 'known'::text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    AS $$
DECLARE
    v_clocks record;
    v_window record;
    v_part record;
BEGIN
    IF p_now IS NULL OR NOT isfinite(p_now) THEN
        RAISE EXCEPTION 'now must be a time' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_mode IS NULL OR p_mode NOT IN ('known', 'happened') THEN
        RAISE EXCEPTION 'unknown mode %: use known or happened', quote_nullable(p_mode)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO v_clocks FROM tickets.clocks('inc', p_now, p_mode);
    SELECT * INTO v_window
    FROM reporting.window_bounds(p_window, p_from, p_to, reporting.window_day(p_anchor, p_now, v_clocks.content_as_of));
    SELECT * INTO v_part
    FROM reporting.inc_dashboard_of(
        p_cluster, p_status, p_team, v_window.starts_at, v_window.ends_at, p_now, v_clocks.content_as_of, p_mode
    );
    RETURN json_build_object(
        'now', p_now,
        'mode', p_mode,
        'window', json_build_object(
            'name', v_window.name,
            'from', v_window.starts_at,
            'to', v_window.ends_at,
            'anchor', p_anchor,
            'coverage', reporting.window_coverage(v_window.starts_at, v_window.ends_at, p_now, v_clocks.content_as_of)
        ),
        'open', v_part.open_tickets,
        'closed', v_part.closed_tickets,
        'metrics', v_part.metrics,
        'freshness', json_build_object(
            'now', p_now,
            'run_at', v_clocks.run_at,
            'file_ts', v_clocks.file_ts,
            'content_as_of', v_clocks.content_as_of
        )
    );
END
$$;
COMMENT ON FUNCTION reporting.fn_inc_dashboard(p_cluster text, p_status text, p_window text, p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone, p_team text, p_anchor text, p_mode text) IS 'The dashboard of faults: window, open and closed tickets, metrics, clocks';
CREATE FUNCTION reporting.fn_outages(p_now timestamp with time zone DEFAULT now(), p_dataset text DEFAULT 'inc'::text, p_mode text DEFAULT 'known'::text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    SET plan_cache_mode TO 'force_custom_plan'
    SET work_mem TO '32MB'
    AS $$
DECLARE
    c_least_tickets CONSTANT integer := 4;
    v_clocks record;
    v_days integer := tickets.threshold('outage_history_days', p_dataset, p_now);
    v_limit double precision := tickets.threshold('outage_p', p_dataset, p_now);
    v_end timestamptz;
    v_begin timestamptz;
    v_answer json;
BEGIN
    SELECT * INTO v_clocks FROM tickets.clocks(p_dataset, p_now, p_mode);
    v_end := least(p_now, v_clocks.content_as_of);
    v_begin := v_end - interval '24 hours';
    WITH born AS MATERIALIZED (
        SELECT
            ticket.ticket_id, ticket.created_at_service AS at, ticket.is_actionable, ticket.geom, ticket.cluster,
            ticket.location_name
        FROM tickets.seen(p_dataset, p_now, p_mode, v_begin - make_interval(days => v_days), v_end + interval '1 microsecond')
            AS ticket
        WHERE ticket.created_at_service > v_begin - make_interval(days => v_days) AND ticket.created_at_service <= v_end
    ),
    placed AS MATERIALIZED (
        SELECT born.ticket_id, born.at, born.is_actionable, born.geom, place.kind, place.name
        FROM born
        CROSS JOIN LATERAL (
            VALUES
                ('element', born.cluster || ' ' || tickets.network_element(born.location_name)),
                ('square', public.st_geohash(born.geom, 6)),
                ('cluster', born.cluster)
        ) AS place (kind, name)
        WHERE place.name IS NOT NULL
    ),
    -- When in the day tickets come, over all places: a busy morning is no outage.
    profile AS (
        SELECT
            extract(hour FROM at AT TIME ZONE interval '03:00')::integer AS hour,
            (count(*) + 1)::double precision / ((SELECT count(*) FROM born WHERE born.at <= v_begin) + 24) AS share
        FROM born
        WHERE at <= v_begin
        GROUP BY 1
    ),
    history AS (
        SELECT kind, name, count(*) FILTER (WHERE at <= v_begin) AS n, count(*) FILTER (WHERE at > v_begin) AS n_now
        FROM placed
        GROUP BY kind, name
    ),
    recent AS (
        SELECT placed.*, history.n AS n_before
        FROM placed
        JOIN history USING (kind, name)
        WHERE placed.at > v_begin AND history.n_now >= c_least_tickets
    ),
    looked AS (
        SELECT
            recent.kind, recent.name, span.hours, recent.at AS begins, recent.n_before,
            count(other.ticket_id)::integer AS n,
            max(other.at) AS ends
        FROM recent
        CROSS JOIN (VALUES (1), (3), (6)) AS span (hours)
        JOIN recent AS other
            ON other.kind = recent.kind
            AND other.name = recent.name
            AND other.at >= recent.at
            AND other.at < recent.at + make_interval(hours => span.hours)
        GROUP BY recent.kind, recent.name, span.hours, recent.at, recent.ticket_id, recent.n_before
    ),
    -- Every place that exists was looked at, in every window that could begin in the day, whether anything was there or not.
    looks AS (
        SELECT count(*) * (24 / 1 + 24 / 3 + 24 / 6) AS n FROM history
    ),
    judged AS (
        SELECT
            looked.*,
            expectation.n AS expected,
            least(1, reporting.poisson_tail(looked.n, expectation.n) * looks.n) AS p
        FROM looked
        CROSS JOIN looks
        CROSS JOIN LATERAL (
            -- Half a ticket more than ever seen: a place without history is rare, not impossible.
            SELECT greatest((looked.n_before + 0.5) / v_days * coalesce((
                SELECT sum(profile.share)
                FROM generate_series(0, looked.hours - 1) AS step
                JOIN profile
                    ON profile.hour = extract(hour FROM (looked.begins + make_interval(hours => step)) AT TIME ZONE interval '03:00')
            ), looked.hours / 24.0), 0.001)::double precision AS n
        ) AS expectation
        WHERE looked.n >= c_least_tickets
    ),
    best AS (
        SELECT DISTINCT ON (kind, name) * FROM judged WHERE p < v_limit ORDER BY kind, name, p, n DESC, hours, begins
    ),
    member AS (
        SELECT
            best.kind, best.name,
            array_agg(recent.ticket_id ORDER BY recent.ticket_id COLLATE "C") AS ticket_ids,
            count(*) FILTER (WHERE recent.is_actionable) AS open,
            public.st_centroid(public.st_collect(recent.geom)) AS middle
        FROM best
        JOIN recent
            ON recent.kind = best.kind AND recent.name = best.name AND recent.at >= best.begins AND recent.at <= best.ends
        GROUP BY best.kind, best.name
    ),
    -- One accumulation is told once, by its narrowest name that holds at least half of what a wider one holds.
    told AS (
        SELECT best.*, member.ticket_ids, member.open, member.middle
        FROM best
        JOIN member USING (kind, name)
        WHERE NOT EXISTS (
            SELECT
            FROM best AS narrower
            JOIN member AS narrower_member USING (kind, name)
            WHERE array_position(ARRAY['element', 'square', 'cluster'], narrower.kind)
                    < array_position(ARRAY['element', 'square', 'cluster'], best.kind)
                AND narrower_member.ticket_ids && member.ticket_ids
                AND 2 * (
                    SELECT count(*) FROM unnest(narrower_member.ticket_ids) AS one WHERE one = ANY (member.ticket_ids)
                ) >= cardinality(member.ticket_ids)
        )
    )
    SELECT json_build_object(
        'dataset', p_dataset,
        'looked_from', v_begin,
        'looked_to', v_end,
        'looks', (SELECT n FROM looks),
        'p_limit', v_limit,
        'outages', (
            SELECT coalesce(json_agg(json_build_object(
                'kind', kind, 'name', name, 'tickets', n, 'open', open, 'from', begins, 'to', ends,
                'minutes', ceil(extract(epoch FROM ends - begins) / 60), 'expected', round(expected::numeric, 3), 'p', p,
                'ticket_ids', ticket_ids, 'geometry', public.st_asgeojson(middle, 6)::json
            ) ORDER BY p, n DESC, name), '[]')
            FROM told
        ),
        'freshness', json_build_object(
            'now', p_now, 'run_at', v_clocks.run_at, 'file_ts', v_clocks.file_ts, 'content_as_of', v_clocks.content_as_of
        )
    ) INTO v_answer;
    RETURN v_answer;
END
$$;
COMMENT ON FUNCTION reporting.fn_outages(p_now timestamp with time zone, p_dataset text, p_mode text) IS 'Accumulations of new tickets that chance does not explain';
CREATE FUNCTION reporting.fn_run(p_run_id bigint) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    AS $$
BEGIN
    RETURN (
        SELECT row_to_json(shown)
        FROM (
            SELECT
                run.run_id, run.dataset, run.command, run.started_at, run.finished_at,
                round(extract(epoch FROM run.finished_at - run.started_at), 1) AS duration_s,
                run.state, run.exit_code, run.error, run.counts,
                (
                    SELECT coalesce(json_agg(file ORDER BY file.exported_at, file.key), '[]')
                    FROM (
                        SELECT
                            key, exported_at, state, reason, rows_read, rows_new, rows_changed, rows_unchanged, rows_stale,
                            rows_duplicate, rows_alarm, rows_sentinel, rows_rejected, export_truncated, is_late, flags
                        FROM tickets.import_files
                        WHERE import_files.run_id = p_run_id
                    ) AS file
                ) AS files
            FROM tickets.runs AS run
            WHERE run.run_id = p_run_id
        ) AS shown
    );
END
$$;
COMMENT ON FUNCTION reporting.fn_run(p_run_id bigint) IS 'One run with its files';
CREATE FUNCTION reporting.fn_runs(p_dataset text DEFAULT NULL::text, p_limit integer DEFAULT 50, p_before bigint DEFAULT NULL::bigint) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    AS $$
DECLARE
    v_dataset text := nullif(lower(btrim(p_dataset)), '');
    v_answer json;
BEGIN
    IF p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 500 THEN
        RAISE EXCEPTION 'limit is 1 to 500' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    WITH newest AS (
        SELECT run_id, dataset, command, started_at, finished_at, state, exit_code, error, counts
        FROM tickets.runs
        WHERE (v_dataset IS NULL OR runs.dataset = v_dataset) AND (p_before IS NULL OR runs.run_id < p_before)
        ORDER BY run_id DESC
        LIMIT p_limit
    ),
    told AS (
        SELECT
            newest.*,
            (
                SELECT count(*)
                FROM tickets.import_files AS file
                JOIN tickets.closure_events AS event
                    ON event.dataset = file.dataset AND event.observed_at = file.exported_at AND event.source_key = file.key
                WHERE file.run_id = newest.run_id AND event.kind IN ('observed', 'reclosed')
            ) AS closures,
            (
                SELECT count(*)
                FROM tickets.import_files AS file
                JOIN tickets.reopen_events AS event
                    ON event.dataset = file.dataset AND event.reopened_at = file.exported_at AND event.source_key = file.key
                WHERE file.run_id = newest.run_id AND NOT event.retracted
            ) AS reopens
        FROM newest
    )
    SELECT json_build_object(
        'runs', coalesce(json_agg(told ORDER BY told.run_id DESC), '[]'),
        'next_before', CASE WHEN count(*) = p_limit THEN min(told.run_id) END
    ) INTO v_answer
    FROM told;
    RETURN v_answer;
END
$$;
COMMENT ON FUNCTION reporting.fn_runs(p_dataset text, p_limit integer, p_before bigint) IS 'The newest runs and what each did';
CREATE FUNCTION reporting.fn_status(p_now timestamp with time zone DEFAULT now()) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    AS $$
DECLARE
    v_answer json;
BEGIN
    WITH stream AS (
        SELECT dataset FROM unnest(ARRAY['inc', 'crq']) AS dataset
    ),
    backlog AS (
        SELECT
            stream.dataset,
            count(sla.ticket_id) AS open,
            count(sla.ticket_id) FILTER (WHERE ticket.geo_source <> 'none') AS mapped,
            count(*) FILTER (WHERE sla.sla_state = 'breached') AS breached,
            count(*) FILTER (WHERE sla.sla_state = 'breached' AND sla.evidence = 'proven') AS breached_proven,
            count(*) FILTER (WHERE sla.sla_state = 'at_risk') AS at_risk,
            count(*) FILTER (WHERE sla.sla_state = 'on_track') AS on_track,
            count(*) FILTER (WHERE sla.sla_state = 'unknown') AS unknown,
            count(*) FILTER (WHERE sla.sla_state = 'none') AS none,
            CASE WHEN count(sla.p_still_open) > 0 THEN round(sum(coalesce(sla.p_still_open, 1))::numeric, 1) END AS expected_open
        FROM stream
        CROSS JOIN LATERAL reporting.open_sla_at(stream.dataset, p_now) AS sla
        LEFT JOIN tickets.all_tickets AS ticket ON ticket.dataset = stream.dataset AND ticket.ticket_id = sla.ticket_id
        GROUP BY stream.dataset
    ),
    files AS (
        SELECT
            dataset,
            count(*) FILTER (WHERE state = 'applied') AS applied,
            count(*) FILTER (WHERE state = 'quarantined' AND discarded_at IS NULL) AS quarantined,
            count(*) FILTER (WHERE state = 'failed') AS failed,
            count(*) FILTER (WHERE state = 'unexpected') AS unexpected,
            count(*) FILTER (WHERE archived_at IS NULL AND state IN ('applied', 'quarantined', 'superseded'))
                AS to_archive
        FROM tickets.import_files
        GROUP BY dataset
    ),
    rejected AS (
        SELECT dataset, count(*) AS rows FROM tickets.rejected_rows WHERE discarded_at IS NULL GROUP BY dataset
    )
    SELECT json_build_object(
        'now', p_now,
        'datasets', json_object_agg(
            stream.dataset,
            json_build_object(
                'freshness', reporting.fn_freshness(stream.dataset, p_now),
                'watermark', (SELECT metadata ->> 'source_max_key' FROM tickets.import_meta AS meta
                    WHERE meta.dataset = stream.dataset),
                'backlog', json_build_object(
                    'open', coalesce(backlog.open, 0), 'mapped', coalesce(backlog.mapped, 0),
                    'breached', coalesce(backlog.breached, 0), 'at_risk', coalesce(backlog.at_risk, 0),
                    'on_track', coalesce(backlog.on_track, 0), 'unknown', coalesce(backlog.unknown, 0),
                    'none', coalesce(backlog.none, 0),
                    'breached_proven', coalesce(backlog.breached_proven, 0),
                    'expected_open', backlog.expected_open
                ),
                'files', json_build_object(
                    'applied', coalesce(files.applied, 0), 'quarantined', coalesce(files.quarantined, 0),
                    'failed', coalesce(files.failed, 0), 'unexpected', coalesce(files.unexpected, 0),
                    'to_archive', coalesce(files.to_archive, 0)
                ),
                'rejected_rows', coalesce(rejected.rows, 0),
                'last_runs', (
                    SELECT coalesce(json_agg(run), '[]')
                    FROM (
                        SELECT run_id, command, started_at, finished_at, state, exit_code, error,
                            counts #>> '{rows,read}' AS rows_read
                        FROM tickets.runs
                        WHERE runs.dataset = stream.dataset
                        ORDER BY run_id DESC
                        LIMIT 3
                    ) AS run
                )
            )
            ORDER BY stream.dataset DESC
        )
    ) INTO v_answer
    FROM stream
    LEFT JOIN backlog USING (dataset)
    LEFT JOIN files USING (dataset)
    LEFT JOIN rejected USING (dataset);
    RETURN v_answer;
END
$$;
COMMENT ON FUNCTION reporting.fn_status(p_now timestamp with time zone) IS 'One screen of both datasets: clocks, backlog, ledger, last runs';
CREATE FUNCTION reporting.fn_team_performance(p_window text DEFAULT 'month'::text, p_from timestamp with time zone DEFAULT NULL::timestamp with time zone, p_to timestamp with time zone DEFAULT NULL::timestamp with time zone, p_now timestamp with time zone DEFAULT now(), p_cluster text DEFAULT NULL::text, p_dataset text DEFAULT 'inc'::text, p_mode text DEFAULT 'known'::text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    SET plan_cache_mode TO 'force_custom_plan'
    SET work_mem TO '32MB'
    AS $$
DECLARE
    c_unassigned CONSTANT text := '(unassigned)';
    v_cluster text := nullif(lower(btrim(p_cluster)), '');
    v_small_n numeric := tickets.threshold('small_n', p_dataset, p_now);
    v_repeat_days integer := tickets.threshold('repeat_days', p_dataset, p_now);
    v_clocks record;
    v_window record;
    v_coverage text;
    v_teams json;
BEGIN
    SELECT * INTO v_clocks FROM tickets.clocks(p_dataset, p_now, p_mode);
    SELECT * INTO v_window FROM reporting.window_bounds(p_window, p_from, p_to, p_now);
    v_coverage := reporting.window_coverage(v_window.starts_at, v_window.ends_at, p_now, v_clocks.content_as_of);
    WITH seen AS MATERIALIZED (
        SELECT
            ticket.ticket_id, ticket.assigned_team, ticket.owner, ticket.mttr, ticket.created_at_service, ticket.closed_at,
            ticket.location_name, ticket.is_actionable,
            tickets.ticket_state(ticket.is_actionable, ticket.closed_at, ticket.bucket) AS state
        FROM tickets.seen(
            p_dataset, p_now, p_mode, coalesce(v_window.starts_at, '-infinity'), coalesce(v_window.ends_at, 'infinity')
        ) AS ticket
        WHERE v_cluster IS NULL OR lower(ticket.cluster) = v_cluster
    ),
    closure AS (
        SELECT
            seen.ticket_id,
            event.closed_at,
            coalesce(event.team, event.owner, c_unassigned) AS team,
            CASE WHEN event.team IS NOT NULL THEN 'assigned_team' WHEN event.owner IS NOT NULL THEN 'owner' ELSE 'none' END
                AS team_source,
            seen.mttr,
            extract(epoch FROM event.closed_at - seen.created_at_service) / 3600 AS hours,
            -- A closure that did not hold: the ticket was seen open again after it.
            EXISTS (
                SELECT FROM tickets.reopen_events AS reopen
                WHERE reopen.dataset = p_dataset AND reopen.ticket_id = event.ticket_id AND NOT reopen.retracted
                    AND reopen.reopened_at > event.closed_at
                    AND (p_mode = 'happened' OR reopen.reopened_at <= p_now)
            ) AS is_reopened
        FROM tickets.closure_events AS event
        JOIN seen ON seen.ticket_id = event.ticket_id
        WHERE event.dataset = p_dataset
            AND event.superseded_by IS NULL
            AND event.closed_at >= coalesce(v_window.starts_at, '-infinity')
            AND event.closed_at < coalesce(v_window.ends_at, 'infinity')
            AND (p_mode = 'happened' OR NOT tickets.is_past(p_dataset, p_now) OR event.observed_at <= p_now)
    ),
    closed AS (
        SELECT
            team,
            count(*) AS closed,
            count(*) FILTER (WHERE team_source = 'assigned_team') AS from_assigned_team,
            count(*) FILTER (WHERE team_source = 'owner') AS from_owner,
            count(mttr) AS mttr_n,
            round((percentile_cont(0.5) WITHIN GROUP (ORDER BY mttr))::numeric, 1) AS mttr_median,
            round((percentile_cont(0.9) WITHIN GROUP (ORDER BY mttr))::numeric, 1) AS mttr_p90,
            count(hours) FILTER (WHERE hours >= 0) AS timed,
            count(*) FILTER (WHERE hours >= 0 AND hours < 48) AS within_48h,
            count(*) FILTER (WHERE is_reopened) AS reopened
        FROM closure
        GROUP BY team
    ),
    repeated AS (
        SELECT repeat.team, count(*) AS repeats
        FROM reporting.repeats(
            p_dataset,
            (
                SELECT coalesce(array_agg(ticket_id), '{}')
                FROM seen
                WHERE location_name IS NOT NULL
                    AND created_at_service >= coalesce(v_window.starts_at, '-infinity')
                    AND created_at_service < coalesce(v_window.ends_at, 'infinity')
            ),
            coalesce(v_window.starts_at, '-infinity'), coalesce(v_window.ends_at, 'infinity'), p_now, p_mode, v_repeat_days
        ) AS repeat
        WHERE repeat.after_days <= v_repeat_days
        GROUP BY repeat.team
    ),
    load AS (
        SELECT coalesce(assigned_team, owner, c_unassigned) AS team, count(*) AS open
        FROM seen
        WHERE state = 'open'
        GROUP BY 1
    ),
    team AS (
        SELECT team FROM closed UNION SELECT team FROM load UNION SELECT team FROM repeated UNION SELECT c_unassigned
    )
    SELECT json_agg(
        json_build_object(
            'team', team.team,
            'closed', coalesce(closed.closed, 0),
            'is_small', coalesce(closed.closed, 0) < v_small_n,
            'from_assigned_team', coalesce(closed.from_assigned_team, 0),
            'from_owner', coalesce(closed.from_owner, 0),
            'mttr', json_build_object('n', coalesce(closed.mttr_n, 0), 'median', closed.mttr_median, 'p90', closed.mttr_p90),
            'within_48h', round(closed.within_48h::numeric / nullif(closed.timed, 0), 4),
            'within_n', coalesce(closed.timed, 0),
            'reopened', coalesce(closed.reopened, 0),
            'repeats', coalesce(repeated.repeats, 0),
            'open', coalesce(load.open, 0)
        )
        ORDER BY coalesce(closed.closed, 0) DESC, team.team COLLATE "C"
    ) INTO v_teams
    FROM team
    LEFT JOIN closed USING (team)
    LEFT JOIN load USING (team)
    LEFT JOIN repeated USING (team);
    RETURN json_build_object(
        'dataset', p_dataset,
        'window', json_build_object(
            'name', v_window.name, 'from', v_window.starts_at, 'to', v_window.ends_at, 'coverage', v_coverage
        ),
        'small_n', v_small_n,
        'teams', CASE WHEN v_coverage <> 'none' THEN v_teams END,
        'freshness', json_build_object(
            'now', p_now, 'run_at', v_clocks.run_at, 'file_ts', v_clocks.file_ts, 'content_as_of', v_clocks.content_as_of
        )
    );
END
$$;
COMMENT ON FUNCTION reporting.fn_team_performance(p_window text, p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone, p_cluster text, p_dataset text, p_mode text) IS 'Closures by team at the time of closing, with repair time, reopens, repeats and load';
CREATE FUNCTION reporting.fn_ticket(p_ticket_id text, p_now timestamp with time zone DEFAULT now(), p_dataset text DEFAULT NULL::text, p_mode text DEFAULT 'known'::text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    AS $$
DECLARE
    v_dataset text;
    v_known_at timestamptz;
    v_clocks record;
    v_ticket record;
    v_answer json;
BEGIN
    SELECT asked.dataset INTO v_dataset
    FROM unnest(ARRAY['inc', 'crq']) AS asked (dataset)
    CROSS JOIN LATERAL tickets.ticket_seen(asked.dataset, p_ticket_id, p_now, p_mode) AS ticket
    WHERE p_dataset IS NULL OR asked.dataset = p_dataset
    ORDER BY asked.dataset DESC
    LIMIT 1;
    IF v_dataset IS NULL THEN
        RETURN NULL;
    END IF;
    v_known_at := CASE WHEN p_mode = 'known' AND tickets.is_past(v_dataset, p_now) THEN p_now ELSE 'infinity' END;
    SELECT * INTO v_clocks FROM tickets.clocks(v_dataset, p_now, p_mode);
    SELECT * INTO v_ticket FROM tickets.ticket_seen(v_dataset, p_ticket_id, p_now, p_mode);
    WITH version AS MATERIALIZED (
        SELECT
            row_version.exported_at, row_version.modified, row_version.etag, row_version.source_key, row_version.line,
            row_version.seeded, row_version.is_alarm, row_version.state, row_version.raw,
            lag(row_version.raw) OVER told AS raw_before
        FROM tickets.row_versions AS row_version
        WHERE row_version.dataset = v_dataset AND row_version.ticket_id = p_ticket_id AND row_version.exported_at <= v_known_at
        WINDOW told AS (ORDER BY row_version.exported_at, row_version.modified, row_version.etag)
    ),
    -- A fact and the file that first told it as it now stands: the one after the last that told otherwise.
    fact AS (
        SELECT DISTINCT ON (cell.key) cell.key AS name, cell.value, version.source_key, version.line, version.exported_at
        FROM version
        CROSS JOIN LATERAL jsonb_each_text(version.raw) AS cell
        WHERE cell.value IS NOT DISTINCT FROM v_ticket.raw ->> cell.key
            AND NOT EXISTS (
                SELECT FROM version AS later
                WHERE (later.exported_at, later.modified, later.etag) > (version.exported_at, version.modified, version.etag)
                    AND later.raw ->> cell.key IS DISTINCT FROM v_ticket.raw ->> cell.key
            )
        ORDER BY cell.key, version.exported_at, version.modified, version.etag
    ),
    moment AS (
        SELECT tickets.eat_ts(fact.value) AS at,
            CASE fact.name WHEN 'created_at_service' THEN 'created' WHEN 'first_seen_at' THEN 'first seen'
                WHEN 'scheduled_at' THEN 'visit agreed for' END AS what,
            NULL::text AS detail, fact.source_key
        FROM fact
        WHERE fact.name IN ('created_at_service', 'first_seen_at', 'scheduled_at')
        UNION ALL
        SELECT closure.closed_at, 'closed',
            concat_ws(', ', closure.kind, coalesce(closure.team, closure.owner, '(unassigned)'),
                CASE WHEN closure.superseded_by IS NOT NULL THEN 'corrected later' END),
            closure.source_key
        FROM tickets.closure_events AS closure
        WHERE closure.dataset = v_dataset AND closure.ticket_id = p_ticket_id AND closure.observed_at <= v_known_at
        UNION ALL
        SELECT reopen.reopened_at, 'seen open again',
            concat_ws(', ', CASE WHEN reopen.inferred THEN 'inferred' END, CASE WHEN reopen.retracted THEN 'retracted' END),
            reopen.source_key
        FROM tickets.reopen_events AS reopen
        WHERE reopen.dataset = v_dataset AND reopen.ticket_id = p_ticket_id AND reopen.reopened_at <= v_known_at
        UNION ALL
        SELECT ending.exited_at, 'became an alarm', NULL, ending.source_key
        FROM tickets.exit_events AS ending
        WHERE ending.dataset = v_dataset AND ending.ticket_id = p_ticket_id AND ending.exited_at <= v_known_at
        UNION ALL
        SELECT version.exported_at,
            CASE WHEN version.seeded THEN 'known when history began' WHEN version.raw_before IS NULL THEN 'first told' ELSE 'changed' END,
            concat_ws(', ', version.state, version.raw ->> 'raw_status', version.raw ->> 'assigned_team'),
            version.source_key
        FROM version
        WHERE version.raw IS DISTINCT FROM version.raw_before
    )
    SELECT json_build_object(
        'ticket_id', p_ticket_id,
        'dataset', v_dataset,
        'now', p_now,
        'mode', p_mode,
        'status', v_ticket.normalized_status,
        'raw_status', v_ticket.raw_status,
        'bucket', v_ticket.bucket,
        'cluster', v_ticket.cluster,
        'region', v_ticket.region,
        'location_name', v_ticket.location_name,
        'assigned_team', v_ticket.assigned_team,
        'owner', v_ticket.owner,
        'created_at_service', v_ticket.created_at_service,
        'first_seen_at', v_ticket.first_seen_at,
        'scheduled_at', v_ticket.scheduled_at,
        'closed_at', v_ticket.closed_at,
        'geometry', public.st_asgeojson(v_ticket.geom, 6)::json,
        'geo_source', v_ticket.geo_source,
        'sla', reporting.ticket_sla(v_dataset, p_ticket_id, p_now, v_clocks.content_as_of, p_mode),
        'timeline', (
            SELECT coalesce(json_agg(json_build_object(
                'at', moment.at, 'what', moment.what, 'detail', nullif(moment.detail, ''), 'file', moment.source_key
            ) ORDER BY moment.at, moment.what), '[]')
            FROM moment
            WHERE moment.at IS NOT NULL
        ),
        'facts', (
            SELECT coalesce(json_agg(json_build_object(
                'name', fact.name, 'value', fact.value, 'file', fact.source_key, 'line', fact.line, 'told_at', fact.exported_at
            ) ORDER BY fact.name), '[]')
            FROM fact
            WHERE fact.value IS NOT NULL
        ),
        'freshness', json_build_object(
            'now', p_now, 'run_at', v_clocks.run_at, 'file_ts', v_clocks.file_ts, 'content_as_of', v_clocks.content_as_of
        )
    ) INTO v_answer;
    RETURN v_answer;
END
$$;
COMMENT ON FUNCTION reporting.fn_ticket(p_ticket_id text, p_now timestamp with time zone, p_dataset text, p_mode text) IS 'One ticket: SLA sum, timeline, and the file behind every fact';
CREATE FUNCTION reporting.fn_tickets_for_map(p_dataset text DEFAULT NULL::text, p_cluster text DEFAULT NULL::text, p_status text DEFAULT NULL::text, p_actionable boolean DEFAULT true, p_bbox double precision[] DEFAULT NULL::double precision[], p_now timestamp with time zone DEFAULT NULL::timestamp with time zone, p_mode text DEFAULT 'known'::text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    SET plan_cache_mode TO 'force_custom_plan'
    SET work_mem TO '32MB'
    SET jit TO 'off'
    AS $$
DECLARE
    v_dataset text := nullif(lower(btrim(p_dataset)), '');
    v_cluster text := nullif(lower(btrim(p_cluster)), '');
    v_status text := nullif(lower(btrim(p_status)), '');
    v_box public.geometry;
    v_past boolean := tickets.is_past('inc', p_now) OR tickets.is_past('crq', p_now);
    -- Without p_now a policy is chosen by the newest file, so that the answer hangs on the data alone.
    v_inc_file_ts timestamptz := (
        SELECT (metadata ->> 'source_max_exported_at')::timestamptz FROM tickets.import_meta WHERE dataset = 'inc'
    );
    v_crq_file_ts timestamptz := (
        SELECT (metadata ->> 'source_max_exported_at')::timestamptz FROM tickets.import_meta WHERE dataset = 'crq'
    );
    v_answer json;
BEGIN
    IF v_dataset IS NOT NULL AND v_dataset NOT IN ('inc', 'crq') THEN
        RAISE EXCEPTION 'unknown dataset %: use inc or crq', quote_literal(v_dataset) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_mode IS NULL OR p_mode NOT IN ('known', 'happened') THEN
        RAISE EXCEPTION 'unknown mode %: use known or happened', quote_nullable(p_mode)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_bbox IS NOT NULL THEN
        v_box := reporting.bbox_polygon(p_bbox);
    END IF;
    WITH chosen AS (
        SELECT ticket.*
        FROM tickets.all_tickets AS ticket
        WHERE
            NOT v_past
            AND (v_dataset IS NULL OR ticket.dataset = v_dataset)
            AND (p_actionable IS NULL OR (p_actionable AND ticket.is_actionable)
                OR (NOT p_actionable AND ticket.is_actionable IS NOT TRUE))
            AND (v_cluster IS NULL OR lower(ticket.cluster) = v_cluster)
            AND (v_status IS NULL OR lower(ticket.normalized_status) = v_status)
            AND (v_box IS NULL OR public.st_intersects(ticket.geom, v_box))
        UNION ALL
        SELECT ticket.*
        FROM unnest(CASE WHEN v_dataset IS NULL THEN ARRAY['inc', 'crq'] ELSE ARRAY[v_dataset] END) AS asked (dataset)
        CROSS JOIN LATERAL tickets.seen(
            asked.dataset, p_now, p_mode,
            CASE WHEN p_actionable THEN 'infinity'::timestamptz END, CASE WHEN p_actionable THEN 'infinity'::timestamptz END
        ) AS ticket
        WHERE
            v_past
            AND (p_actionable IS NULL OR (p_actionable AND ticket.is_actionable)
                OR (NOT p_actionable AND ticket.is_actionable IS NOT TRUE))
            AND (v_cluster IS NULL OR lower(ticket.cluster) = v_cluster)
            AND (v_status IS NULL OR lower(ticket.normalized_status) = v_status)
            AND (v_box IS NULL OR public.st_intersects(ticket.geom, v_box))
    ),
    feature AS (
        SELECT
            chosen.dataset,
            chosen.ticket_id,
            chosen.normalized_status AS status,
            chosen.geo_source,
            built.feature
        FROM chosen
        CROSS JOIN LATERAL tickets.map_feature(
            chosen.dataset, chosen.ticket_id, chosen.normalized_status, chosen.raw_status, chosen.bucket,
            chosen.is_actionable, chosen.cluster, chosen.region, chosen.location_name, chosen.assigned_team, chosen.owner,
            chosen.created_at_service, chosen.first_seen_at, chosen.scheduled_at, chosen.closed_at,
            chosen.geom, chosen.geo_source, chosen.geo_precision, chosen.geo_verified,
            p_now, CASE chosen.dataset WHEN 'inc' THEN v_inc_file_ts ELSE v_crq_file_ts END
        ) AS built
    ),
    by_dataset AS (SELECT dataset, count(*) AS n FROM feature GROUP BY dataset),
    by_status AS (SELECT coalesce(status, '(none)') AS status, count(*) AS n FROM feature GROUP BY 1),
    by_geo_source AS (SELECT geo_source, count(*) AS n FROM feature GROUP BY geo_source)
    SELECT json_build_object(
        'type', 'FeatureCollection',
        'features', (
            SELECT coalesce(json_agg(feature.feature ORDER BY feature.dataset DESC, feature.ticket_id COLLATE "C"), '[]') FROM feature
        ),
        'summary', json_build_object(
            'total', (SELECT count(*) FROM feature),
            'mapped', (SELECT count(*) FROM feature WHERE geo_source <> 'none'),
            'unmapped', (SELECT count(*) FROM feature WHERE geo_source = 'none'),
            'by_dataset', (SELECT coalesce(json_object_agg(dataset, n ORDER BY dataset DESC), '{}') FROM by_dataset),
            'by_status', (SELECT coalesce(json_object_agg(status, n ORDER BY status COLLATE "C"), '{}') FROM by_status),
            'by_geo_source', (SELECT coalesce(json_object_agg(geo_source, n ORDER BY geo_source COLLATE "C"), '{}') FROM by_geo_source),
            'freshness', json_build_object(
                'inc', reporting.fn_freshness('inc', p_now, p_mode),
                'crq', reporting.fn_freshness('crq', p_now, p_mode)
            )
        )
    ) INTO v_answer;
    RETURN v_answer;
END
$$;
COMMENT ON FUNCTION reporting.fn_tickets_for_map(p_dataset text, p_cluster text, p_status text, p_actionable boolean, p_bbox double precision[], p_now timestamp with time zone, p_mode text) IS 'GeoJSON FeatureCollection of tickets with a summary of the same set';
CREATE FUNCTION reporting.fn_tile(p_dataset text, p_z integer, p_x integer, p_y integer, p_now timestamp with time zone DEFAULT now()) RETURNS bytea
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
DECLARE
    c_last_grid_zoom CONSTANT integer := 11;
    c_extent CONSTANT integer := 1024;
    c_cell CONSTANT integer := 128;
    c_most CONSTANT integer := 10000;
    v_dataset text := nullif(lower(btrim(p_dataset)), '');
    v_bounds public.geometry;
    v_degrees public.geometry;
    v_answer bytea;
BEGIN
    IF p_z NOT BETWEEN 0 AND 22 OR p_x NOT BETWEEN 0 AND (1 << p_z) - 1 OR p_y NOT BETWEEN 0 AND (1 << p_z) - 1 THEN
        RAISE EXCEPTION 'there is no tile %/%/%', p_z, p_x, p_y USING ERRCODE = 'invalid_parameter_value';
    END IF;
    v_bounds := public.st_tileenvelope(p_z, p_x, p_y);
    v_degrees := public.st_transform(v_bounds, 4326);
    WITH chosen AS MATERIALIZED (
        SELECT 'inc' AS dataset, inc.ticket_id, inc.normalized_status AS status, inc.geo_source,
            inc.created_at_service, inc.first_seen_at, inc.cluster, inc.region, inc.geom
        FROM tickets.inc
        WHERE inc.is_actionable AND (v_dataset IS NULL OR v_dataset = 'inc')
            AND inc.geom OPERATOR(public.&&) v_degrees
        UNION ALL
        SELECT 'crq', crq.ticket_id, crq.normalized_status, crq.geo_source,
            crq.created_at_service, crq.first_seen_at, crq.cluster, crq.region, crq.geom
        FROM tickets.crq
        WHERE crq.is_actionable AND (v_dataset IS NULL OR v_dataset = 'crq')
            AND crq.geom OPERATOR(public.&&) v_degrees
    ),
    placed AS (
        SELECT chosen.dataset, chosen.ticket_id, chosen.status, chosen.geo_source, sla.sla_state,
            sla.at_risk_at AS sla_at_risk_at, sla.due_at AS sla_due_at,
            public.st_asmvtgeom(public.st_transform(chosen.geom, 3857), v_bounds, c_extent, 0, true) AS geom
        FROM chosen
        CROSS JOIN LATERAL tickets.sla_sum(
            chosen.dataset, chosen.ticket_id, 'open', chosen.created_at_service, chosen.first_seen_at, NULL,
            chosen.cluster, chosen.region, chosen.status, p_now, NULL
        ) AS sla
    ),
    cell AS (
        SELECT
            count(*)::integer AS n,
            nullif(count(*) FILTER (WHERE placed.sla_state = 'breached'), 0)::integer AS breached,
            nullif(count(*) FILTER (WHERE placed.sla_state = 'at_risk'), 0)::integer AS at_risk,
            nullif(count(*) FILTER (WHERE placed.sla_state = 'on_track'), 0)::integer AS on_track,
            nullif(count(*) FILTER (WHERE placed.sla_state = 'unknown'), 0)::integer AS unknown,
            nullif(count(*) FILTER (WHERE placed.sla_state = 'none'), 0)::integer AS none,
            public.st_makepoint(
                round(avg(public.st_x(placed.geom))), round(avg(public.st_y(placed.geom)))
            ) AS geom
        FROM placed
        WHERE placed.geom IS NOT NULL AND p_z <= c_last_grid_zoom
        GROUP BY floor(public.st_x(placed.geom) / c_cell), floor(public.st_y(placed.geom) / c_cell)
    ),
    slim AS (
        SELECT placed.ticket_id AS id, placed.dataset, placed.status, placed.geo_source,
            extract(epoch FROM placed.sla_due_at)::bigint AS due,
            extract(epoch FROM placed.sla_at_risk_at)::bigint AS risk,
            placed.geom
        FROM placed
        WHERE placed.geom IS NOT NULL AND p_z > c_last_grid_zoom
        ORDER BY placed.sla_due_at, placed.ticket_id COLLATE "C"
        LIMIT c_most
    )
    SELECT CASE
        WHEN p_z <= c_last_grid_zoom THEN (SELECT public.st_asmvt(cell, 'clusters', c_extent, 'geom') FROM cell)
        ELSE (SELECT public.st_asmvt(slim, 'tickets', c_extent, 'geom') FROM slim)
    END INTO v_answer;
    RETURN coalesce(v_answer, '\x');
END
$$;
COMMENT ON FUNCTION reporting.fn_tile(p_dataset text, p_z integer, p_x integer, p_y integer, p_now timestamp with time zone) IS 'A vector tile of open tickets: counts in a grid, or single tickets';
CREATE FUNCTION reporting.fn_trends(p_dataset text DEFAULT 'inc'::text, p_from timestamp with time zone DEFAULT NULL::timestamp with time zone, p_to timestamp with time zone DEFAULT NULL::timestamp with time zone, p_now timestamp with time zone DEFAULT now()) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    SET plan_cache_mode TO 'force_custom_plan'
    SET work_mem TO '32MB'
    AS $$
DECLARE
    v_last date := (least(coalesce(p_to - interval '1 microsecond', p_now), p_now) AT TIME ZONE interval '03:00')::date;
    v_first date := coalesce((p_from AT TIME ZONE interval '03:00')::date, v_last - 59);
    v_clocks record;
BEGIN
    IF p_from >= p_to THEN
        RAISE EXCEPTION 'from must be before to' USING ERRCODE = 'invalid_parameter_value';
    ELSIF v_last - v_first > 400 THEN
        RAISE EXCEPTION 'ask for 400 days at most' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO v_clocks FROM tickets.clocks(p_dataset, p_now, 'known');
    RETURN (
        WITH calendar AS (
            SELECT
                day::date AS day,
                reporting.window_coverage(
                    day AT TIME ZONE interval '03:00', (day + interval '1 day') AT TIME ZONE interval '03:00',
                    p_now, v_clocks.content_as_of
                ) AS coverage
            FROM generate_series(v_first::timestamp, v_last::timestamp, interval '1 day') AS day
        ),
        closed AS (
            SELECT
                (seen.closed_at AT TIME ZONE interval '03:00')::date AS day,
                count(*) AS closed,
                count(seen.mttr) AS n,
                round((percentile_cont(0.5) WITHIN GROUP (ORDER BY seen.mttr))::numeric, 1) AS median,
                round((percentile_cont(0.9) WITHIN GROUP (ORDER BY seen.mttr))::numeric, 1) AS p90
            FROM tickets.seen(
                p_dataset, p_now, 'known',
                v_first::timestamp AT TIME ZONE interval '03:00',
                (v_last + 1)::timestamp AT TIME ZONE interval '03:00'
            ) AS seen
            WHERE tickets.ticket_state(seen.is_actionable, seen.closed_at, seen.bucket) = 'closed'
                AND seen.closed_at >= v_first::timestamp AT TIME ZONE interval '03:00'
                AND seen.closed_at < (v_last + 1)::timestamp AT TIME ZONE interval '03:00'
            GROUP BY 1
        ),
        aged AS (
            SELECT
                age_group.day,
                json_object_agg(coalesce(age_group.from_h::text, 'unknown'), age_group.n ORDER BY age_group.from_h) AS ageing
            FROM reporting.ageing_daily(p_dataset, v_first, v_last) AS age_group
            GROUP BY age_group.day
        )
        SELECT json_build_object(
            'dataset', p_dataset,
            'from', v_first,
            'to', v_last,
            'small_n', tickets.threshold('small_n', p_dataset, p_now),
            'days', json_agg(
                json_build_object(
                    'day', calendar.day,
                    'coverage', calendar.coverage,
                    'mttr', CASE WHEN calendar.coverage <> 'none' THEN json_build_object(
                        'n', coalesce(closed.n, 0), 'missing', coalesce(closed.closed - closed.n, 0),
                        'median', closed.median, 'p90', closed.p90
                    ) END,
                    'ageing', aged.ageing
                )
                ORDER BY calendar.day
            ),
            'freshness', json_build_object(
                'now', p_now, 'run_at', v_clocks.run_at, 'file_ts', v_clocks.file_ts,
                'content_as_of', v_clocks.content_as_of
            )
        )
        FROM calendar
        LEFT JOIN closed USING (day)
        LEFT JOIN aged USING (day)
    );
END
$$;
COMMENT ON FUNCTION reporting.fn_trends(p_dataset text, p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone) IS 'Each day: coverage, repair time, open tickets by age';
CREATE FUNCTION reporting.inc_dashboard_of(p_cluster text, p_status text, p_team text, p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone, p_content_as_of timestamp with time zone, p_mode text, OUT open_tickets json, OUT closed_tickets json, OUT metrics json) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    SET plan_cache_mode TO 'force_custom_plan'
    SET work_mem TO '32MB'
    AS $$
DECLARE
    c_unassigned CONSTANT text := '(unassigned)';
    v_cluster text := nullif(lower(btrim(p_cluster)), '');
    v_status text := nullif(lower(btrim(p_status)), '');
    v_team text := nullif(lower(btrim(p_team)), '');
    v_from timestamptz := coalesce(p_from, '-infinity');
    v_to timestamptz := coalesce(p_to, 'infinity');
    v_coverage text := reporting.window_coverage(p_from, p_to, p_now, p_content_as_of);
    v_covered boolean := v_coverage <> 'none';
    v_repeat_days integer := tickets.threshold('repeat_days', 'inc', p_now);
BEGIN
    WITH ticket AS MATERIALIZED (
        SELECT
            seen.ticket_id, seen.normalized_status AS status, seen.raw_status, seen.bucket, seen.cluster, seen.region,
            seen.location_name, seen.assigned_team, seen.owner, seen.created_at_service, seen.scheduled_at,
            seen.closed_at, seen.sla_status, seen.mttr, seen.geom, seen.geo_source,
            life.state,
            life.state = 'closed' AND seen.closed_at >= v_from AND seen.closed_at < v_to AS in_closed,
            coalesce(seen.created_at_service >= v_from AND seen.created_at_service < v_to, false) AS in_created,
            -- Whose closure it was is asked of the day it was closed; a ticket may have moved on since.
            CASE WHEN event.ticket_id IS NULL THEN seen.assigned_team ELSE event.team END AS team_name,
            CASE WHEN event.ticket_id IS NULL THEN seen.owner ELSE event.owner END AS owner_name,
            sla.*
        FROM tickets.seen('inc', p_now, p_mode, v_from, v_to) AS seen
        CROSS JOIN LATERAL (
            SELECT tickets.ticket_state(seen.is_actionable, seen.closed_at, seen.bucket) AS state
        ) AS life
        LEFT JOIN LATERAL (
            SELECT closure.ticket_id, closure.team, closure.owner
            FROM tickets.closure_events AS closure
            WHERE life.state = 'closed'
                AND closure.dataset = 'inc'
                AND closure.ticket_id = seen.ticket_id
                AND closure.superseded_by IS NULL
                AND closure.closed_at = seen.closed_at
            ORDER BY closure.seq DESC
            LIMIT 1
        ) AS event ON true
        CROSS JOIN LATERAL tickets.sla_sum(
            'inc', seen.ticket_id, life.state, seen.created_at_service, seen.first_seen_at, seen.closed_at,
            seen.cluster, seen.region, seen.normalized_status, p_now, p_content_as_of
        ) AS sla
        WHERE
            (v_cluster IS NULL OR lower(seen.cluster) = v_cluster)
            AND (v_status IS NULL OR lower(seen.normalized_status) = v_status)
            AND (v_team IS NULL OR lower(coalesce(seen.assigned_team, seen.owner, c_unassigned)) = v_team)
    ),
    open_ticket AS (
        SELECT ticket.*, chance.still_open, chance.breach
        FROM ticket
        CROSS JOIN LATERAL tickets.open_chances(
            'inc', ticket.cluster, ticket.opened_at, p_now, p_content_as_of, ticket.target_min
        ) AS chance
        WHERE ticket.state = 'open'
    ),
    total AS (
        SELECT
            count(*) FILTER (WHERE state = 'open') AS open,
            count(*) FILTER (WHERE state = 'inactive') AS inactive,
            count(*) FILTER (WHERE state = 'closed' AND closed_at IS NULL) AS closed_undated,
            count(*) FILTER (WHERE in_closed) AS closed,
            count(*) FILTER (WHERE in_created) AS created,
            count(*) FILTER (WHERE created_at_service IS NULL) AS created_unknown,
            count(*) FILTER (WHERE in_closed AND derived_hours IS NOT NULL) AS timed,
            count(*) FILTER (WHERE in_closed AND derived_hours < 24) AS within_24h,
            count(*) FILTER (WHERE in_closed AND derived_hours < 48) AS within_48h,
            count(mttr) FILTER (WHERE in_closed) AS mttr_n,
            round(avg(mttr) FILTER (WHERE in_closed), 1) AS mttr_avg,
            round((percentile_cont(0.5) WITHIN GROUP (ORDER BY mttr) FILTER (WHERE in_closed))::numeric, 1) AS mttr_median,
            round((percentile_cont(0.9) WITHIN GROUP (ORDER BY mttr) FILTER (WHERE in_closed))::numeric, 1) AS mttr_p90
        FROM ticket
    ),
    -- Every ticket once in each grouping, so that the groups add up to their total.
    grouped AS (
        SELECT 'open' AS part, dim.name, dim.key, count(*) AS n
        FROM ticket
        CROSS JOIN LATERAL (
            VALUES
                ('status', coalesce(ticket.status, '(none)')),
                ('cluster', coalesce(ticket.cluster, '(none)')),
                ('team', coalesce(ticket.assigned_team, ticket.owner, c_unassigned)),
                ('team_source', CASE WHEN ticket.assigned_team IS NOT NULL THEN 'assigned_team'
                    WHEN ticket.owner IS NOT NULL THEN 'owner' ELSE 'none' END)
        ) AS dim (name, key)
        WHERE ticket.state = 'open'
        GROUP BY 1, 2, 3
        UNION ALL
        SELECT 'closed', dim.name, dim.key, count(*)
        FROM ticket
        CROSS JOIN LATERAL (
            VALUES
                ('status', coalesce(ticket.status, '(none)')),
                ('cluster', coalesce(ticket.cluster, '(none)')),
                ('team', coalesce(ticket.team_name, ticket.owner_name, c_unassigned)),
                ('team_source', CASE WHEN ticket.team_name IS NOT NULL THEN 'assigned_team'
                    WHEN ticket.owner_name IS NOT NULL THEN 'owner' ELSE 'none' END),
                ('sla_source', coalesce(upper(btrim(ticket.sla_status)), '(none)')),
                ('sla_derived', coalesce(ticket.derived_sla, '(none)'))
        ) AS dim (name, key)
        WHERE ticket.in_closed
        GROUP BY 1, 2, 3
    ),
    counted AS (
        SELECT part, name, json_object_agg(key, n ORDER BY n DESC, key COLLATE "C") AS counts FROM grouped GROUP BY part, name
    ),
    ageing AS (
        SELECT
            count(*) FILTER (WHERE age_h >= 0 AND age_h < 4) AS "0-4h",
            count(*) FILTER (WHERE age_h >= 4 AND age_h < 12) AS "4-12h",
            count(*) FILTER (WHERE age_h >= 12 AND age_h < 24) AS "12-24h",
            count(*) FILTER (WHERE age_h >= 24 AND age_h < 36) AS "24-36h",
            count(*) FILTER (WHERE age_h >= 36 AND age_h < 48) AS "36-48h",
            count(*) FILTER (WHERE age_h >= 48 AND age_h < 72) AS "48-72h",
            count(*) FILTER (WHERE age_h >= 72 AND age_h < 168) AS "72-168h",
            count(*) FILTER (WHERE age_h >= 168 AND age_h < 720) AS "168-720h",
            count(*) FILTER (WHERE age_h >= 720) AS "720h+",
            count(*) FILTER (WHERE age_h IS NULL) AS unknown
        FROM (
            SELECT greatest(extract(epoch FROM p_now - opened_at), CASE WHEN opened_at IS NOT NULL THEN 0 END) / 3600 AS age_h
            FROM ticket
            WHERE state = 'open'
        ) AS aged
    ),
    nowcast AS (
        SELECT
            CASE WHEN count(still_open) > 0 THEN round(sum(coalesce(still_open, 1))::numeric, 1) END AS expected_open,
            count(still_open) AS estimated,
            count(*) FILTER (WHERE still_open IS NULL) AS not_estimated
        FROM open_ticket
    ),
    matrix AS (
        SELECT json_agg(cell ORDER BY cell.source, cell.derived) AS cells
        FROM (
            SELECT coalesce(upper(btrim(sla_status)), '(none)') AS source, coalesce(derived_sla, '(none)') AS derived, count(*) AS n
            FROM ticket
            WHERE in_closed
            GROUP BY 1, 2
        ) AS cell
    ),
    open_feature AS (
        SELECT json_build_object(
            'type', 'Feature',
            'id', ticket_id,
            'geometry', public.st_asgeojson(geom, 6)::json,
            'properties', (
                SELECT row_to_json(property)
                FROM (
                    SELECT ticket_id, 'inc' AS dataset, status, raw_status, bucket, cluster, region, location_name,
                        assigned_team, owner, opened_at, scheduled_at, closed_at,
                        at_risk_at AS sla_at_risk_at, due_at AS sla_due_at, sla_state, sla_state_known, evidence,
                        sla_basis, age_bound, hours_open, policy, round(still_open::numeric, 3) AS p_still_open,
                        round(breach::numeric, 3) AS p_breach, geo_source
                ) AS property
            )
        ) AS feature, ticket_id
        FROM open_ticket
    ),
    closed_feature AS (
        SELECT json_build_object(
            'type', 'Feature',
            'id', ticket_id,
            'geometry', public.st_asgeojson(geom, 6)::json,
            'properties', (
                SELECT row_to_json(property)
                FROM (
                    SELECT ticket_id, 'inc' AS dataset, status, raw_status, bucket, cluster, region, location_name,
                        team_name AS assigned_team, owner_name AS owner, created_at_service AS opened_at, closed_at,
                        upper(btrim(sla_status)) AS sla_source, derived_sla,
                        round(derived_hours, 2) AS derived_hours, mttr, policy, geo_source
                ) AS property
            )
        ) AS feature, ticket_id
        FROM ticket
        WHERE in_closed AND v_covered
    )
    SELECT
        json_build_object(
            'type', 'FeatureCollection',
            'features', (SELECT coalesce(json_agg(feature ORDER BY ticket_id COLLATE "C"), '[]') FROM open_feature)
        ),
        json_build_object(
            'type', 'FeatureCollection',
            'features', (SELECT coalesce(json_agg(feature ORDER BY ticket_id COLLATE "C"), '[]') FROM closed_feature)
        ),
        json_build_object(
            'open', total.open,
            'inactive', total.inactive,
            'closed_undated', total.closed_undated,
            'closed', CASE WHEN v_covered THEN total.closed END,
            'created', CASE WHEN v_covered THEN total.created END,
            'created_unknown', total.created_unknown,
            'open_sla', (
                SELECT json_build_object(
                    'on_track', count(*) FILTER (WHERE sla_state = 'on_track'),
                    'at_risk', count(*) FILTER (WHERE sla_state = 'at_risk'),
                    'breached', count(*) FILTER (WHERE sla_state = 'breached'),
                    'unknown', count(*) FILTER (WHERE sla_state = 'unknown'),
                    'none', count(*) FILTER (WHERE sla_state = 'none')
                )
                FROM ticket
                WHERE state = 'open'
            ),
            'open_evidence', (
                SELECT json_build_object(
                    'breached_proven', count(*) FILTER (WHERE sla_state = 'breached' AND evidence = 'proven'),
                    'breached_presumed', count(*) FILTER (WHERE sla_state = 'breached' AND evidence = 'presumed'),
                    'at_risk_proven', count(*) FILTER (WHERE sla_state = 'at_risk' AND evidence = 'proven'),
                    'at_risk_presumed', count(*) FILTER (WHERE sla_state = 'at_risk' AND evidence = 'presumed')
                )
                FROM ticket
                WHERE state = 'open'
            ),
            'closed_sla', CASE WHEN v_covered THEN
                coalesce((SELECT counts FROM counted WHERE part = 'closed' AND name = 'sla_source'), '{}') END,
            'closed_sla_derived', CASE WHEN v_covered THEN
                coalesce((SELECT counts FROM counted WHERE part = 'closed' AND name = 'sla_derived'), '{}') END,
            'closed_sla_matrix', CASE WHEN v_covered THEN coalesce((SELECT cells FROM matrix), '[]') END,
            'closure_rate', CASE WHEN v_covered THEN
                round(total.closed::numeric / nullif(total.closed + total.open, 0), 4) END,
            'clearance', CASE WHEN v_covered THEN round(total.closed::numeric / nullif(total.created, 0), 4) END,
            'within_24h', CASE WHEN v_covered THEN round(total.within_24h::numeric / nullif(total.timed, 0), 4) END,
            'within_48h', CASE WHEN v_covered THEN round(total.within_48h::numeric / nullif(total.timed, 0), 4) END,
            'within_n', CASE WHEN v_covered THEN total.timed END,
            'mttr', json_build_object(
                'n', CASE WHEN v_covered THEN total.mttr_n END,
                'missing', CASE WHEN v_covered THEN total.closed - total.mttr_n END,
                'avg', CASE WHEN v_covered THEN total.mttr_avg END,
                'median', CASE WHEN v_covered THEN total.mttr_median END,
                'p90', CASE WHEN v_covered THEN total.mttr_p90 END
            ),
            'by_status', (SELECT reporting.open_and_closed(json_object_agg(part, counts), v_covered) FROM counted WHERE name = 'status'),
            'by_cluster', (SELECT reporting.open_and_closed(json_object_agg(part, counts), v_covered) FROM counted WHERE name = 'cluster'),
            'by_team', (SELECT reporting.open_and_closed(json_object_agg(part, counts), v_covered) FROM counted WHERE name = 'team'),
            'by_team_source', (SELECT reporting.open_and_closed(json_object_agg(part, counts), v_covered) FROM counted WHERE name = 'team_source'),
            'ageing', (SELECT row_to_json(ageing) FROM ageing),
            'nowcast', (SELECT row_to_json(nowcast) FROM nowcast),
            'daily', (
                SELECT coalesce(json_agg(json_build_object(
                    'day', day.day,
                    'closed', CASE WHEN day.coverage <> 'none' THEN day.closed END,
                    'created', CASE WHEN day.coverage <> 'none' THEN day.created END,
                    'coverage', day.coverage
                ) ORDER BY day.day), '[]')
                FROM reporting.daily_flow(
                    (SELECT coalesce(array_agg(closed_at), '{}') FROM ticket WHERE in_closed),
                    (SELECT coalesce(array_agg(created_at_service), '{}') FROM ticket WHERE in_created),
                    p_from, p_to, p_now, p_content_as_of
                ) AS day
            ),
            'flow', CASE WHEN v_covered AND v_cluster IS NULL AND v_status IS NULL AND v_team IS NULL
                THEN reporting.flow('inc', p_from, p_to, p_now, p_mode) END,
            'repeat', CASE WHEN v_covered THEN (
                SELECT json_build_object(
                    'days', v_repeat_days,
                    'n', count(*) FILTER (WHERE after_days <= v_repeat_days),
                    'n_14', count(*) FILTER (WHERE after_days <= 14),
                    'n_7', count(*) FILTER (WHERE after_days <= 7),
                    'of', count(*)
                )
                FROM reporting.repeats(
                    'inc', (SELECT coalesce(array_agg(ticket_id), '{}') FROM ticket WHERE in_created AND location_name IS NOT NULL),
                    v_from, v_to, p_now, p_mode, greatest(v_repeat_days, 14)
                )
            ) END
        )
    INTO open_tickets, closed_tickets, metrics
    FROM total;
END
$$;
COMMENT ON FUNCTION reporting.inc_dashboard_of(p_cluster text, p_status text, p_team text, p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone, p_content_as_of timestamp with time zone, p_mode text, OUT open_tickets json, OUT closed_tickets json, OUT metrics json) IS 'The dashboard of faults for a settled window and content clock';
CREATE FUNCTION reporting.open_and_closed(p_counts json, p_covered boolean) RETURNS json
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN json_build_object('open', COALESCE((p_counts -> 'open'::text), '{}'::json), 'closed', CASE WHEN p_covered THEN COALESCE((p_counts -> 'closed'::text), '{}'::json) ELSE NULL::json END);
COMMENT ON FUNCTION reporting.open_and_closed(p_counts json, p_covered boolean) IS 'The counts of one grouping, open and closed';
CREATE FUNCTION reporting.open_sla_at(p_dataset text, p_now timestamp with time zone, p_mode text DEFAULT 'known'::text) RETURNS TABLE(ticket_id text, state text, sla_state text, sla_state_known text, evidence text, sla_basis text, age_bound text, opened_at timestamp with time zone, hours_open numeric, at_risk_at timestamp with time zone, due_at timestamp with time zone, policy text, policy_version integer, p_still_open double precision, p_breach double precision, flags text[], cluster text, status text, team text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
DECLARE
    v_content_as_of timestamptz := (tickets.clocks(p_dataset, p_now, p_mode)).content_as_of;
BEGIN
    RETURN QUERY
    SELECT
        ticket.ticket_id,
        'open',
        sla.sla_state,
        sla.sla_state_known,
        sla.evidence,
        sla.sla_basis,
        sla.age_bound,
        sla.opened_at,
        sla.hours_open,
        sla.at_risk_at,
        sla.due_at,
        sla.policy,
        sla.policy_version,
        chance.still_open,
        chance.breach,
        tickets.ticket_flags(
            ticket.raw, 'open', ticket.bucket, ticket.created_at_service, ticket.first_seen_at, ticket.closed_at, p_now
        ),
        ticket.cluster,
        ticket.normalized_status,
        coalesce(ticket.assigned_team, ticket.owner, '(unassigned)')
    FROM tickets.seen(p_dataset, p_now, p_mode, 'infinity', 'infinity') AS ticket
    CROSS JOIN LATERAL tickets.sla_sum(
        p_dataset, ticket.ticket_id, 'open', ticket.created_at_service, ticket.first_seen_at, ticket.closed_at,
        ticket.cluster, ticket.region, ticket.normalized_status, p_now, v_content_as_of
    ) AS sla
    CROSS JOIN LATERAL tickets.open_chances(
        p_dataset, ticket.cluster, sla.opened_at, p_now, v_content_as_of, sla.target_min
    ) AS chance
    WHERE ticket.is_actionable;
END
$$;
COMMENT ON FUNCTION reporting.open_sla_at(p_dataset text, p_now timestamp with time zone, p_mode text) IS 'The SLA of each open ticket of a dataset at an instant';
CREATE FUNCTION reporting.poisson_tail(p_events integer, p_expected double precision) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
DECLARE
    v_log_term double precision;
    v_term double precision;
    v_sum double precision := 0;
BEGIN
    IF p_events <= 0 THEN
        RETURN 1;
    ELSIF p_expected <= 0 THEN
        RETURN 0;
    END IF;
    v_log_term := p_events * ln(p_expected) - p_expected
        - (SELECT sum(ln(n::double precision)) FROM generate_series(1, p_events) AS n);
    IF v_log_term < -700 THEN
        RETURN CASE WHEN p_events > p_expected THEN 0 ELSE 1 END;
    END IF;
    v_term := exp(v_log_term);
    FOR n IN p_events + 1 .. p_events + 10000 LOOP
        v_sum := v_sum + v_term;
        v_term := v_term * p_expected / n;
        EXIT WHEN n > p_expected AND v_term < v_sum * 1e-15;
    END LOOP;
    RETURN least(v_sum, 1);
END
$$;
COMMENT ON FUNCTION reporting.poisson_tail(p_events integer, p_expected double precision) IS 'The chance of at least so many events';
CREATE FUNCTION reporting.repeats(p_dataset text, p_ticket_ids text[], p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone, p_mode text, p_days integer) RETURNS TABLE(ticket_id text, team text, after_days numeric, earlier_id text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET work_mem TO '32MB'
    AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH place_ticket AS MATERIALIZED (
        SELECT
            seen.ticket_id,
            seen.created_at_service,
            CASE WHEN tickets.ticket_state(seen.is_actionable, seen.closed_at, seen.bucket) = 'closed' THEN seen.closed_at END
                AS closed_at,
            coalesce(seen.assigned_team, seen.owner, '(unassigned)') AS team,
            tickets.place_key(seen.location_name) AS place
        FROM tickets.seen(p_dataset, p_now, p_mode, p_from - make_interval(days => p_days), p_to) AS seen
        WHERE btrim(tickets.place_key(seen.location_name)) <> ''
    ),
    closure AS MATERIALIZED (
        SELECT place_ticket.place, place_ticket.ticket_id, place_ticket.closed_at
        FROM place_ticket
        WHERE place_ticket.closed_at IS NOT NULL
    )
    SELECT DISTINCT ON (born.ticket_id)
        born.ticket_id,
        born.team,
        extract(epoch FROM born.created_at_service - closure.closed_at) / 86400,
        closure.ticket_id
    FROM unnest(p_ticket_ids) AS asked (ticket_id)
    JOIN place_ticket AS born ON born.ticket_id = asked.ticket_id
    LEFT JOIN closure
        ON closure.place = born.place
        AND closure.ticket_id <> born.ticket_id
        AND closure.closed_at < born.created_at_service
        AND closure.closed_at >= born.created_at_service - make_interval(days => p_days)
    ORDER BY born.ticket_id, closure.closed_at DESC NULLS LAST, closure.ticket_id;
END
$$;
COMMENT ON FUNCTION reporting.repeats(p_dataset text, p_ticket_ids text[], p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone, p_mode text, p_days integer) IS 'The last closure at the same place, for tickets created in a window';
CREATE FUNCTION reporting.ticket_sla(p_dataset text, p_ticket_id text, p_now timestamp with time zone, p_content_as_of timestamp with time zone, p_mode text DEFAULT 'known'::text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    AS $$
BEGIN
    RETURN (
        SELECT json_build_object(
            'state', life.state,
            'sla_state', sla.sla_state,
            'sla_state_known', sla.sla_state_known,
            'evidence', sla.evidence,
            'sla_basis', CASE WHEN life.state = 'open' THEN sla.sla_basis END,
            'age_bound', CASE WHEN life.state = 'open' THEN sla.age_bound END,
            'opened_at', sla.opened_at,
            'hours_open', sla.hours_open,
            'at_risk_at', sla.at_risk_at,
            'due_at', sla.due_at,
            'policy', sla.policy,
            'policy_version', sla.policy_version,
            'target_min', sla.target_min,
            'at_risk_min', sla.at_risk_min,
            'calendar', sla.calendar,
            'pauses', (
                SELECT json_agg(json_build_object('from', lower(pause), 'to', upper(pause)) ORDER BY lower(pause))
                FROM unnest(sla.pauses) AS pause
            ),
            'p_still_open', round(chance.still_open::numeric, 3),
            'p_breach', round(chance.breach::numeric, 3),
            'sla_source', CASE WHEN life.state = 'closed' THEN upper(btrim(ticket.sla_status)) END,
            'derived_sla', sla.derived_sla,
            'derived_hours', round(sla.derived_hours, 2),
            'mttr', CASE WHEN life.state = 'closed' THEN ticket.mttr END,
            'flags', tickets.ticket_flags(
                ticket.raw, life.state, ticket.bucket, ticket.created_at_service, ticket.first_seen_at,
                ticket.closed_at, p_now
            )
        )
        FROM tickets.ticket_seen(p_dataset, p_ticket_id, p_now, p_mode) AS ticket
        CROSS JOIN LATERAL (
            SELECT tickets.ticket_state(ticket.is_actionable, ticket.closed_at, ticket.bucket) AS state
        ) AS life
        CROSS JOIN LATERAL tickets.sla_sum(
            p_dataset, ticket.ticket_id, life.state, ticket.created_at_service, ticket.first_seen_at, ticket.closed_at,
            ticket.cluster, ticket.region, ticket.normalized_status, p_now, p_content_as_of
        ) AS sla
        LEFT JOIN LATERAL tickets.open_chances(
            p_dataset, ticket.cluster, sla.opened_at, p_now, p_content_as_of, sla.target_min
        ) AS chance ON life.state = 'open'
    );
END
$$;
COMMENT ON FUNCTION reporting.ticket_sla(p_dataset text, p_ticket_id text, p_now timestamp with time zone, p_content_as_of timestamp with time zone, p_mode text) IS 'The SLA sum of one ticket';
CREATE FUNCTION reporting.window_bounds(p_window text, p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone, p_week_start integer DEFAULT NULL::integer, OUT name text, OUT starts_at timestamp with time zone, OUT ends_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_today timestamp := date_trunc('day', p_now AT TIME ZONE interval '03:00');
    v_week_start integer := coalesce(p_week_start, tickets.threshold('week_start')::integer, 1);
    v_first timestamp;
    v_next timestamp;
BEGIN
    name := lower(btrim(p_window));
    IF p_from IS NOT NULL OR p_to IS NOT NULL THEN
        name := 'custom';
        starts_at := p_from;
        ends_at := p_to;
        IF NOT isfinite(coalesce(p_from, 'epoch')) OR NOT isfinite(coalesce(p_to, 'epoch')) THEN
            RAISE EXCEPTION 'the window''s from and to must be times: leave a side out to keep it open'
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        IF p_from >= p_to THEN
            RAISE EXCEPTION 'the window begins at % and ends at %: from must be before to',
                p_from AT TIME ZONE interval '03:00', p_to AT TIME ZONE interval '03:00'
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        RETURN;
    END IF;
    CASE name
        WHEN 'today' THEN
            v_first := v_today;
            v_next := v_today + interval '1 day';
        WHEN 'week' THEN
            v_first := v_today - make_interval(days => (extract(isodow FROM v_today)::integer - v_week_start + 7) % 7);
            v_next := v_first + interval '7 days';
        WHEN 'month' THEN
            v_first := date_trunc('month', v_today);
            v_next := v_first + interval '1 month';
        WHEN 'custom' THEN
            RAISE EXCEPTION 'the custom window needs from or to' USING ERRCODE = 'invalid_parameter_value';
        ELSE
            RAISE EXCEPTION 'unknown window %: use today, week, month, or give from and to',
                quote_nullable(left(p_window, 60)) USING ERRCODE = 'invalid_parameter_value';
    END CASE;
    starts_at := v_first AT TIME ZONE interval '03:00';
    ends_at := v_next AT TIME ZONE interval '03:00';
END
$$;
COMMENT ON FUNCTION reporting.window_bounds(p_window text, p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone, p_week_start integer, OUT name text, OUT starts_at timestamp with time zone, OUT ends_at timestamp with time zone) IS 'The window that a name or two instants stand for, in the EAT calendar';
CREATE FUNCTION reporting.window_coverage(p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone, p_content_as_of timestamp with time zone) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((p_content_as_of IS NULL) OR (p_content_as_of <= p_from)) THEN 'none'::text WHEN (p_content_as_of >= LEAST(p_to, p_now)) THEN 'full'::text ELSE 'partial'::text END;
COMMENT ON FUNCTION reporting.window_coverage(p_from timestamp with time zone, p_to timestamp with time zone, p_now timestamp with time zone, p_content_as_of timestamp with time zone) IS 'How much of a window the data reaches: none, partial or full';
CREATE FUNCTION reporting.window_day(p_anchor text, p_now timestamp with time zone, p_content_as_of timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
BEGIN
    IF p_anchor IS NULL OR p_anchor NOT IN ('now', 'content') THEN
        RAISE EXCEPTION 'unknown anchor %: use now or content', quote_nullable(left(p_anchor, 60))
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Data that ends at midnight covers the day before.
    RETURN CASE WHEN p_anchor = 'content' AND p_content_as_of < p_now
        THEN p_content_as_of - interval '1 microsecond' ELSE p_now END;
END
$$;
COMMENT ON FUNCTION reporting.window_day(p_anchor text, p_now timestamp with time zone, p_content_as_of timestamp with time zone) IS 'The instant whose day a window calls today';
CREATE FUNCTION tickets.active_seconds(p_calendar text, p_pauses tstzmultirange, p_from timestamp with time zone, p_to timestamp with time zone) RETURNS numeric
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
BEGIN
    IF p_from IS NULL OR p_to IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT coalesce(sum(extract(epoch FROM upper(span) - lower(span))), 0)
        FROM unnest(tickets.working_spans(p_calendar, p_from, p_to) - coalesce(p_pauses, '{}')) AS span
    );
END
$$;
COMMENT ON FUNCTION tickets.active_seconds(p_calendar text, p_pauses tstzmultirange, p_from timestamp with time zone, p_to timestamp with time zone) IS 'Seconds the SLA clock ran between two instants';
CREATE FUNCTION tickets.active_time(p_from timestamp with time zone, p_to timestamp with time zone, p_from_h numeric DEFAULT 6, p_until_h numeric DEFAULT 20) RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT make_interval(secs => (sum(((side.sign)::numeric * (((((((side.at AT TIME ZONE '03:00:00'::interval))::date - '2000-01-01'::date))::numeric * (active_time.p_until_h - active_time.p_from_h)) * (3600)::numeric) + LEAST(GREATEST((EXTRACT(epoch FROM ((side.at AT TIME ZONE '03:00:00'::interval))::time without time zone) - (active_time.p_from_h * (3600)::numeric)), (0)::numeric), ((active_time.p_until_h - active_time.p_from_h) * (3600)::numeric))))))::double precision) AS make_interval FROM (VALUES (1,active_time.p_to), ('-1'::integer,active_time.p_from)) side(sign, at));
COMMENT ON FUNCTION tickets.active_time(p_from timestamp with time zone, p_to timestamp with time zone, p_from_h numeric, p_until_h numeric) IS 'Working time of the export between two instants';
CREATE FUNCTION tickets.active_until(p_calendar text, p_pauses tstzmultirange, p_from timestamp with time zone, p_seconds numeric) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    v_days integer := 14 + ceil(p_seconds / 21600);
    v_until timestamptz;
BEGIN
    IF p_from IS NULL OR p_seconds IS NULL THEN
        RETURN NULL;
    END IF;
    WHILE v_until IS NULL AND v_days < 4000 LOOP
        SELECT upper(walked.span) - make_interval(secs => (walked.so_far - p_seconds)::double precision) INTO v_until
        FROM (
            SELECT span, sum(extract(epoch FROM upper(span) - lower(span))) OVER (ORDER BY lower(span)) AS so_far
            FROM unnest(
                tickets.working_spans(p_calendar, p_from, p_from + make_interval(days => v_days))
                - coalesce(p_pauses, '{}')
            ) AS span
        ) AS walked
        WHERE walked.so_far >= p_seconds
        ORDER BY walked.so_far
        LIMIT 1;
        v_days := v_days * 4;
    END LOOP;
    RETURN v_until;
END
$$;
COMMENT ON FUNCTION tickets.active_until(p_calendar text, p_pauses tstzmultirange, p_from timestamp with time zone, p_seconds numeric) IS 'The instant at which the SLA clock has run so many seconds';
CREATE FUNCTION tickets.advance_revision(p_dataset text, p_ticket_ids text[] DEFAULT NULL::text[]) RETURNS bigint
    LANGUAGE plpgsql
    SET "TimeZone" TO 'Africa/Nairobi'
    SET jit TO 'off'
    AS $$
DECLARE
    c_kept CONSTANT bigint := 1000;
    c_most_tickets CONSTANT integer := 5000;
    v_ticket_ids text[] := CASE WHEN cardinality(p_ticket_ids) <= c_most_tickets THEN p_ticket_ids END;
    v_renewed text[];
    v_file_ts timestamptz := (
        SELECT (metadata ->> 'source_max_exported_at')::timestamptz FROM tickets.import_meta WHERE dataset = p_dataset
    );
    v_revision bigint;
BEGIN
    -- The row's lock makes writers of one dataset take turns from here to their commit.
    UPDATE tickets.revisions
    SET revision = revisions.revision + 1, advanced_at = now()
    WHERE revisions.dataset = p_dataset
    RETURNING revisions.revision INTO v_revision;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown dataset %: use inc or crq', quote_nullable(p_dataset)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF v_revision = 1 THEN
        v_ticket_ids := NULL;
    END IF;
    IF v_ticket_ids IS NULL OR cardinality(v_ticket_ids) > 0 THEN
        v_renewed := coalesce(v_ticket_ids, ARRAY(
            SELECT ticket.ticket_id FROM tickets.all_tickets AS ticket WHERE ticket.dataset = p_dataset AND ticket.is_actionable
        ));
        WITH renewed AS MATERIALIZED (
            SELECT ticket.ticket_id, built.feature::text AS feature
            FROM (SELECT DISTINCT unnest(v_renewed) AS ticket_id) AS named
            -- LIMIT keeps this a look-up a ticket, whatever the planner believes of their number.
            CROSS JOIN LATERAL (
                SELECT known.*
                FROM tickets.all_tickets AS known
                WHERE known.dataset = p_dataset AND known.ticket_id = named.ticket_id AND known.is_actionable
                LIMIT 1
            ) AS ticket
            CROSS JOIN LATERAL tickets.map_feature(
                p_dataset, ticket.ticket_id, ticket.normalized_status, ticket.raw_status, ticket.bucket,
                ticket.is_actionable, ticket.cluster, ticket.region, ticket.location_name, ticket.assigned_team, ticket.owner,
                ticket.created_at_service, ticket.first_seen_at, ticket.scheduled_at, ticket.closed_at,
                ticket.geom, ticket.geo_source, ticket.geo_precision, ticket.geo_verified, NULL, v_file_ts
            ) AS built
        ),
        written AS (
            INSERT INTO tickets.map_features AS kept (dataset, ticket_id, feature)
            SELECT p_dataset, renewed.ticket_id, renewed.feature
            FROM renewed
            ORDER BY renewed.ticket_id COLLATE "C"
            ON CONFLICT (dataset, ticket_id) DO UPDATE SET feature = excluded.feature
            WHERE kept.feature <> excluded.feature
        )
        DELETE FROM tickets.map_features AS kept
        WHERE kept.dataset = p_dataset
            AND (v_ticket_ids IS NULL OR kept.ticket_id = ANY (v_ticket_ids))
            AND NOT EXISTS (SELECT FROM renewed WHERE renewed.ticket_id COLLATE "C" = kept.ticket_id);
    END IF;
    INSERT INTO tickets.revision_log (dataset, revision, ticket_ids) VALUES (p_dataset, v_revision, v_ticket_ids);
    DELETE FROM tickets.revision_log WHERE dataset = p_dataset AND revision <= v_revision - c_kept;
    PERFORM pg_notify('fleettickets', p_dataset || ':' || v_revision);
    RETURN v_revision;
END
$$;
COMMENT ON FUNCTION tickets.advance_revision(p_dataset text, p_ticket_ids text[]) IS 'Advances a dataset''s revision, renews the features of the tickets named and tells the listeners';
CREATE FUNCTION tickets.capture_days(p_dataset text, p_instants timestamp with time zone[], p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_from date;
    v_today date := (p_now AT TIME ZONE interval '03:00')::date;
    v_day record;
    v_file record;
    v_states text[];
    v_row tickets.inc_daily_snapshot;
BEGIN
    SELECT min((instant AT TIME ZONE interval '03:00')::date) INTO v_from FROM unnest(p_instants) AS instant;
    FOR v_day IN
        SELECT taken.day, max(taken.as_of) AS as_of
        FROM (
            SELECT (instant AT TIME ZONE interval '03:00')::date AS day, instant AS as_of
            FROM unnest(p_instants) AS instant
            UNION ALL
            SELECT day, as_of FROM tickets.inc_daily_snapshot WHERE p_dataset = 'inc' AND day >= v_from
            UNION ALL
            SELECT day, as_of FROM tickets.crq_daily_snapshot WHERE p_dataset = 'crq' AND day >= v_from
        ) AS taken
        GROUP BY taken.day
    LOOP
        SELECT * INTO v_file FROM tickets.file_at(p_dataset, v_day.as_of);
        -- Two statements: the one for the past costs its planning only where a past day is taken.
        IF tickets.is_past(p_dataset, v_day.as_of) THEN
            v_states := ARRAY(
                SELECT sla.sla_state
                FROM tickets.open_at(p_dataset, v_day.as_of) AS ticket
                CROSS JOIN LATERAL tickets.sla_sum(
                    p_dataset, ticket.ticket_id, 'open', ticket.created_at_service, ticket.first_seen_at, ticket.closed_at,
                    ticket.cluster, ticket.region, ticket.normalized_status, v_day.as_of, NULL
                ) AS sla
            );
        ELSE
            v_states := ARRAY(
                SELECT sla.sla_state
                FROM tickets.all_tickets AS ticket
                CROSS JOIN LATERAL tickets.sla_sum(
                    p_dataset, ticket.ticket_id, 'open', ticket.created_at_service, ticket.first_seen_at, ticket.closed_at,
                    ticket.cluster, ticket.region, ticket.normalized_status, v_day.as_of, NULL
                ) AS sla
                WHERE ticket.dataset = p_dataset AND ticket.is_actionable
            );
        END IF;
        v_row.open := cardinality(v_states);
        v_row.on_track := cardinality(array_positions(v_states, 'on_track'));
        v_row.at_risk := cardinality(array_positions(v_states, 'at_risk'));
        v_row.breached := cardinality(array_positions(v_states, 'breached'));
        v_row.unknown := cardinality(array_positions(v_states, 'unknown'));
        v_row.no_policy := cardinality(array_positions(v_states, 'none'));
        v_row.day := v_day.day;
        v_row.as_of := v_day.as_of;
        v_row.content_as_of := tickets.content_as_of(p_dataset, v_day.as_of);
        v_row.source_max_key := v_file.key;
        v_row.fresh := coalesce(tickets.active_time(v_file.exported_at, v_day.as_of) < interval '3 hours', false);
        v_row.method := CASE WHEN v_day.day = v_today THEN 'live' ELSE 'replayed' END;
        PERFORM tickets.keep_day(p_dataset, v_row);
    END LOOP;
END
$$;
COMMENT ON FUNCTION tickets.capture_days(p_dataset text, p_instants timestamp with time zone[], p_now timestamp with time zone) IS 'Takes the backlog of some days and again of the later ones';
CREATE FUNCTION tickets.capture_history(p_dataset text, p_now timestamp with time zone) RETURNS date
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_due timestamptz := (
        SELECT (metadata ->> 'history_days_due')::timestamptz FROM tickets.import_meta WHERE dataset = p_dataset
    );
BEGIN
    IF tickets.known_until(p_dataset) IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM tickets.capture_days(
        p_dataset,
        p_now || ARRAY(
            SELECT max(file.exported_at)
            FROM tickets.import_files AS file
            WHERE file.dataset = p_dataset AND file.export_type IS NOT NULL AND file.exported_at >= v_due
            GROUP BY (file.exported_at AT TIME ZONE interval '03:00')::date
        ),
        p_now
    );
    IF v_due IS NOT NULL THEN
        UPDATE tickets.import_meta SET metadata = metadata - 'history_days_due' WHERE dataset = p_dataset;
    END IF;
    RETURN (p_now AT TIME ZONE 'Africa/Nairobi')::date;
END
$$;
COMMENT ON FUNCTION tickets.capture_history(p_dataset text, p_now timestamp with time zone) IS 'Takes the backlog of today as it is known now';
CREATE FUNCTION tickets.clocks(p_dataset text, p_now timestamp with time zone, p_mode text, OUT run_at timestamp with time zone, OUT file_ts timestamp with time zone, OUT content_as_of timestamp with time zone) RETURNS record
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
COMMENT ON FUNCTION tickets.clocks(p_dataset text, p_now timestamp with time zone, p_mode text, OUT run_at timestamp with time zone, OUT file_ts timestamp with time zone, OUT content_as_of timestamp with time zone) IS 'The clocks of one dataset: run_at, file_ts, content_as_of';
CREATE TABLE tickets.import_files (
    file_id bigint NOT NULL,
    dataset text NOT NULL,
    key text NOT NULL,
    etag text NOT NULL COLLATE pg_catalog."C",
    last_modified timestamp with time zone NOT NULL,
    size_bytes bigint NOT NULL,
    exported_at timestamp with time zone,
    state text NOT NULL,
    reason text,
    run_id bigint,
    finished_at timestamp with time zone DEFAULT now() NOT NULL,
    attempts integer DEFAULT 1 NOT NULL,
    encoding text,
    export_type text,
    export_truncated boolean DEFAULT false NOT NULL,
    is_late boolean DEFAULT false NOT NULL,
    rows_read bigint DEFAULT 0 NOT NULL,
    rows_new bigint DEFAULT 0 NOT NULL,
    rows_changed bigint DEFAULT 0 NOT NULL,
    rows_unchanged bigint DEFAULT 0 NOT NULL,
    rows_stale bigint DEFAULT 0 NOT NULL,
    rows_duplicate bigint DEFAULT 0 NOT NULL,
    rows_alarm bigint DEFAULT 0 NOT NULL,
    rows_sentinel bigint DEFAULT 0 NOT NULL,
    rows_rejected bigint DEFAULT 0 NOT NULL,
    flags jsonb DEFAULT '{}'::jsonb NOT NULL,
    archive_key text,
    archived_at timestamp with time zone,
    discarded_at timestamp with time zone,
    discarded_by text,
    content_as_of timestamp with time zone,
    CONSTRAINT import_files_rows_add_up CHECK ((rows_read = (((((((rows_new + rows_changed) + rows_unchanged) + rows_stale) + rows_duplicate) + rows_alarm) + rows_sentinel) + rows_rejected))),
    CONSTRAINT import_files_state_is_known CHECK ((state = ANY (ARRAY['applied'::text, 'quarantined'::text, 'failed'::text, 'superseded'::text, 'unexpected'::text, 'forgotten'::text])))
);
COMMENT ON TABLE tickets.import_files IS 'The ledger: one row a file version (key, ETag, last-modified) with its outcome';
COMMENT ON COLUMN tickets.import_files.state IS 'applied: its rows are merged; quarantined: not usable, kept; failed: will be tried again; superseded: gone or replaced before it could be read; unexpected: a name that is no export, left alone; forgotten: a reseed asked to read it again';
COMMENT ON COLUMN tickets.import_files.discarded_at IS 'When somebody decided that this quarantined file is of no use';
COMMENT ON COLUMN tickets.import_files.content_as_of IS 'Newest creation or closure its tickets tell of, at most 15 minutes ahead of the file';
CREATE FUNCTION tickets.content_as_of(p_dataset text, p_at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT file.content_as_of FROM tickets.import_files file WHERE ((file.dataset = content_as_of.p_dataset) AND (file.content_as_of IS NOT NULL) AND (file.exported_at <= content_as_of.p_at)) ORDER BY file.content_as_of DESC LIMIT 1);
COMMENT ON FUNCTION tickets.content_as_of(p_dataset text, p_at timestamp with time zone) IS 'The newest lifecycle instant the data knew at an instant';
CREATE FUNCTION tickets.feed_point(p_latitude text, p_longitude text) RETURNS public.geometry
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((p_latitude IS NULL) OR (p_longitude IS NULL)) THEN NULL::public.geometry WHEN ((p_latitude ~ '^[ \t\n\r]*[+-]?[0-9]{1,3}(\.[0-9]{0,30})?[ \t\n\r]*$'::text) AND (p_longitude ~ '^[ \t\n\r]*[+-]?[0-9]{1,3}(\.[0-9]{0,30})?[ \t\n\r]*$'::text)) THEN CASE WHEN (((p_latitude)::double precision >= '-4.9'::double precision) AND ((p_latitude)::double precision <= '5.1'::double precision) AND ((p_longitude)::double precision >= '33.8'::double precision) AND ((p_longitude)::double precision <= '42'::double precision)) THEN public.st_setsrid(public.st_makepoint((p_longitude)::double precision, (p_latitude)::double precision), 4326) ELSE NULL::public.geometry END ELSE NULL::public.geometry END;
COMMENT ON FUNCTION tickets.feed_point(p_latitude text, p_longitude text) IS 'The feed''s own coordinates as a point, or null when they are none';
CREATE FUNCTION tickets.file_alarms(p_dataset text, p_now timestamp with time zone) RETURNS TABLE(cause text, severity text, detail text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH recent AS (
        SELECT file.*
        FROM tickets.import_files AS file
        WHERE file.dataset = p_dataset
            AND file.state IN ('applied', 'quarantined', 'failed')
            AND (NOT tickets.is_past(p_dataset, p_now) OR file.exported_at <= p_now)
        ORDER BY file.file_id DESC
        LIMIT tickets.threshold('recent_files', p_dataset, p_now)::integer
    ),
    summary AS (
        SELECT
            count(*) AS files,
            count(*) FILTER (WHERE export_truncated) AS truncated,
            count(*) FILTER (WHERE is_late) AS late,
            count(*) FILTER (WHERE reason = 'file_from_future') AS future,
            count(*) FILTER (WHERE state = 'quarantined' AND reason IS DISTINCT FROM 'file_from_future') AS quarantined,
            count(*) FILTER (WHERE state = 'failed') AS failed,
            coalesce(sum(rows_rejected), 0) AS rejected,
            coalesce(sum(rows_read), 0) AS rows_read
        FROM recent
    ),
    learned AS (
        SELECT count(*) AS files, percentile_cont(0.99) WITHIN GROUP (ORDER BY rows_read) AS p99
        FROM (
            SELECT file.rows_read
            FROM tickets.import_files AS file
            WHERE file.dataset = p_dataset AND file.state = 'applied' AND file.export_type = 'delta'
            ORDER BY file.file_id DESC
            LIMIT 1000
        ) AS delta
    )
    SELECT alarm.cause, alarm.severity, alarm.detail
    FROM summary
    CROSS JOIN learned
    CROSS JOIN LATERAL (
        VALUES
            ('export_truncated', 'warn', summary.truncated > 0,
                format('%s of the newest %s files were cut short by the export: rows are missing', summary.truncated, summary.files)),
            ('late_files', 'warn', summary.late > 0,
                format('%s of the newest %s files came after a newer one; their rows were read all the same', summary.late, summary.files)),
            ('file_from_future', 'warn', summary.future > 0,
                format('%s of the newest %s files are named after a time to come: see fleettickets status', summary.future, summary.files)),
            ('files_quarantined', 'warn', summary.quarantined > 0,
                format('%s of the newest %s files could not be used: see quarantine/ in the bucket', summary.quarantined, summary.files)),
            ('files_failed', 'warn', summary.failed > 0,
                format('%s files could not be read yet: run the ingest again', summary.failed)),
            ('rows_rejected', 'warn',
                summary.rejected > summary.rows_read * tickets.threshold('rejected_warn_share', p_dataset, p_now),
                format('%s of %s rows of the newest files could not be used: see tickets.rejected_rows', summary.rejected, summary.rows_read)),
            ('rows_outside_range', 'warn',
                learned.files >= tickets.threshold('rows_learned_files', p_dataset, p_now)
                AND EXISTS (SELECT FROM recent WHERE recent.export_type = 'delta' AND recent.rows_read > 3 * learned.p99),
                format('a file has more than three times the rows that 99 of 100 files have (%s)', round(learned.p99::numeric)))
    ) AS alarm (cause, severity, is_raised, detail)
    WHERE alarm.is_raised;
END
$$;
COMMENT ON FUNCTION tickets.file_alarms(p_dataset text, p_now timestamp with time zone) IS 'What is wrong with the newest files of a dataset';
CREATE FUNCTION tickets.file_at(p_dataset text, p_at timestamp with time zone) RETURNS TABLE(key text, exported_at timestamp with time zone)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT file.key,
     file.exported_at
    FROM tickets.import_files file
   WHERE ((file.dataset = file_at.p_dataset) AND (file.exported_at <= file_at.p_at) AND (file.export_type IS NOT NULL))
   ORDER BY file.exported_at DESC, file.last_modified DESC, file.etag DESC
  LIMIT 1;
END;
COMMENT ON FUNCTION tickets.file_at(p_dataset text, p_at timestamp with time zone) IS 'The newest file that history knew at an instant';
CREATE FUNCTION tickets.fold_history(p_dataset text, p_ticket_ids text[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_first record;
BEGIN
    IF cardinality(p_ticket_ids) = 0 THEN
        RETURN;
    END IF;
    SELECT
        (metadata #>> '{history_first,exported_at}')::timestamptz AS exported_at,
        (metadata #>> '{history_first,modified}')::timestamptz AS modified,
        metadata #>> '{history_first,etag}' AS etag
    INTO v_first
    FROM tickets.import_meta
    WHERE dataset = p_dataset;
    WITH version AS MATERIALIZED (
        SELECT
            row.ticket_id, row.exported_at, row.modified, row.etag, row.source_key, row.is_alarm, row.state,
            row.closed_at, row.seeded, row.raw,
            row.state = 'open' AS is_open,
            coalesce(lag(row.state = 'open') OVER story, false) AS was_open
        FROM unnest(p_ticket_ids) AS named (ticket_id)
        JOIN tickets.row_versions AS row ON row.dataset = p_dataset AND row.ticket_id = named.ticket_id
        WINDOW story AS (PARTITION BY row.ticket_id ORDER BY row.exported_at, row.modified, row.etag)
    ),
    -- Where a spell begins or ends; every other row is the beginning's.
    spell AS (
        SELECT
            turned.ticket_id,
            row_number() OVER (PARTITION BY turned.ticket_id ORDER BY turned.exported_at, turned.modified, turned.etag) AS seq,
            turned.exported_at AS opened_at,
            turned.left_at
        FROM (
            SELECT
                version.*,
                coalesce(lead(exported_at) OVER (PARTITION BY ticket_id ORDER BY exported_at, modified, etag), 'infinity')
                    AS left_at
            FROM version
            WHERE is_open <> was_open
        ) AS turned
        WHERE turned.is_open
    ),
    -- An alarm row ends an open spell and says nothing else.
    exited AS (
        SELECT
            ticket_id,
            row_number() OVER (PARTITION BY ticket_id ORDER BY exported_at, modified, etag) AS seq,
            exported_at,
            source_key
        FROM version
        WHERE is_alarm AND was_open
    ),
    seen AS (
        SELECT
            version.*,
            lag(state) OVER story AS state_before,
            lag(exported_at) OVER story AS seen_before
        FROM version
        WHERE NOT is_alarm
        WINDOW story AS (PARTITION BY ticket_id ORDER BY exported_at, modified, etag)
    ),
    -- spell: how often the ticket has become closed. A closed row that only lost its date tells nothing new.
    numbered AS (
        SELECT
            seen.*,
            state = 'closed' AND closed_at IS NULL AND coalesce(state_before = 'closed', false) AS lost_its_date,
            count(*) FILTER (WHERE state = 'closed' AND state_before IS DISTINCT FROM 'closed') OVER story AS spell
        FROM seen
        WINDOW story AS (PARTITION BY ticket_id ORDER BY exported_at, modified, etag)
    ),
    closed_row AS (
        SELECT
            numbered.*,
            lag(closed_at) OVER dated AS closed_at_before,
            row_number() OVER dated AS position
        FROM numbered
        WHERE state = 'closed'
        WINDOW dated AS (PARTITION BY ticket_id, lost_its_date ORDER BY exported_at, modified, etag)
    ),
    judged AS (
        SELECT
            closed_row.*,
            CASE
                WHEN lost_its_date THEN NULL
                WHEN position = 1
                    AND (seeded OR (exported_at, modified, etag) = (v_first.exported_at, v_first.modified, v_first.etag))
                THEN 'baseline'
                WHEN position = 1 THEN 'observed'
                WHEN closed_at IS NOT DISTINCT FROM closed_at_before THEN NULL
                WHEN state_before <> 'closed' OR closed_at > seen_before THEN 'reclosed'
                ELSE 'amended'
            END AS kind
        FROM closed_row
    ),
    counted AS (
        SELECT judged.*, count(kind) OVER (PARTITION BY ticket_id ORDER BY exported_at, modified, etag) AS seq
        FROM judged
    ),
    lasting AS (
        SELECT counted.*, bool_or(lost_its_date) OVER (PARTITION BY ticket_id, seq) AS loses_its_date
        FROM counted
    ),
    closed AS (
        SELECT lasting.*, lead(kind) OVER (PARTITION BY ticket_id ORDER BY seq) AS kind_after
        FROM lasting
        WHERE kind IS NOT NULL
    ),
    reopened AS (
        SELECT
            told.ticket_id,
            row_number() OVER (PARTITION BY told.ticket_id ORDER BY told.exported_at, told.modified, told.etag) AS seq,
            told.exported_at,
            told.source_key,
            told.inferred,
            told.retracted
        FROM (
            SELECT
                numbered.ticket_id, numbered.exported_at, numbered.modified, numbered.etag, numbered.source_key,
                false AS inferred, again.ticket_id IS NOT NULL AS retracted
            FROM numbered
            LEFT JOIN judged AS again
                ON again.ticket_id = numbered.ticket_id
                AND again.spell = numbered.spell + 1
                AND again.state_before <> 'closed'
                AND again.kind IS NULL
            WHERE numbered.state <> 'closed' AND numbered.state_before = 'closed'
            UNION ALL
            SELECT ticket_id, exported_at, modified, etag, source_key, true, false
            FROM judged
            WHERE kind = 'reclosed' AND state_before = 'closed'
        ) AS told
    ),
    closure AS (
        INSERT INTO tickets.closure_events AS event (
            dataset, ticket_id, seq, kind, closed_at, observed_at, supersedes, superseded_by, closed_at_lost,
            team, owner, cluster, source_key
        )
        SELECT
            p_dataset, closed.ticket_id, closed.seq, closed.kind, closed.closed_at, closed.exported_at,
            CASE WHEN closed.kind = 'amended' THEN closed.seq - 1 END,
            CASE WHEN closed.kind_after = 'amended' THEN closed.seq + 1 END,
            closed.closed_at IS NOT NULL AND closed.loses_its_date,
            nullif(btrim(closed.raw ->> 'assigned_team'), ''),
            nullif(btrim(closed.raw ->> 'owner'), ''),
            nullif(btrim(closed.raw ->> 'cluster'), ''),
            closed.source_key
        FROM closed
        ORDER BY closed.ticket_id COLLATE "C", closed.seq
        ON CONFLICT (dataset, ticket_id, seq) DO UPDATE SET
            kind = excluded.kind,
            closed_at = excluded.closed_at,
            observed_at = excluded.observed_at,
            supersedes = excluded.supersedes,
            superseded_by = excluded.superseded_by,
            closed_at_lost = excluded.closed_at_lost,
            team = excluded.team,
            owner = excluded.owner,
            cluster = excluded.cluster,
            source_key = excluded.source_key
        WHERE event IS DISTINCT FROM excluded
    ),
    reopen AS (
        INSERT INTO tickets.reopen_events AS event (
            dataset, ticket_id, seq, reopened_at, inferred, retracted, source_key
        )
        SELECT p_dataset, ticket_id, seq, exported_at, inferred, retracted, source_key
        FROM reopened
        ORDER BY ticket_id COLLATE "C", seq
        ON CONFLICT (dataset, ticket_id, seq) DO UPDATE SET
            reopened_at = excluded.reopened_at,
            inferred = excluded.inferred,
            retracted = excluded.retracted,
            source_key = excluded.source_key
        WHERE event IS DISTINCT FROM excluded
    ),
    exit AS (
        INSERT INTO tickets.exit_events AS event (dataset, ticket_id, seq, kind, exited_at, source_key)
        SELECT p_dataset, ticket_id, seq, 'became_alarm', exported_at, source_key
        FROM exited
        ORDER BY ticket_id COLLATE "C", seq
        ON CONFLICT (dataset, ticket_id, seq) DO UPDATE SET
            exited_at = excluded.exited_at,
            source_key = excluded.source_key
        WHERE event IS DISTINCT FROM excluded
    ),
    spent AS (
        INSERT INTO tickets.open_spells AS known (dataset, ticket_id, seq, opened_at, left_at)
        SELECT p_dataset, ticket_id, seq, opened_at, left_at
        FROM spell
        ORDER BY ticket_id COLLATE "C", seq
        ON CONFLICT (dataset, ticket_id, seq) DO UPDATE SET
            opened_at = excluded.opened_at,
            left_at = excluded.left_at
        WHERE known IS DISTINCT FROM excluded
    ),
    -- A file that comes late can make a story shorter.
    no_closure AS (
        DELETE FROM tickets.closure_events AS event
        USING unnest(p_ticket_ids) AS named (ticket_id)
        WHERE event.dataset = p_dataset AND event.ticket_id = named.ticket_id
            AND NOT EXISTS (SELECT FROM closed WHERE closed.ticket_id = event.ticket_id AND closed.seq = event.seq)
    ),
    no_spell AS (
        DELETE FROM tickets.open_spells AS known
        USING unnest(p_ticket_ids) AS named (ticket_id)
        WHERE known.dataset = p_dataset AND known.ticket_id = named.ticket_id
            AND NOT EXISTS (SELECT FROM spell WHERE spell.ticket_id = known.ticket_id AND spell.seq = known.seq)
    ),
    no_reopen AS (
        DELETE FROM tickets.reopen_events AS event
        USING unnest(p_ticket_ids) AS named (ticket_id)
        WHERE event.dataset = p_dataset AND event.ticket_id = named.ticket_id
            AND NOT EXISTS (SELECT FROM reopened WHERE reopened.ticket_id = event.ticket_id AND reopened.seq = event.seq)
    )
    DELETE FROM tickets.exit_events AS event
    USING unnest(p_ticket_ids) AS named (ticket_id)
    WHERE event.dataset = p_dataset AND event.ticket_id = named.ticket_id
        AND NOT EXISTS (SELECT FROM exited WHERE exited.ticket_id = event.ticket_id AND exited.seq = event.seq);
END
$$;
COMMENT ON FUNCTION tickets.fold_history(p_dataset text, p_ticket_ids text[]) IS 'Retells closures, reopens, exits and open spells of the tickets named';
CREATE FUNCTION tickets.is_filled(p_text text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((p_text IS NOT NULL) AND (lower(btrim(p_text)) <> ALL (ARRAY[''::text, 'null'::text, 'none'::text, 'n/a'::text, 'na'::text, '-'::text, 'nan'::text, 'nat'::text])));
COMMENT ON FUNCTION tickets.is_filled(p_text text) IS 'Whether a source value says anything';
CREATE FUNCTION tickets.is_past(p_dataset text, p_at timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(p_at < tickets.known_until(p_dataset), false) $$;
COMMENT ON FUNCTION tickets.is_past(p_dataset text, p_at timestamp with time zone) IS 'Whether a newer file than p_at has been read';
CREATE TABLE tickets.inc_daily_snapshot (
    day date NOT NULL,
    as_of timestamp with time zone NOT NULL,
    open integer NOT NULL,
    on_track integer NOT NULL,
    at_risk integer NOT NULL,
    breached integer NOT NULL,
    unknown integer NOT NULL,
    content_as_of timestamp with time zone,
    source_max_key text,
    fresh boolean NOT NULL,
    method text NOT NULL,
    no_policy integer DEFAULT 0 NOT NULL,
    CONSTRAINT inc_daily_snapshot_method_is_known CHECK ((method = ANY (ARRAY['live'::text, 'replayed'::text])))
);
COMMENT ON TABLE tickets.inc_daily_snapshot IS 'The fault backlog of each day (EAT) as it was known then';
COMMENT ON COLUMN tickets.inc_daily_snapshot.no_policy IS 'Open tickets that no SLA policy covers';
CREATE FUNCTION tickets.keep_day(p_dataset text, p_row tickets.inc_daily_snapshot) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF p_dataset = 'inc' THEN
        INSERT INTO tickets.inc_daily_snapshot AS known SELECT (p_row).*
        ON CONFLICT (day) DO UPDATE SET
            as_of = excluded.as_of,
            open = excluded.open,
            on_track = excluded.on_track,
            at_risk = excluded.at_risk,
            breached = excluded.breached,
            unknown = excluded.unknown,
            no_policy = excluded.no_policy,
            content_as_of = excluded.content_as_of,
            source_max_key = excluded.source_max_key,
            fresh = excluded.fresh,
            method = excluded.method
        WHERE to_jsonb(known) - 'method' <> to_jsonb(excluded) - 'method';
    ELSE
        INSERT INTO tickets.crq_daily_snapshot AS known SELECT (p_row).*
        ON CONFLICT (day) DO UPDATE SET
            as_of = excluded.as_of,
            open = excluded.open,
            on_track = excluded.on_track,
            at_risk = excluded.at_risk,
            breached = excluded.breached,
            unknown = excluded.unknown,
            no_policy = excluded.no_policy,
            content_as_of = excluded.content_as_of,
            source_max_key = excluded.source_max_key,
            fresh = excluded.fresh,
            method = excluded.method
        WHERE to_jsonb(known) - 'method' <> to_jsonb(excluded) - 'method';
    END IF;
END
$$;
COMMENT ON FUNCTION tickets.keep_day(p_dataset text, p_row tickets.inc_daily_snapshot) IS 'Writes the row of one day';
CREATE TABLE tickets.import_meta (
    dataset text NOT NULL,
    export_type text,
    imported_at timestamp with time zone DEFAULT now() NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL
);
COMMENT ON TABLE tickets.import_meta IS 'Where each stream stands; metadata.source_max_key is the watermark';
CREATE FUNCTION tickets.known_until(p_dataset text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT ((import_meta.metadata ->> 'history_max_exported_at'::text))::timestamp with time zone AS timestamptz FROM tickets.import_meta WHERE (import_meta.dataset = known_until.p_dataset));
COMMENT ON FUNCTION tickets.known_until(p_dataset text) IS 'The time of the newest file that history holds of a dataset';
CREATE FUNCTION tickets.paused_spans(p_dataset text, p_ticket_id text, p_statuses text[], p_until timestamp with time zone) RETURNS tstzmultirange
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
BEGIN
    RETURN (
        SELECT range_agg(tstzrange(version.exported_at, version.next_at))
        FROM (
            SELECT
                told.exported_at,
                lead(told.exported_at) OVER (ORDER BY told.exported_at, told.modified, told.etag) AS next_at,
                told.raw
            FROM tickets.row_versions AS told
            WHERE
                told.dataset = p_dataset
                AND told.ticket_id = p_ticket_id
                AND (p_until IS NULL OR told.exported_at <= p_until)
        ) AS version
        WHERE
            (version.next_at > version.exported_at) IS NOT FALSE
            AND upper(btrim(version.raw ->> 'raw_status')) IN (
                SELECT upper(btrim(status)) FROM unnest(p_statuses) AS status
            )
    );
END
$$;
COMMENT ON FUNCTION tickets.paused_spans(p_dataset text, p_ticket_id text, p_statuses text[], p_until timestamp with time zone) IS 'The observed pauses of a ticket''s SLA clock';
CREATE TABLE tickets.sla_policies (
    name text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    "position" integer NOT NULL,
    dataset text,
    cluster text,
    region text,
    status text,
    target_min integer NOT NULL,
    at_risk_min integer NOT NULL,
    calendar text,
    pause_statuses text[],
    effective_from timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    is_withdrawn boolean DEFAULT false NOT NULL,
    CONSTRAINT sla_policies_at_risk_before_target CHECK (((at_risk_min >= 0) AND (at_risk_min <= target_min))),
    CONSTRAINT sla_policies_dataset_is_known CHECK ((dataset = ANY (ARRAY['inc'::text, 'crq'::text]))),
    CONSTRAINT sla_policies_pauses_are_not_empty CHECK ((cardinality(pause_statuses) > 0))
);
COMMENT ON TABLE tickets.sla_policies IS 'The first match by position counts; null matches all. A change is a new version with its effective_from, never an edit';
COMMENT ON COLUMN tickets.sla_policies.pause_statuses IS 'raw_status values while which the clock stands still';
COMMENT ON COLUMN tickets.sla_policies.is_withdrawn IS 'From effective_from on this policy matches nothing';
CREATE FUNCTION tickets.sla_policy(p_dataset text, p_cluster text, p_region text, p_status text, p_at timestamp with time zone) RETURNS TABLE(name text, version integer, target_min integer, at_risk_min integer, calendar text, pause_statuses text[])
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT policy.name,
     policy.version,
     policy.target_min,
     policy.at_risk_min,
     policy.calendar,
     policy.pause_statuses
    FROM tickets.sla_policies policy
   WHERE ((policy.effective_from <= sla_policy.p_at) AND (NOT policy.is_withdrawn) AND ((policy.dataset IS NULL) OR (policy.dataset = sla_policy.p_dataset)) AND ((policy.cluster IS NULL) OR (lower(btrim(policy.cluster)) = lower(btrim(sla_policy.p_cluster)))) AND ((policy.region IS NULL) OR (lower(btrim(policy.region)) = lower(btrim(sla_policy.p_region)))) AND ((policy.status IS NULL) OR (lower(btrim(policy.status)) = lower(btrim(sla_policy.p_status)))) AND (NOT (EXISTS ( SELECT
            FROM tickets.sla_policies newer
           WHERE ((newer.name = policy.name) AND (newer.version > policy.version) AND (newer.effective_from <= sla_policy.p_at))))))
   ORDER BY policy."position", policy.name
  LIMIT 1;
END;
COMMENT ON FUNCTION tickets.sla_policy(p_dataset text, p_cluster text, p_region text, p_status text, p_at timestamp with time zone) IS 'The one SLA policy of a ticket at an instant';
CREATE FUNCTION tickets.sla_sum(p_dataset text, p_ticket_id text, p_state text, p_created_at_service timestamp with time zone, p_first_seen_at timestamp with time zone, p_closed_at timestamp with time zone, p_cluster text, p_region text, p_status text, p_now timestamp with time zone, p_content_as_of timestamp with time zone) RETURNS TABLE(policy text, policy_version integer, target_min integer, at_risk_min integer, calendar text, pauses tstzmultirange, sla_basis text, age_bound text, opened_at timestamp with time zone, elapsed_s numeric, hours_open numeric, at_risk_at timestamp with time zone, due_at timestamp with time zone, sla_state text, sla_state_known text, evidence text, derived_sla text, derived_hours numeric)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT policy.name,
     policy.version,
     policy.target_min,
     policy.at_risk_min,
     policy.calendar,
     clock.pauses,
     clock.basis,
         CASE clock.basis
             WHEN 'created_at_service'::text THEN 'exact'::text
             WHEN 'first_seen_at'::text THEN 'at_least'::text
             ELSE NULL::text
         END AS "case",
     clock.at,
     elapsed.now_s,
     round((elapsed.now_s / (3600)::numeric), 2) AS round,
         CASE
             WHEN (sla_sum.p_state <> 'open'::text) THEN NULL::timestamp with time zone
             WHEN clock.is_plain THEN (clock.at + make_interval(mins => policy.at_risk_min))
             ELSE tickets.active_until(policy.calendar, clock.pauses, clock.at, ((policy.at_risk_min * 60))::numeric)
         END AS active_until,
         CASE
             WHEN (sla_sum.p_state <> 'open'::text) THEN NULL::timestamp with time zone
             WHEN clock.is_plain THEN (clock.at + make_interval(mins => policy.target_min))
             ELSE tickets.active_until(policy.calendar, clock.pauses, clock.at, ((policy.target_min * 60))::numeric)
         END AS active_until,
     verdict.by_the_clock,
     verdict.by_the_data,
         CASE
             WHEN (verdict.by_the_clock <> ALL (ARRAY['at_risk'::text, 'breached'::text])) THEN NULL::text
             WHEN ((verdict.by_the_data = verdict.by_the_clock) OR (verdict.by_the_data = 'breached'::text)) THEN 'proven'::text
             WHEN (verdict.by_the_clock IS NOT NULL) THEN 'presumed'::text
             ELSE NULL::text
         END AS "case",
         CASE
             WHEN (elapsed.closed_s >= ((policy.target_min * 60))::numeric) THEN 'breached'::text
             WHEN (elapsed.closed_s < ((policy.target_min * 60))::numeric) THEN 'met'::text
             ELSE NULL::text
         END AS "case",
     (elapsed.closed_s / (3600)::numeric)
    FROM ((((( SELECT COALESCE(((sla_sum.p_created_at_service >= '1999-12-31 21:00:00+00'::timestamp with time zone) AND ((sla_sum.p_now IS NULL) OR (sla_sum.p_created_at_service <= (sla_sum.p_now + '00:15:00'::interval)))), false) AS created,
             COALESCE(((sla_sum.p_first_seen_at >= '1999-12-31 21:00:00+00'::timestamp with time zone) AND ((sla_sum.p_now IS NULL) OR (sla_sum.p_first_seen_at <= (sla_sum.p_now + '00:15:00'::interval)))), false) AS seen) valid
      LEFT JOIN LATERAL tickets.sla_policy(sla_sum.p_dataset, sla_sum.p_cluster, sla_sum.p_region, sla_sum.p_status,
         CASE
             WHEN ((sla_sum.p_state = 'closed'::text) AND ((sla_sum.p_now IS NULL) OR (sla_sum.p_closed_at <= sla_sum.p_now))) THEN sla_sum.p_closed_at
             ELSE COALESCE(sla_sum.p_now, sla_sum.p_content_as_of, 'infinity'::timestamp with time zone)
         END) policy(name, version, target_min, at_risk_min, calendar, pause_statuses) ON (true))
      CROSS JOIN LATERAL ( SELECT
                 CASE
                     WHEN valid.created THEN 'created_at_service'::text
                     WHEN valid.seen THEN 'first_seen_at'::text
                     ELSE NULL::text
                 END AS basis,
                 CASE
                     WHEN valid.created THEN sla_sum.p_created_at_service
                     WHEN valid.seen THEN sla_sum.p_first_seen_at
                     ELSE NULL::timestamp with time zone
                 END AS at,
             ((policy.calendar IS NULL) AND (policy.pause_statuses IS NULL)) AS is_plain,
                 CASE
                     WHEN (policy.pause_statuses IS NOT NULL) THEN tickets.paused_spans(sla_sum.p_dataset, sla_sum.p_ticket_id, policy.pause_statuses, sla_sum.p_now)
                     ELSE NULL::tstzmultirange
                 END AS pauses
          OFFSET 0) clock)
      CROSS JOIN LATERAL ( SELECT
                 CASE
                     WHEN ((sla_sum.p_state <> 'open'::text) OR (sla_sum.p_now IS NULL) OR (clock.at IS NULL)) THEN NULL::numeric
                     WHEN clock.is_plain THEN GREATEST(EXTRACT(epoch FROM (sla_sum.p_now - clock.at)), (0)::numeric)
                     ELSE tickets.active_seconds(policy.calendar, clock.pauses, clock.at, sla_sum.p_now)
                 END AS now_s,
                 CASE
                     WHEN ((sla_sum.p_state <> 'open'::text) OR (sla_sum.p_now IS NULL) OR (sla_sum.p_content_as_of IS NULL) OR (clock.at IS NULL)) THEN NULL::numeric
                     WHEN clock.is_plain THEN GREATEST(EXTRACT(epoch FROM (LEAST(sla_sum.p_now, sla_sum.p_content_as_of) - clock.at)), (0)::numeric)
                     ELSE tickets.active_seconds(policy.calendar, clock.pauses, clock.at, LEAST(sla_sum.p_now, sla_sum.p_content_as_of))
                 END AS known_s,
                 CASE
                     WHEN ((sla_sum.p_state <> 'closed'::text) OR (NOT valid.created) OR (sla_sum.p_closed_at < sla_sum.p_created_at_service)) THEN NULL::numeric
                     WHEN clock.is_plain THEN EXTRACT(epoch FROM (sla_sum.p_closed_at - sla_sum.p_created_at_service))
                     ELSE tickets.active_seconds(policy.calendar, clock.pauses, sla_sum.p_created_at_service, sla_sum.p_closed_at)
                 END AS closed_s
          OFFSET 0) elapsed)
      CROSS JOIN LATERAL ( SELECT
                 CASE
                     WHEN ((sla_sum.p_state <> 'open'::text) OR (sla_sum.p_now IS NULL)) THEN NULL::text
                     WHEN (policy.name IS NULL) THEN 'none'::text
                     WHEN (clock.at IS NULL) THEN 'unknown'::text
                     WHEN (elapsed.now_s >= ((policy.target_min * 60))::numeric) THEN 'breached'::text
                     WHEN (elapsed.now_s >= ((policy.at_risk_min * 60))::numeric) THEN 'at_risk'::text
                     ELSE 'on_track'::text
                 END AS by_the_clock,
                 CASE
                     WHEN ((sla_sum.p_state <> 'open'::text) OR (sla_sum.p_now IS NULL) OR (sla_sum.p_content_as_of IS NULL)) THEN NULL::text
                     WHEN (policy.name IS NULL) THEN 'none'::text
                     WHEN (clock.at IS NULL) THEN 'unknown'::text
                     WHEN (elapsed.known_s >= ((policy.target_min * 60))::numeric) THEN 'breached'::text
                     WHEN (elapsed.known_s >= ((policy.at_risk_min * 60))::numeric) THEN 'at_risk'::text
                     ELSE 'on_track'::text
                 END AS by_the_data
          OFFSET 0) verdict);
END;
COMMENT ON FUNCTION tickets.sla_sum(p_dataset text, p_ticket_id text, p_state text, p_created_at_service timestamp with time zone, p_first_seen_at timestamp with time zone, p_closed_at timestamp with time zone, p_cluster text, p_region text, p_status text, p_now timestamp with time zone, p_content_as_of timestamp with time zone) IS 'The SLA sum of one ticket: policy, clock, age, states, due, evidence';
CREATE FUNCTION tickets.ticket_state(is_actionable boolean, closed_at timestamp with time zone, bucket text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN is_actionable THEN 'open'::text WHEN ((closed_at IS NOT NULL) OR (lower(bucket) = 'closed'::text)) THEN 'closed'::text ELSE 'inactive'::text END;
COMMENT ON FUNCTION tickets.ticket_state(is_actionable boolean, closed_at timestamp with time zone, bucket text) IS 'open, closed or inactive: every ticket is exactly one';
CREATE FUNCTION tickets.map_feature(p_dataset text, p_ticket_id text, p_normalized_status text, p_raw_status text, p_bucket text, p_is_actionable boolean, p_cluster text, p_region text, p_location_name text, p_assigned_team text, p_owner text, p_created_at_service timestamp with time zone, p_first_seen_at timestamp with time zone, p_scheduled_at timestamp with time zone, p_closed_at timestamp with time zone, p_geom public.geometry, p_geo_source text, p_geo_precision text, p_geo_verified boolean, p_now timestamp with time zone, p_file_ts timestamp with time zone) RETURNS TABLE(feature json)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT json_build_object('type', 'Feature', 'id', property.ticket_id, 'geometry', (public.st_asgeojson(map_feature.p_geom, 6))::json, 'properties',
         CASE
             WHEN (map_feature.p_now IS NULL) THEN row_to_json(property.*)
             ELSE ( SELECT row_to_json(timed.*) AS row_to_json
                FROM ( SELECT property.ticket_id,
                         property.dataset,
                         property.status,
                         property.raw_status,
                         property.bucket,
                         property.cluster,
                         property.region,
                         property.location_name,
                         property.assigned_team,
                         property.owner,
                         property.opened_at,
                         property.scheduled_at,
                         property.closed_at,
                         property.sla_at_risk_at,
                         property.sla_due_at,
                         property.age_bound,
                         property.geo_source,
                         property.geo_precision,
                         property.geo_verified,
                         sla.sla_state,
                         sla.hours_open) timed)
         END) AS json_build_object
    FROM (tickets.sla_sum(map_feature.p_dataset, map_feature.p_ticket_id, tickets.ticket_state(map_feature.p_is_actionable, map_feature.p_closed_at, map_feature.p_bucket), map_feature.p_created_at_service, map_feature.p_first_seen_at, map_feature.p_closed_at, map_feature.p_cluster, map_feature.p_region, map_feature.p_normalized_status, map_feature.p_now, map_feature.p_file_ts) sla(policy, policy_version, target_min, at_risk_min, calendar, pauses, sla_basis, age_bound, opened_at, elapsed_s, hours_open, at_risk_at, due_at, sla_state, sla_state_known, evidence, derived_sla, derived_hours)
      CROSS JOIN LATERAL ( SELECT map_feature.p_ticket_id AS ticket_id,
             map_feature.p_dataset AS dataset,
             map_feature.p_normalized_status AS status,
             map_feature.p_raw_status AS raw_status,
             map_feature.p_bucket AS bucket,
             map_feature.p_cluster AS cluster,
             map_feature.p_region AS region,
             map_feature.p_location_name AS location_name,
             map_feature.p_assigned_team AS assigned_team,
             map_feature.p_owner AS owner,
             sla.opened_at,
             map_feature.p_scheduled_at AS scheduled_at,
             map_feature.p_closed_at AS closed_at,
             sla.at_risk_at AS sla_at_risk_at,
             sla.due_at AS sla_due_at,
             sla.age_bound,
             map_feature.p_geo_source AS geo_source,
             map_feature.p_geo_precision AS geo_precision,
             map_feature.p_geo_verified AS geo_verified) property);
END;
COMMENT ON FUNCTION tickets.map_feature(p_dataset text, p_ticket_id text, p_normalized_status text, p_raw_status text, p_bucket text, p_is_actionable boolean, p_cluster text, p_region text, p_location_name text, p_assigned_team text, p_owner text, p_created_at_service timestamp with time zone, p_first_seen_at timestamp with time zone, p_scheduled_at timestamp with time zone, p_closed_at timestamp with time zone, p_geom public.geometry, p_geo_source text, p_geo_precision text, p_geo_verified boolean, p_now timestamp with time zone, p_file_ts timestamp with time zone) IS 'The GeoJSON feature of one ticket on the map';
CREATE FUNCTION tickets.mttr_minutes(p_text text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (p_text ~ '^[ \t\n\r]*([0-9]{1,7}(\.[0-9]{0,60})?|\.[0-9]{1,60})[ \t\n\r]*$'::text) THEN (round(((btrim(p_text))::numeric * (60)::numeric)))::integer ELSE NULL::integer END;
COMMENT ON FUNCTION tickets.mttr_minutes(p_text text) IS 'Whole minutes (half up) of decimal hours, or null';
CREATE FUNCTION tickets.network_element(p_location_name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ('FDT'::text || "substring"(upper(p_location_name), '(?:^|[^A-Z])FDT[ _#-]*0*([0-9]{1,6})(?![0-9])'::text));
COMMENT ON FUNCTION tickets.network_element(p_location_name text) IS 'The distribution point named in a location, as FDT12';
CREATE FUNCTION tickets.note_alarms(p_dataset text, p_now timestamp with time zone) RETURNS TABLE(change text, cause text, severity text, detail text, raised_at timestamp with time zone)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('fleettickets alarms ' || p_dataset, 0));
    RETURN QUERY
    WITH verdict AS (
        SELECT reporting.fn_check_freshness(p_dataset, p_now) AS document
    ),
    standing AS (
        SELECT part.cause, part.severity, part.detail
        FROM verdict
        CROSS JOIN LATERAL (
            VALUES
                ('feed', verdict.document #>> '{feed,status}',
                    format('newest file %s active hours ago', verdict.document #>> '{feed,gap_active_h}')),
                ('run', verdict.document #>> '{run,status}',
                    format('last successful run %s active minutes ago', verdict.document #>> '{run,age_active_min}')),
                ('content', verdict.document #>> '{content,status}',
                    format('the data ends %s hours before the newest file', verdict.document #>> '{content,lag_h}'))
        ) AS part (cause, severity, detail)
        WHERE part.severity <> 'ok'
        UNION ALL
        SELECT alarm.cause, alarm.severity, alarm.detail FROM tickets.file_alarms(p_dataset, p_now) AS alarm
    ),
    recovered AS (
        UPDATE tickets.alarms AS known
        SET cleared_at = p_now
        WHERE known.dataset = p_dataset
            AND known.cleared_at IS NULL
            AND NOT EXISTS (SELECT FROM standing WHERE standing.cause = known.cause)
        RETURNING 'recovered' AS change, known.cause, known.severity, known.detail, known.raised_at
    ),
    former AS (
        SELECT known.cause, known.severity FROM tickets.alarms AS known WHERE known.dataset = p_dataset AND known.cleared_at IS NULL
    ),
    raised AS (
        INSERT INTO tickets.alarms AS known (dataset, cause, severity, detail, raised_at)
        SELECT p_dataset, standing.cause, standing.severity, standing.detail, p_now FROM standing
        ON CONFLICT (dataset, cause) WHERE cleared_at IS NULL DO UPDATE SET
            severity = excluded.severity,
            detail = excluded.detail
        WHERE known.severity <> excluded.severity
        RETURNING known.cause, known.severity, known.detail, known.raised_at
    )
    SELECT CASE WHEN former.cause IS NULL THEN 'raised' ELSE 'changed' END, raised.cause, raised.severity, raised.detail,
        raised.raised_at
    FROM raised
    LEFT JOIN former ON former.cause = raised.cause
    UNION ALL
    SELECT recovered.change, recovered.cause, recovered.severity, recovered.detail, recovered.raised_at FROM recovered;
END
$$;
COMMENT ON FUNCTION tickets.note_alarms(p_dataset text, p_now timestamp with time zone) IS 'What changed among the alarms of a dataset';
CREATE FUNCTION tickets.ticket_place(p_latitude text, p_longitude text, p_location_name text, p_cluster text) RETURNS TABLE(geom public.geometry, geo_source text, geo_precision text, geo_verified boolean)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    AS $$
    SELECT
        coalesce(feed.geom, location.geom, cluster.geom),
        CASE
            WHEN feed.geom IS NOT NULL THEN 'feed'
            WHEN location.geom IS NOT NULL THEN 'location'
            WHEN cluster.geom IS NOT NULL THEN 'cluster'
            ELSE 'none'
        END,
        CASE
            WHEN feed.geom IS NOT NULL THEN 'point'
            WHEN location.geom IS NOT NULL THEN coalesce(location.precision, 'place')
            WHEN cluster.geom IS NOT NULL THEN 'area'
        END,
        feed.geom IS NOT NULL OR coalesce(CASE WHEN location.geom IS NOT NULL THEN location.verified ELSE cluster.verified END, false)
    FROM (SELECT tickets.feed_point(p_latitude, p_longitude) AS geom) AS feed
    LEFT JOIN LATERAL (
        SELECT known.geom, known.precision, known.verified
        FROM tickets.geo_locations AS known
        WHERE known.location_name = nullif(btrim(p_location_name), '')
            AND known.cluster IN (coalesce(btrim(p_cluster), ''), '')
            AND (known.geom IS NOT NULL OR known.verified)
        ORDER BY known.cluster DESC
        LIMIT 1
    ) AS location ON true
    LEFT JOIN LATERAL (
        SELECT known.geom, known.verified
        FROM tickets.geo_clusters AS known
        WHERE known.cluster = nullif(btrim(p_cluster), '') AND known.geom IS NOT NULL
        LIMIT 1
    ) AS cluster ON true
$$;
COMMENT ON FUNCTION tickets.ticket_place(p_latitude text, p_longitude text, p_location_name text, p_cluster text) IS 'Where a ticket lies by feed, location or cluster, with source, precision and whether it is verified';
CREATE FUNCTION tickets.to_bool(p_text text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (p_text IS NULL) THEN NULL::boolean WHEN (lower(btrim(p_text, ' 	
 '::text)) = ANY (ARRAY['true'::text, 't'::text, 'yes'::text, 'y'::text, '1'::text, 'on'::text])) THEN true WHEN (lower(btrim(p_text, ' 	
 '::text)) = ANY (ARRAY['false'::text, 'f'::text, 'no'::text, 'n'::text, '0'::text, 'off'::text])) THEN false ELSE NULL::boolean END;
COMMENT ON FUNCTION tickets.to_bool(p_text text) IS 'Truth of a source flag in any common spelling, or null';
CREATE TABLE tickets.crq (
    ticket_id text NOT NULL,
    raw jsonb NOT NULL,
    ingested_at timestamp with time zone DEFAULT now() NOT NULL,
    normalized_status text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'normalized_status'::text)), ''::text)) STORED,
    raw_status text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'raw_status'::text)), ''::text)) STORED,
    bucket text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'bucket'::text)), ''::text)) STORED,
    is_actionable boolean GENERATED ALWAYS AS ((tickets.to_bool((raw ->> 'is_actionable'::text)) AND (tickets.to_bool((raw ->> 'is_alarm'::text)) IS NOT TRUE))) STORED,
    cluster text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'cluster'::text)), ''::text)) STORED,
    region text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'region'::text)), ''::text)) STORED,
    location_name text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'location_name'::text)), ''::text)) STORED,
    assigned_team text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'assigned_team'::text)), ''::text)) STORED,
    owner text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'owner'::text)), ''::text)) STORED,
    sla_status text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'sla_status'::text)), ''::text)) STORED,
    created_at_service timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'created_at_service'::text))) STORED,
    scheduled_at timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'scheduled_at'::text))) STORED,
    closed_at timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'closed_at'::text))) STORED,
    first_seen_at timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'first_seen_at'::text))) STORED,
    last_seen_at timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'last_seen_at'::text))) STORED,
    source_created_at timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'created_at'::text))) STORED,
    source_updated_at timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'updated_at'::text))) STORED,
    geom public.geometry(Point,4326),
    geo_source text DEFAULT 'none'::text NOT NULL,
    latitude double precision GENERATED ALWAYS AS (public.st_y(geom)) STORED,
    longitude double precision GENERATED ALWAYS AS (public.st_x(geom)) STORED,
    geog public.geography(Point,4326) GENERATED ALWAYS AS ((geom)::public.geography) STORED,
    mttr integer GENERATED ALWAYS AS (
CASE
    WHEN tickets.to_bool((raw ->> 'is_actionable'::text)) THEN NULL::integer
    ELSE tickets.mttr_minutes((raw ->> 'mttr'::text))
END) STORED,
    source_exported_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    source_modified timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    source_etag text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    source_line bigint DEFAULT 0 NOT NULL,
    geo_precision text,
    geo_verified boolean DEFAULT false NOT NULL,
    CONSTRAINT crq_geo_source_is_known CHECK ((geo_source = ANY (ARRAY['feed'::text, 'location'::text, 'cluster'::text, 'none'::text])))
)
WITH (fillfactor='80');
COMMENT ON TABLE tickets.crq IS 'New installations: one row a ticket, raw is the source of truth';
COMMENT ON COLUMN tickets.crq.source_exported_at IS 'With source_modified, source_etag, source_line: the writer of this row; a row only yields to a greater one';
COMMENT ON COLUMN tickets.crq.geo_precision IS 'point, place, street, near or area: how much of the name the point stands for';
CREATE TABLE tickets.inc (
    ticket_id text NOT NULL,
    raw jsonb NOT NULL,
    ingested_at timestamp with time zone DEFAULT now() NOT NULL,
    normalized_status text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'normalized_status'::text)), ''::text)) STORED,
    raw_status text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'raw_status'::text)), ''::text)) STORED,
    bucket text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'bucket'::text)), ''::text)) STORED,
    is_actionable boolean GENERATED ALWAYS AS ((tickets.to_bool((raw ->> 'is_actionable'::text)) AND (tickets.to_bool((raw ->> 'is_alarm'::text)) IS NOT TRUE))) STORED,
    cluster text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'cluster'::text)), ''::text)) STORED,
    region text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'region'::text)), ''::text)) STORED,
    location_name text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'location_name'::text)), ''::text)) STORED,
    assigned_team text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'assigned_team'::text)), ''::text)) STORED,
    owner text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'owner'::text)), ''::text)) STORED,
    sla_status text GENERATED ALWAYS AS (NULLIF(btrim((raw ->> 'sla_status'::text)), ''::text)) STORED,
    created_at_service timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'created_at_service'::text))) STORED,
    scheduled_at timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'scheduled_at'::text))) STORED,
    closed_at timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'closed_at'::text))) STORED,
    first_seen_at timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'first_seen_at'::text))) STORED,
    last_seen_at timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'last_seen_at'::text))) STORED,
    source_created_at timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'created_at'::text))) STORED,
    source_updated_at timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'updated_at'::text))) STORED,
    geom public.geometry(Point,4326),
    geo_source text DEFAULT 'none'::text NOT NULL,
    latitude double precision GENERATED ALWAYS AS (public.st_y(geom)) STORED,
    longitude double precision GENERATED ALWAYS AS (public.st_x(geom)) STORED,
    geog public.geography(Point,4326) GENERATED ALWAYS AS ((geom)::public.geography) STORED,
    mttr integer GENERATED ALWAYS AS (
CASE
    WHEN tickets.to_bool((raw ->> 'is_actionable'::text)) THEN NULL::integer
    ELSE tickets.mttr_minutes((raw ->> 'mttr'::text))
END) STORED,
    source_exported_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    source_modified timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    source_etag text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    source_line bigint DEFAULT 0 NOT NULL,
    geo_precision text,
    geo_verified boolean DEFAULT false NOT NULL,
    CONSTRAINT inc_geo_source_is_known CHECK ((geo_source = ANY (ARRAY['feed'::text, 'location'::text, 'cluster'::text, 'none'::text])))
)
WITH (fillfactor='80');
COMMENT ON TABLE tickets.inc IS 'Customer faults: one row a ticket, raw is the source of truth';
COMMENT ON COLUMN tickets.inc.source_exported_at IS 'With source_modified, source_etag, source_line: the writer of this row; a row only yields to a greater one';
COMMENT ON COLUMN tickets.inc.geo_precision IS 'point, place, street, near or area: how much of the name the point stands for';
CREATE VIEW tickets.all_tickets WITH (security_invoker='true') AS
 SELECT 'inc'::text AS dataset,
    inc.ticket_id,
    inc.raw,
    inc.normalized_status,
    inc.raw_status,
    inc.bucket,
    inc.is_actionable,
    inc.cluster,
    inc.region,
    inc.location_name,
    inc.assigned_team,
    inc.owner,
    inc.sla_status,
    inc.mttr,
    inc.created_at_service,
    inc.scheduled_at,
    inc.closed_at,
    inc.first_seen_at,
    inc.last_seen_at,
    inc.geom,
    inc.geo_source,
    inc.source_exported_at AS exported_at,
    inc.geo_precision,
    inc.geo_verified
   FROM tickets.inc
UNION ALL
 SELECT 'crq'::text AS dataset,
    crq.ticket_id,
    crq.raw,
    crq.normalized_status,
    crq.raw_status,
    crq.bucket,
    crq.is_actionable,
    crq.cluster,
    crq.region,
    crq.location_name,
    crq.assigned_team,
    crq.owner,
    crq.sla_status,
    crq.mttr,
    crq.created_at_service,
    crq.scheduled_at,
    crq.closed_at,
    crq.first_seen_at,
    crq.last_seen_at,
    crq.geom,
    crq.geo_source,
    crq.source_exported_at AS exported_at,
    crq.geo_precision,
    crq.geo_verified
   FROM tickets.crq;
COMMENT ON VIEW tickets.all_tickets IS 'One row a ticket of either dataset, as known now';
CREATE FUNCTION tickets.ticket_of(p_dataset text, p_ticket_id text, p_raw jsonb, p_exported_at timestamp with time zone) RETURNS SETOF tickets.all_tickets
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT ticket_of.p_dataset AS p_dataset,
     ticket_of.p_ticket_id AS p_ticket_id,
     ticket_of.p_raw AS p_raw,
     NULLIF(btrim((ticket_of.p_raw ->> 'normalized_status'::text)), ''::text) AS "nullif",
     NULLIF(btrim((ticket_of.p_raw ->> 'raw_status'::text)), ''::text) AS "nullif",
     NULLIF(btrim((ticket_of.p_raw ->> 'bucket'::text)), ''::text) AS "nullif",
     (tickets.to_bool((ticket_of.p_raw ->> 'is_actionable'::text)) AND (tickets.to_bool((ticket_of.p_raw ->> 'is_alarm'::text)) IS NOT TRUE)),
     NULLIF(btrim((ticket_of.p_raw ->> 'cluster'::text)), ''::text) AS "nullif",
     NULLIF(btrim((ticket_of.p_raw ->> 'region'::text)), ''::text) AS "nullif",
     NULLIF(btrim((ticket_of.p_raw ->> 'location_name'::text)), ''::text) AS "nullif",
     NULLIF(btrim((ticket_of.p_raw ->> 'assigned_team'::text)), ''::text) AS "nullif",
     NULLIF(btrim((ticket_of.p_raw ->> 'owner'::text)), ''::text) AS "nullif",
     NULLIF(btrim((ticket_of.p_raw ->> 'sla_status'::text)), ''::text) AS "nullif",
         CASE
             WHEN tickets.to_bool((ticket_of.p_raw ->> 'is_actionable'::text)) THEN NULL::integer
             ELSE tickets.mttr_minutes((ticket_of.p_raw ->> 'mttr'::text))
         END AS mttr_minutes,
     tickets.eat_ts((ticket_of.p_raw ->> 'created_at_service'::text)) AS eat_ts,
     tickets.eat_ts((ticket_of.p_raw ->> 'scheduled_at'::text)) AS eat_ts,
     tickets.eat_ts((ticket_of.p_raw ->> 'closed_at'::text)) AS eat_ts,
     tickets.eat_ts((ticket_of.p_raw ->> 'first_seen_at'::text)) AS eat_ts,
     tickets.eat_ts((ticket_of.p_raw ->> 'last_seen_at'::text)) AS eat_ts,
     (place.geom)::public.geometry(Point,4326) AS geom,
     place.geo_source,
     ticket_of.p_exported_at AS p_exported_at,
     place.geo_precision,
     place.geo_verified
    FROM tickets.ticket_place((ticket_of.p_raw ->> 'latitude'::text), (ticket_of.p_raw ->> 'longitude'::text), (ticket_of.p_raw ->> 'location_name'::text), (ticket_of.p_raw ->> 'cluster'::text)) place(geom, geo_source, geo_precision, geo_verified);
END;
COMMENT ON FUNCTION tickets.ticket_of(p_dataset text, p_ticket_id text, p_raw jsonb, p_exported_at timestamp with time zone) IS 'What a row of a file says of a ticket, typed';
CREATE TABLE tickets.open_spells (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    seq integer NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    left_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE tickets.open_spells IS 'From the file that told a ticket open until the file that told otherwise (infinity: still open)';
CREATE TABLE tickets.row_versions (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    exported_at timestamp with time zone NOT NULL,
    modified timestamp with time zone NOT NULL,
    etag text NOT NULL COLLATE pg_catalog."C",
    line bigint NOT NULL,
    source_key text,
    is_alarm boolean NOT NULL,
    makes_ticket boolean NOT NULL,
    seeded boolean DEFAULT false NOT NULL,
    raw jsonb NOT NULL,
    state text GENERATED ALWAYS AS (tickets.ticket_state((tickets.to_bool((raw ->> 'is_actionable'::text)) AND (NOT is_alarm)), tickets.eat_ts((raw ->> 'closed_at'::text)), NULLIF(btrim((raw ->> 'bucket'::text)), ''::text))) STORED NOT NULL,
    created_at_service timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'created_at_service'::text))) STORED,
    closed_at timestamp with time zone GENERATED ALWAYS AS (tickets.eat_ts((raw ->> 'closed_at'::text))) STORED
);
COMMENT ON TABLE tickets.row_versions IS 'One row a ticket and file version that told of it, changed or not, alarms too: any instant is replayed from these';
COMMENT ON COLUMN tickets.row_versions.makes_ticket IS 'The file had a row of this id that was no alarm: from here on it is a ticket';
COMMENT ON COLUMN tickets.row_versions.seeded IS 'Not seen in a file: the state found when history began';
CREATE FUNCTION tickets.open_at(p_dataset text, p_at timestamp with time zone) RETURNS SETOF tickets.all_tickets
    LANGUAGE sql STABLE ROWS 700 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT ticket.dataset,
     ticket.ticket_id,
     ticket.raw,
     ticket.normalized_status,
     ticket.raw_status,
     ticket.bucket,
     ticket.is_actionable,
     ticket.cluster,
     ticket.region,
     ticket.location_name,
     ticket.assigned_team,
     ticket.owner,
     ticket.sla_status,
     ticket.mttr,
     ticket.created_at_service,
     ticket.scheduled_at,
     ticket.closed_at,
     ticket.first_seen_at,
     ticket.last_seen_at,
     ticket.geom,
     ticket.geo_source,
     ticket.exported_at,
     ticket.geo_precision,
     ticket.geo_verified
    FROM tickets.all_tickets ticket
   WHERE (((open_at.p_at >= tickets.known_until(open_at.p_dataset)) IS NOT FALSE) AND (ticket.dataset = open_at.p_dataset) AND ticket.is_actionable)
 UNION ALL
  SELECT past.dataset,
     past.ticket_id,
     past.raw,
     past.normalized_status,
     past.raw_status,
     past.bucket,
     past.is_actionable,
     past.cluster,
     past.region,
     past.location_name,
     past.assigned_team,
     past.owner,
     past.sla_status,
     past.mttr,
     past.created_at_service,
     past.scheduled_at,
     past.closed_at,
     past.first_seen_at,
     past.last_seen_at,
     past.geom,
     past.geo_source,
     past.exported_at,
     past.geo_precision,
     past.geo_verified
    FROM ((tickets.open_spells spell
      CROSS JOIN LATERAL ( SELECT "row".raw,
             "row".exported_at
            FROM tickets.row_versions "row"
           WHERE (("row".dataset = open_at.p_dataset) AND ("row".ticket_id = spell.ticket_id) AND ("row".exported_at <= open_at.p_at))
           ORDER BY "row".exported_at DESC, "row".modified DESC, "row".etag DESC
          LIMIT 1) version)
      CROSS JOIN LATERAL tickets.ticket_of(open_at.p_dataset, spell.ticket_id, version.raw, version.exported_at) past(dataset, ticket_id, raw, normalized_status, raw_status, bucket, is_actionable, cluster, region, location_name, assigned_team, owner, sla_status, mttr, created_at_service, scheduled_at, closed_at, first_seen_at, last_seen_at, geom, geo_source, exported_at, geo_precision, geo_verified))
   WHERE ((open_at.p_at < tickets.known_until(open_at.p_dataset)) AND (spell.dataset = open_at.p_dataset) AND (tstzrange(spell.opened_at, spell.left_at) @> open_at.p_at));
END;
COMMENT ON FUNCTION tickets.open_at(p_dataset text, p_at timestamp with time zone) IS 'The tickets of a dataset that were open at an instant, as known then';
CREATE FUNCTION tickets.open_chances(p_dataset text, p_cluster text, p_opened_at timestamp with time zone, p_now timestamp with time zone, p_content_as_of timestamp with time zone, p_target_min integer) RETURNS TABLE(still_open double precision, breach double precision)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    AS $$
    SELECT
        tickets.still_open(p_dataset, p_cluster, age.known_s, age.now_s),
        CASE
            WHEN age.known_s >= p_target_min * 60 THEN 1
            ELSE tickets.still_open(p_dataset, p_cluster, age.known_s, p_target_min * 60)
        END
    FROM (
        SELECT
            CASE WHEN p_opened_at IS NOT NULL THEN greatest(extract(epoch FROM p_now - p_opened_at), 0) END AS now_s,
            CASE WHEN p_opened_at IS NOT NULL AND p_content_as_of IS NOT NULL
                THEN greatest(extract(epoch FROM least(p_now, p_content_as_of) - p_opened_at), 0) END AS known_s
        OFFSET 0
    ) AS age;
$$;
COMMENT ON FUNCTION tickets.open_chances(p_dataset text, p_cluster text, p_opened_at timestamp with time zone, p_now timestamp with time zone, p_content_as_of timestamp with time zone, p_target_min integer) IS 'The chances that an open ticket is still open now, and at its target';
CREATE FUNCTION tickets.place_key(p_location_name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN lower(regexp_replace(btrim(p_location_name), '[\s_]+'::text, ' '::text, 'g'::text));
COMMENT ON FUNCTION tickets.place_key(p_location_name text) IS 'What two location names must share to be one place';
CREATE FUNCTION tickets.rebuild_history(p_dataset text, p_from date, p_to date, p_now timestamp with time zone, OUT tickets bigint, OUT days bigint) RETURNS record
    LANGUAGE plpgsql
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
COMMENT ON FUNCTION tickets.rebuild_history(p_dataset text, p_from date, p_to date, p_now timestamp with time zone, OUT tickets bigint, OUT days bigint) IS 'Tells every story and takes every day again';
CREATE FUNCTION tickets.refresh_forecast(p_dataset text, p_now timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    c_longest_h CONSTANT integer := 720;
    v_content_as_of timestamptz := (tickets.clocks(p_dataset, NULL, 'known')).content_as_of;
    v_logged bigint;
BEGIN
    IF v_content_as_of IS NULL THEN
        RETURN 0;
    END IF;
    -- Kaplan-Meier by whole hours: a closure is an event at its age, an open ticket leaves unharmed at its age when the
    -- data ends. Hour by hour, survival is the product of (1 - closed / at risk); its logarithm is a running sum.
    WITH life AS MATERIALIZED (
        SELECT
            lower(ticket.cluster) AS cluster,
            ticket.is_actionable IS NOT TRUE AS is_closed,
            least(ceil(extract(epoch FROM
                CASE WHEN ticket.is_actionable THEN v_content_as_of ELSE ticket.closed_at END - ticket.created_at_service
            ) / 3600), c_longest_h + 1)::integer AS age_h
        FROM tickets.all_tickets AS ticket
        WHERE ticket.dataset = p_dataset
            AND ticket.created_at_service >= v_content_as_of
                - make_interval(days => tickets.threshold('survival_days', p_dataset, p_now)::integer)
            AND ticket.created_at_service <= v_content_as_of
            AND (ticket.is_actionable OR ticket.closed_at >= ticket.created_at_service)
    ),
    curve AS (
        SELECT '' AS cluster, count(*) AS tickets FROM life
        UNION ALL
        SELECT life.cluster, count(*)
        FROM life
        WHERE life.cluster <> ''
        GROUP BY life.cluster
        HAVING count(*) FILTER (WHERE life.is_closed) >= tickets.threshold('survival_min_n', p_dataset, p_now)
    ),
    -- A cluster of its own and the whole ('') are counted alike, so that one equality joins both.
    counted AS (
        SELECT member.cluster, life.age_h, count(*) FILTER (WHERE life.is_closed)::integer AS closed, count(*)::integer AS gone
        FROM life
        CROSS JOIN LATERAL (SELECT '' AS cluster UNION ALL SELECT life.cluster WHERE life.cluster <> '') AS member
        GROUP BY member.cluster, life.age_h
    ),
    by_hour AS (
        SELECT
            curve.cluster,
            hour.age_h,
            curve.tickets,
            coalesce(counted.closed, 0) AS closed,
            coalesce(counted.gone, 0) AS gone
        FROM curve
        CROSS JOIN generate_series(0, c_longest_h) AS hour (age_h)
        LEFT JOIN counted ON counted.age_h = hour.age_h AND counted.cluster = curve.cluster
    ),
    at_risk AS (
        SELECT
            by_hour.cluster,
            by_hour.age_h,
            by_hour.closed,
            by_hour.tickets - coalesce(sum(by_hour.gone) OVER (
                PARTITION BY by_hour.cluster ORDER BY by_hour.age_h ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), 0) AS tickets
        FROM by_hour
    ),
    renewed AS (
        SELECT
            at_risk.cluster,
            at_risk.age_h,
            CASE
                WHEN bool_or(at_risk.closed >= at_risk.tickets AND at_risk.closed > 0) OVER so_far THEN 0
                ELSE exp(sum(CASE
                    WHEN at_risk.closed > 0 AND at_risk.closed < at_risk.tickets
                    THEN ln(1 - at_risk.closed::double precision / at_risk.tickets::double precision)
                    ELSE 0
                END) OVER so_far)
            END AS survival
        FROM at_risk
        WINDOW so_far AS (PARTITION BY at_risk.cluster ORDER BY at_risk.age_h)
    ),
    dropped AS (
        DELETE FROM tickets.survival AS former
        WHERE former.dataset = p_dataset
            AND NOT EXISTS (SELECT FROM curve WHERE curve.cluster = former.cluster)
    )
    INSERT INTO tickets.survival AS former (dataset, cluster, age_h, survival)
    SELECT p_dataset, renewed.cluster, renewed.age_h, least(greatest(renewed.survival, 0), 1)
    FROM renewed
    ON CONFLICT (dataset, cluster, age_h) DO UPDATE SET survival = excluded.survival
    WHERE former.survival <> excluded.survival;
    -- The truth of earlier forecasts: closed on either side of the due time, or still open when the data passed it.
    WITH outcome AS (
        SELECT
            forecast.ticket_id,
            forecast.day,
            CASE
                WHEN ticket.is_actionable AND v_content_as_of >= forecast.due_at THEN true
                WHEN ticket.is_actionable IS NOT TRUE AND ticket.closed_at IS NOT NULL THEN ticket.closed_at >= forecast.due_at
            END AS breached
        FROM tickets.breach_forecasts AS forecast
        JOIN tickets.all_tickets AS ticket
            ON ticket.dataset = forecast.dataset AND ticket.ticket_id = forecast.ticket_id
        WHERE forecast.dataset = p_dataset AND forecast.breached IS NULL
    )
    UPDATE tickets.breach_forecasts AS forecast
    SET breached = outcome.breached, scored_at = p_now
    FROM outcome
    WHERE forecast.dataset = p_dataset
        AND forecast.ticket_id = outcome.ticket_id
        AND forecast.day = outcome.day
        AND outcome.breached IS NOT NULL;
    WITH logged AS (
        INSERT INTO tickets.breach_forecasts (dataset, ticket_id, day, predicted_at, due_at, p_breach)
        SELECT
            p_dataset, open_ticket.ticket_id, (v_content_as_of AT TIME ZONE interval '03:00')::date, v_content_as_of,
            open_ticket.due_at, open_ticket.p_breach
        FROM reporting.open_sla_at(p_dataset, p_now) AS open_ticket
        WHERE open_ticket.age_bound = 'exact'
            AND open_ticket.sla_state_known IN ('on_track', 'at_risk')
            AND open_ticket.p_breach IS NOT NULL
            AND open_ticket.due_at IS NOT NULL
        ON CONFLICT (dataset, ticket_id, day) DO NOTHING
        RETURNING 1
    )
    SELECT count(*) INTO v_logged FROM logged;
    INSERT INTO tickets.forecast_runs (dataset, refreshed_at)
    VALUES (p_dataset, p_now)
    ON CONFLICT (dataset) DO UPDATE SET refreshed_at = excluded.refreshed_at;
    RETURN v_logged;
END
$$;
COMMENT ON FUNCTION tickets.refresh_forecast(p_dataset text, p_now timestamp with time zone) IS 'Renews survival curves, scores earlier forecasts, logs today''s';
CREATE TABLE tickets.closure_events (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    seq integer NOT NULL,
    kind text NOT NULL,
    closed_at timestamp with time zone,
    observed_at timestamp with time zone NOT NULL,
    supersedes integer,
    team text,
    owner text,
    cluster text,
    source_key text,
    superseded_by integer,
    closed_at_lost boolean DEFAULT false NOT NULL,
    CONSTRAINT closure_events_kind_is_known CHECK ((kind = ANY (ARRAY['baseline'::text, 'observed'::text, 'reclosed'::text, 'amended'::text])))
);
COMMENT ON TABLE tickets.closure_events IS 'Each closure of a ticket as it was observed; append-only';
COMMENT ON COLUMN tickets.closure_events.superseded_by IS 'The event that corrected this one; a closure counts while this is null';
COMMENT ON COLUMN tickets.closure_events.closed_at_lost IS 'A later file told the ticket closed without saying when';
CREATE TABLE tickets.reopen_events (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    seq integer NOT NULL,
    reopened_at timestamp with time zone NOT NULL,
    inferred boolean DEFAULT false NOT NULL,
    retracted boolean DEFAULT false NOT NULL,
    source_key text
);
COMMENT ON TABLE tickets.reopen_events IS 'Each time a closed ticket was seen open again';
CREATE FUNCTION tickets.reopen_rate(p_dataset text, p_from timestamp with time zone DEFAULT NULL::timestamp with time zone, p_to timestamp with time zone DEFAULT NULL::timestamp with time zone, OUT closures bigint, OUT reopens bigint, OUT rate numeric) RETURNS record
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT counted.closures,
     counted.reopens,
     round(((counted.reopens)::numeric / (NULLIF(counted.closures, 0))::numeric), 4) AS round
    FROM ( SELECT ( SELECT count(*) AS count
                    FROM tickets.closure_events closure
                   WHERE ((closure.dataset = reopen_rate.p_dataset) AND (closure.superseded_by IS NULL) AND ((reopen_rate.p_from IS NULL) OR (closure.closed_at >= reopen_rate.p_from)) AND ((reopen_rate.p_to IS NULL) OR (closure.closed_at < reopen_rate.p_to)))) AS closures,
             ( SELECT count(*) AS count
                    FROM tickets.reopen_events reopen
                   WHERE ((reopen.dataset = reopen_rate.p_dataset) AND (NOT reopen.retracted) AND ((reopen_rate.p_from IS NULL) OR (reopen.reopened_at >= reopen_rate.p_from)) AND ((reopen_rate.p_to IS NULL) OR (reopen.reopened_at < reopen_rate.p_to)))) AS reopens) counted;
END;
COMMENT ON FUNCTION tickets.reopen_rate(p_dataset text, p_from timestamp with time zone, p_to timestamp with time zone, OUT closures bigint, OUT reopens bigint, OUT rate numeric) IS 'Closures that stand, reopens, and their share';
CREATE FUNCTION tickets.resolve_ticket_geoms(p_location_names text[] DEFAULT NULL::text[], p_clusters text[] DEFAULT NULL::text[]) RETURNS TABLE(dataset text, moved bigint)
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_all boolean := p_location_names IS NULL AND p_clusters IS NULL;
    v_names text[] := coalesce(p_location_names, '{}');
    v_clusters text[] := coalesce(p_clusters, '{}');
    v_inc bigint;
    v_crq bigint;
    v_open_inc text[];
    v_open_crq text[];
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('fleettickets:write:inc', 0));
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('fleettickets:write:crq', 0));
    WITH inc_touched AS (
        SELECT inc.ticket_id FROM tickets.inc
        WHERE pg_catalog.hashtextextended(inc.location_name, 0) IN (SELECT pg_catalog.hashtextextended(name, 0) FROM unnest(v_names) AS name)
            AND inc.location_name = ANY (v_names)
        UNION
        SELECT inc.ticket_id FROM tickets.inc WHERE cardinality(v_clusters) > 0 AND inc.cluster = ANY (v_clusters)
        UNION
        SELECT inc.ticket_id FROM tickets.inc WHERE v_all
    ),
    inc_moved AS (
        UPDATE tickets.inc AS ticket
        SET geom = place.geom, geo_source = place.geo_source, geo_precision = place.geo_precision, geo_verified = place.geo_verified
        FROM inc_touched
        JOIN tickets.inc AS seen ON seen.ticket_id = inc_touched.ticket_id
        CROSS JOIN LATERAL tickets.ticket_place(
            seen.raw ->> 'latitude', seen.raw ->> 'longitude', seen.location_name, seen.cluster
        ) AS place
        WHERE ticket.ticket_id = inc_touched.ticket_id
            AND (ticket.geo_source, ticket.geo_precision, ticket.geo_verified, ticket.geom::text)
                IS DISTINCT FROM (place.geo_source, place.geo_precision, place.geo_verified, place.geom::text)
        RETURNING ticket.ticket_id, ticket.is_actionable
    ),
    crq_touched AS (
        SELECT crq.ticket_id FROM tickets.crq
        WHERE pg_catalog.hashtextextended(crq.location_name, 0) IN (SELECT pg_catalog.hashtextextended(name, 0) FROM unnest(v_names) AS name)
            AND crq.location_name = ANY (v_names)
        UNION
        SELECT crq.ticket_id FROM tickets.crq WHERE cardinality(v_clusters) > 0 AND crq.cluster = ANY (v_clusters)
        UNION
        SELECT crq.ticket_id FROM tickets.crq WHERE v_all
    ),
    crq_moved AS (
        UPDATE tickets.crq AS ticket
        SET geom = place.geom, geo_source = place.geo_source, geo_precision = place.geo_precision, geo_verified = place.geo_verified
        FROM crq_touched
        JOIN tickets.crq AS seen ON seen.ticket_id = crq_touched.ticket_id
        CROSS JOIN LATERAL tickets.ticket_place(
            seen.raw ->> 'latitude', seen.raw ->> 'longitude', seen.location_name, seen.cluster
        ) AS place
        WHERE ticket.ticket_id = crq_touched.ticket_id
            AND (ticket.geo_source, ticket.geo_precision, ticket.geo_verified, ticket.geom::text)
                IS DISTINCT FROM (place.geo_source, place.geo_precision, place.geo_verified, place.geom::text)
        RETURNING ticket.ticket_id, ticket.is_actionable
    )
    SELECT inc.n, inc.open_ids, crq.n, crq.open_ids
    INTO v_inc, v_open_inc, v_crq, v_open_crq
    FROM (SELECT count(*) AS n, coalesce(array_agg(ticket_id) FILTER (WHERE is_actionable), '{}') AS open_ids FROM inc_moved) AS inc
    CROSS JOIN (SELECT count(*) AS n, coalesce(array_agg(ticket_id) FILTER (WHERE is_actionable), '{}') AS open_ids FROM crq_moved) AS crq;
    IF v_inc > 0 THEN
        PERFORM tickets.advance_revision('inc', v_open_inc);
    END IF;
    IF v_crq > 0 THEN
        PERFORM tickets.advance_revision('crq', v_open_crq);
    END IF;
    RETURN QUERY VALUES ('inc', v_inc), ('crq', v_crq);
END
$$;
COMMENT ON FUNCTION tickets.resolve_ticket_geoms(p_location_names text[], p_clusters text[]) IS 'Moves the tickets of the given names and clusters (or all) to where the gazetteers now say; how many a dataset';
CREATE FUNCTION tickets.seen(p_dataset text, p_at timestamp with time zone, p_mode text, p_from timestamp with time zone DEFAULT NULL::timestamp with time zone, p_to timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS SETOF tickets.all_tickets
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET plan_cache_mode TO 'force_custom_plan'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
BEGIN
    IF p_mode IS NULL OR p_mode NOT IN ('known', 'happened') THEN
        RAISE EXCEPTION 'unknown mode %: use known or happened', quote_nullable(p_mode)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT tickets.is_past(p_dataset, p_at) THEN
        IF p_from IS NULL THEN
            RETURN QUERY SELECT ticket.* FROM tickets.all_tickets AS ticket WHERE ticket.dataset = p_dataset;
        ELSE
            RETURN QUERY
            SELECT ticket.*
            FROM tickets.all_tickets AS ticket
            WHERE
                ticket.dataset = p_dataset
                AND (
                    ticket.is_actionable
                    OR (p_from < 'infinity' AND ticket.is_actionable IS NOT TRUE AND ticket.closed_at IS NULL)
                    OR (ticket.closed_at >= p_from AND ticket.closed_at < p_to)
                    OR (ticket.created_at_service >= p_from AND ticket.created_at_service < p_to)
                );
        END IF;
        RETURN;
    END IF;
    IF p_mode = 'known' AND p_from = 'infinity' THEN
        RETURN QUERY SELECT ticket.* FROM tickets.open_at(p_dataset, p_at) AS ticket;
        RETURN;
    END IF;
    IF p_mode = 'known' THEN
        RETURN QUERY
        SELECT ticket.*
        FROM tickets.tickets_at(p_dataset, p_at) AS ticket
        WHERE
            p_from IS NULL
            OR ticket.is_actionable
            OR ticket.closed_at IS NULL
            OR (ticket.closed_at >= p_from AND ticket.closed_at < p_to)
            OR (ticket.created_at_service >= p_from AND ticket.created_at_service < p_to);
        RETURN;
    END IF;
    RETURN QUERY
    SELECT
        ticket.dataset, ticket.ticket_id, ticket.raw, ticket.normalized_status, ticket.raw_status,
        CASE WHEN was.open THEN NULL ELSE ticket.bucket END,
        was.open OR ticket.is_actionable,
        ticket.cluster, ticket.region, ticket.location_name, ticket.assigned_team, ticket.owner, ticket.sla_status,
        CASE WHEN NOT was.open THEN ticket.mttr END,
        ticket.created_at_service, ticket.scheduled_at,
        CASE WHEN NOT was.open THEN ticket.closed_at END,
        ticket.first_seen_at, ticket.last_seen_at, ticket.geom, ticket.geo_source, ticket.exported_at,
        ticket.geo_precision, ticket.geo_verified
    FROM tickets.all_tickets AS ticket
    CROSS JOIN LATERAL (
        SELECT coalesce(ticket.is_actionable OR ticket.closed_at > p_at, false) AS open
    ) AS was
    WHERE
        ticket.dataset = p_dataset
        AND coalesce(ticket.created_at_service, ticket.first_seen_at) <= p_at
        AND (
            p_from IS NULL
            OR ticket.is_actionable OR ticket.closed_at > p_at -- was.open, in words that an index knows
            OR (p_from < 'infinity' AND ticket.closed_at IS NULL)
            OR (ticket.closed_at >= p_from AND ticket.closed_at < p_to)
            OR (ticket.created_at_service >= p_from AND ticket.created_at_service < p_to)
        );
END
$$;
COMMENT ON FUNCTION tickets.seen(p_dataset text, p_at timestamp with time zone, p_mode text, p_from timestamp with time zone, p_to timestamp with time zone) IS 'The tickets a read needs: as known at an instant, or as it really was then';
CREATE TABLE tickets.survival (
    dataset text NOT NULL,
    cluster text NOT NULL,
    age_h integer NOT NULL,
    survival double precision NOT NULL,
    CONSTRAINT survival_is_a_probability CHECK (((survival >= (0)::double precision) AND (survival <= (1)::double precision)))
);
COMMENT ON TABLE tickets.survival IS 'Kaplan-Meier: share of tickets still open at an age; refreshed after ingest';
CREATE FUNCTION tickets.still_open(p_dataset text, p_cluster text, p_known_s numeric, p_s numeric) RETURNS double precision
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT CASE WHEN (known.survival = (0)::double precision) THEN (1)::double precision ELSE (later.survival / known.survival) END AS "case" FROM (((SELECT CASE WHEN (EXISTS (SELECT FROM tickets.survival own WHERE ((own.dataset = still_open.p_dataset) AND (own.cluster = lower(still_open.p_cluster)) AND (own.age_h = 0)))) THEN lower(still_open.p_cluster) ELSE ''::text END AS cluster OFFSET 0) curve CROSS JOIN LATERAL (SELECT survival.survival FROM tickets.survival WHERE ((survival.dataset = still_open.p_dataset) AND (survival.cluster = curve.cluster) AND (survival.age_h = (LEAST(floor((still_open.p_known_s / (3600)::numeric)), (720)::numeric))::integer)) LIMIT 1) known) CROSS JOIN LATERAL (SELECT survival.survival FROM tickets.survival WHERE ((survival.dataset = still_open.p_dataset) AND (survival.cluster = curve.cluster) AND (survival.age_h = (LEAST(floor((GREATEST(still_open.p_s, still_open.p_known_s) / (3600)::numeric)), (720)::numeric))::integer)) LIMIT 1) later));
COMMENT ON FUNCTION tickets.still_open(p_dataset text, p_cluster text, p_known_s numeric, p_s numeric) IS 'How likely a ticket open at one age is still open at a later one';
CREATE FUNCTION tickets.tell_history(p_dataset text, p_key text, p_exported_at timestamp with time zone, p_modified timestamp with time zone, p_etag text, p_content_as_of timestamp with time zone, p_ticket_ids text[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_metadata jsonb;
    v_first jsonb := jsonb_build_object('exported_at', p_exported_at, 'modified', p_modified, 'etag', p_etag);
    v_known jsonb;
BEGIN
    SELECT metadata INTO STRICT v_metadata FROM tickets.import_meta WHERE dataset = p_dataset;
    v_known := v_metadata -> 'history_first';
    IF v_known IS NULL OR (p_exported_at, p_modified, p_etag COLLATE "C") < (
        (v_known ->> 'exported_at')::timestamptz, (v_known ->> 'modified')::timestamptz, v_known ->> 'etag'
    ) THEN
        v_metadata := v_metadata || jsonb_build_object('history_first', v_first);
    END IF;
    IF p_exported_at > coalesce((v_metadata ->> 'history_max_exported_at')::timestamptz, '-infinity') THEN
        v_metadata := v_metadata
            || jsonb_build_object('history_max_key', p_key, 'history_max_exported_at', p_exported_at);
    END IF;
    IF p_exported_at < coalesce((v_metadata ->> 'history_days_due')::timestamptz, 'infinity') THEN
        v_metadata := v_metadata || jsonb_build_object('history_days_due', p_exported_at);
    END IF;
    UPDATE tickets.import_meta SET metadata = v_metadata WHERE dataset = p_dataset AND metadata <> v_metadata;
    UPDATE tickets.import_files
    SET content_as_of = p_content_as_of
    WHERE dataset = p_dataset AND key = p_key AND etag = p_etag AND last_modified = p_modified
        AND p_content_as_of > coalesce(content_as_of, '-infinity');
    PERFORM tickets.fold_history(p_dataset, p_ticket_ids);
END
$$;
COMMENT ON FUNCTION tickets.tell_history(p_dataset text, p_key text, p_exported_at timestamp with time zone, p_modified timestamp with time zone, p_etag text, p_content_as_of timestamp with time zone, p_ticket_ids text[]) IS 'Moves the watermark of history past one file and retells the tickets named';
CREATE TABLE tickets.thresholds (
    name text NOT NULL,
    dataset text,
    value numeric NOT NULL,
    effective_from timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    note text
);
COMMENT ON TABLE tickets.thresholds IS 'Limits of freshness and quality and other choices; the newest that is effective holds, one of its dataset before null';
CREATE FUNCTION tickets.threshold(p_name text, p_dataset text DEFAULT NULL::text, p_at timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS numeric
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT threshold.value
    FROM tickets.thresholds threshold
   WHERE ((threshold.name = threshold.p_name) AND ((threshold.dataset IS NULL) OR (threshold.dataset = threshold.p_dataset)) AND (threshold.effective_from <= COALESCE(threshold.p_at, 'infinity'::timestamp with time zone)))
   ORDER BY threshold.dataset, threshold.effective_from DESC
  LIMIT 1;
END;
COMMENT ON FUNCTION tickets.threshold(p_name text, p_dataset text, p_at timestamp with time zone) IS 'The value of a threshold at an instant';
CREATE FUNCTION tickets.ticket_flags(p_raw jsonb, p_state text, p_bucket text, p_created_at_service timestamp with time zone, p_first_seen_at timestamp with time zone, p_closed_at timestamp with time zone, p_now timestamp with time zone) RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN array_remove(ARRAY[CASE WHEN ((p_state = 'open'::text) AND (p_closed_at IS NOT NULL)) THEN 'open_with_closed_at'::text ELSE NULL::text END, CASE WHEN ((p_state = 'open'::text) AND (lower(p_bucket) = 'closed'::text)) THEN 'open_but_bucket_closed'::text ELSE NULL::text END, CASE WHEN ((p_state = 'closed'::text) AND (p_closed_at IS NULL)) THEN 'closed_undated'::text ELSE NULL::text END, CASE WHEN ((p_state = 'closed'::text) AND (p_closed_at IS NOT NULL) AND (lower(p_bucket) = 'pending'::text)) THEN 'closed_at_but_bucket_pending'::text ELSE NULL::text END, CASE WHEN ((p_created_at_service IS NULL) AND tickets.is_filled((p_raw ->> 'created_at_service'::text))) THEN 'bad_created_at_service'::text ELSE NULL::text END, CASE WHEN (p_created_at_service > (p_now + '00:15:00'::interval)) THEN 'future_created_at_service'::text ELSE NULL::text END, CASE WHEN (p_created_at_service < '1999-12-31 21:00:00+00'::timestamp with time zone) THEN 'ancient_created_at_service'::text ELSE NULL::text END, CASE WHEN ((p_first_seen_at IS NULL) AND tickets.is_filled((p_raw ->> 'first_seen_at'::text))) THEN 'bad_first_seen_at'::text ELSE NULL::text END, CASE WHEN ((p_state = 'open'::text) AND (p_first_seen_at > (p_now + '00:15:00'::interval)) AND (((p_created_at_service >= '1999-12-31 21:00:00+00'::timestamp with time zone) AND (p_created_at_service <= (p_now + '00:15:00'::interval))) IS NOT TRUE)) THEN 'future_first_seen_at'::text ELSE NULL::text END, CASE WHEN ((p_state = 'open'::text) AND (p_first_seen_at < '1999-12-31 21:00:00+00'::timestamp with time zone) AND (((p_created_at_service >= '1999-12-31 21:00:00+00'::timestamp with time zone) AND (p_created_at_service <= (p_now + '00:15:00'::interval))) IS NOT TRUE)) THEN 'ancient_first_seen_at'::text ELSE NULL::text END, CASE WHEN ((p_closed_at IS NULL) AND tickets.is_filled((p_raw ->> 'closed_at'::text))) THEN 'bad_closed_at'::text ELSE NULL::text END, CASE WHEN ((p_state = 'closed'::text) AND (p_closed_at > (p_now + '00:15:00'::interval))) THEN 'future_closed_at'::text ELSE NULL::text END, CASE WHEN ((p_state = 'closed'::text) AND (p_created_at_service > p_closed_at)) THEN 'created_after_closed'::text ELSE NULL::text END, CASE WHEN (tickets.is_filled((p_raw ->> 'scheduled_at'::text)) AND (tickets.eat_ts((p_raw ->> 'scheduled_at'::text)) IS NULL)) THEN 'bad_scheduled_at'::text ELSE NULL::text END, CASE WHEN (tickets.is_filled((p_raw ->> 'last_seen_at'::text)) AND (tickets.eat_ts((p_raw ->> 'last_seen_at'::text)) IS NULL)) THEN 'bad_last_seen_at'::text ELSE NULL::text END, CASE WHEN (tickets.is_filled((p_raw ->> 'created_at'::text)) AND (tickets.eat_ts((p_raw ->> 'created_at'::text)) IS NULL)) THEN 'bad_created_at'::text ELSE NULL::text END, CASE WHEN (tickets.is_filled((p_raw ->> 'updated_at'::text)) AND (tickets.eat_ts((p_raw ->> 'updated_at'::text)) IS NULL)) THEN 'bad_updated_at'::text ELSE NULL::text END, CASE WHEN (tickets.is_filled((p_raw ->> 'is_actionable'::text)) AND (tickets.to_bool((p_raw ->> 'is_actionable'::text)) IS NULL)) THEN 'bad_is_actionable'::text ELSE NULL::text END, CASE WHEN tickets.is_filled((p_raw ->> 'mttr'::text)) THEN CASE WHEN (tickets.mttr_minutes((p_raw ->> 'mttr'::text)) IS NULL) THEN 'bad_mttr'::text WHEN (p_state = 'open'::text) THEN 'mttr_on_open'::text ELSE NULL::text END ELSE NULL::text END], NULL::text);
COMMENT ON FUNCTION tickets.ticket_flags(p_raw jsonb, p_state text, p_bucket text, p_created_at_service timestamp with time zone, p_first_seen_at timestamp with time zone, p_closed_at timestamp with time zone, p_now timestamp with time zone) IS 'What is odd about a ticket, as a list of words';
CREATE FUNCTION tickets.ticket_seen(p_dataset text, p_ticket_id text, p_at timestamp with time zone, p_mode text) RETURNS SETOF tickets.all_tickets
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
#variable_conflict use_column
BEGIN
    IF p_mode = 'happened' AND tickets.is_past(p_dataset, p_at) THEN
        RETURN QUERY
        SELECT ticket.* FROM tickets.seen(p_dataset, p_at, p_mode) AS ticket WHERE ticket.ticket_id = p_ticket_id;
    ELSIF tickets.is_past(p_dataset, p_at) THEN
        RETURN QUERY
        SELECT past.*
        FROM (
            SELECT version.raw, version.exported_at, version.makes_ticket
            FROM tickets.row_versions AS version
            WHERE version.dataset = p_dataset AND version.ticket_id = p_ticket_id AND version.exported_at <= p_at
            ORDER BY version.exported_at DESC, version.modified DESC, version.etag DESC
            LIMIT 1
        ) AS version
        CROSS JOIN LATERAL tickets.ticket_of(p_dataset, p_ticket_id, version.raw, version.exported_at) AS past
        WHERE version.makes_ticket OR tickets.was_ticket(p_dataset, p_ticket_id, p_at);
    ELSE
        RETURN QUERY
        SELECT ticket.*
        FROM tickets.all_tickets AS ticket
        WHERE ticket.dataset = p_dataset AND ticket.ticket_id = p_ticket_id;
    END IF;
END
$$;
COMMENT ON FUNCTION tickets.ticket_seen(p_dataset text, p_ticket_id text, p_at timestamp with time zone, p_mode text) IS 'One ticket as seen at an instant';
CREATE FUNCTION tickets.was_ticket(p_dataset text, p_ticket_id text, p_at timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (EXISTS (SELECT FROM tickets.row_versions version WHERE ((version.dataset = was_ticket.p_dataset) AND (version.ticket_id = was_ticket.p_ticket_id) AND (version.exported_at <= was_ticket.p_at) AND version.makes_ticket)));
COMMENT ON FUNCTION tickets.was_ticket(p_dataset text, p_ticket_id text, p_at timestamp with time zone) IS 'Whether a file until an instant told of a ticket of this id';
CREATE FUNCTION tickets.tickets_at(p_dataset text, p_at timestamp with time zone) RETURNS SETOF tickets.all_tickets
    LANGUAGE sql STABLE ROWS 30000 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT ticket.dataset,
     ticket.ticket_id,
     ticket.raw,
     ticket.normalized_status,
     ticket.raw_status,
     ticket.bucket,
     ticket.is_actionable,
     ticket.cluster,
     ticket.region,
     ticket.location_name,
     ticket.assigned_team,
     ticket.owner,
     ticket.sla_status,
     ticket.mttr,
     ticket.created_at_service,
     ticket.scheduled_at,
     ticket.closed_at,
     ticket.first_seen_at,
     ticket.last_seen_at,
     ticket.geom,
     ticket.geo_source,
     ticket.exported_at,
     ticket.geo_precision,
     ticket.geo_verified
    FROM tickets.all_tickets ticket
   WHERE ((ticket.dataset = tickets_at.p_dataset) AND (ticket.exported_at <= tickets_at.p_at))
 UNION ALL
  SELECT past.dataset,
     past.ticket_id,
     past.raw,
     past.normalized_status,
     past.raw_status,
     past.bucket,
     past.is_actionable,
     past.cluster,
     past.region,
     past.location_name,
     past.assigned_team,
     past.owner,
     past.sla_status,
     past.mttr,
     past.created_at_service,
     past.scheduled_at,
     past.closed_at,
     past.first_seen_at,
     past.last_seen_at,
     past.geom,
     past.geo_source,
     past.exported_at,
     past.geo_precision,
     past.geo_verified
    FROM ((tickets.all_tickets ticket
      CROSS JOIN LATERAL ( SELECT "row".raw,
             "row".exported_at,
             "row".makes_ticket
            FROM tickets.row_versions "row"
           WHERE (("row".dataset = tickets_at.p_dataset) AND ("row".ticket_id = ticket.ticket_id) AND ("row".exported_at <= tickets_at.p_at))
           ORDER BY "row".exported_at DESC, "row".modified DESC, "row".etag DESC
          LIMIT 1) version)
      CROSS JOIN LATERAL tickets.ticket_of(tickets_at.p_dataset, ticket.ticket_id, version.raw, version.exported_at) past(dataset, ticket_id, raw, normalized_status, raw_status, bucket, is_actionable, cluster, region, location_name, assigned_team, owner, sla_status, mttr, created_at_service, scheduled_at, closed_at, first_seen_at, last_seen_at, geom, geo_source, exported_at, geo_precision, geo_verified))
   WHERE ((tickets_at.p_at < tickets.known_until(tickets_at.p_dataset)) AND (ticket.dataset = tickets_at.p_dataset) AND (ticket.exported_at > tickets_at.p_at) AND (version.makes_ticket OR tickets.was_ticket(tickets_at.p_dataset, ticket.ticket_id, tickets_at.p_at)));
END;
COMMENT ON FUNCTION tickets.tickets_at(p_dataset text, p_at timestamp with time zone) IS 'Every ticket of a dataset as it was known at an instant';
CREATE FUNCTION tickets.working_spans(p_calendar text, p_from timestamp with time zone, p_to timestamp with time zone) RETURNS tstzmultirange
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    v_asked tstzmultirange := tstzmultirange(tstzrange(p_from, greatest(p_from, p_to)));
    v_working tstzmultirange;
BEGIN
    IF p_calendar IS NULL THEN
        RETURN v_asked;
    END IF;
    SELECT range_agg(
        tstzrange(
            (day.day + span.starts_at) AT TIME ZONE interval '03:00',
            (day.day + span.ends_at) AT TIME ZONE interval '03:00'
        )
    ) INTO v_working
    FROM (
        SELECT first.day + n AS day
        FROM (SELECT (p_from AT TIME ZONE interval '03:00')::date AS day) AS first
        CROSS JOIN generate_series(0, (p_to AT TIME ZONE interval '03:00')::date - first.day) AS n
    ) AS day
    JOIN tickets.sla_calendar_spans AS span
        ON span.calendar = p_calendar
        AND span.weekday = extract(isodow FROM day.day)
        AND day.day >= span.valid_from
        AND day.day < span.valid_until
    WHERE NOT EXISTS (
        SELECT FROM tickets.sla_holidays AS holiday WHERE holiday.calendar = p_calendar AND holiday.day = day.day
    );
    RETURN coalesce(v_working, '{}') * v_asked;
END
$$;
COMMENT ON FUNCTION tickets.working_spans(p_calendar text, p_from timestamp with time zone, p_to timestamp with time zone) IS 'The working time of a calendar between two instants';
CREATE TABLE tickets.alarm_rows (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    raw jsonb NOT NULL,
    source_exported_at timestamp with time zone NOT NULL,
    source_modified timestamp with time zone NOT NULL,
    source_etag text NOT NULL COLLATE pg_catalog."C",
    source_line bigint NOT NULL
)
WITH (fillfactor='80');
COMMENT ON TABLE tickets.alarm_rows IS 'Newest alarm row of each id: no ticket by itself, but it takes a ticket that is or becomes known out of the backlog';
CREATE TABLE tickets.alarms (
    alarm_id bigint NOT NULL,
    dataset text NOT NULL,
    cause text NOT NULL,
    severity text NOT NULL,
    detail text NOT NULL,
    raised_at timestamp with time zone NOT NULL,
    cleared_at timestamp with time zone,
    CONSTRAINT alarms_severity_is_known CHECK ((severity = ANY (ARRAY['warn'::text, 'error'::text, 'stopped'::text, 'unknown'::text])))
);
COMMENT ON TABLE tickets.alarms IS 'Freshness and quality alarms: raised once, until they change or clear';
ALTER TABLE tickets.alarms ALTER COLUMN alarm_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tickets.alarms_alarm_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE tickets.api_tokens (
    token_id bigint NOT NULL,
    name text NOT NULL,
    secret_sha256 bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT api_tokens_name_is_readable CHECK (((btrim(name) <> ''::text) AND (length(name) <= 100))),
    CONSTRAINT api_tokens_scopes_are_known CHECK (((scopes <@ ARRAY['read'::text, 'pii'::text, 'review'::text, 'dispatch'::text, 'positions'::text, 'admin'::text]) AND (cardinality(scopes) > 0)))
);
COMMENT ON TABLE tickets.api_tokens IS 'Bearer tokens of the HTTP API, hashed; a revoked one stays for the record';
ALTER TABLE tickets.api_tokens ALTER COLUMN token_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tickets.api_tokens_token_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE VIEW tickets.closures_daily AS
 SELECT closure_events.dataset,
    ((closure_events.closed_at AT TIME ZONE '03:00:00'::interval))::date AS day,
    count(*) AS closed,
    count(*) FILTER (WHERE (closure_events.kind = 'baseline'::text)) AS of_them_baseline,
    count(*) FILTER (WHERE (closure_events.kind = 'reclosed'::text)) AS of_them_again
   FROM tickets.closure_events
  WHERE ((closure_events.superseded_by IS NULL) AND (closure_events.closed_at IS NOT NULL))
  GROUP BY closure_events.dataset, (((closure_events.closed_at AT TIME ZONE '03:00:00'::interval))::date);
COMMENT ON VIEW tickets.closures_daily IS 'Closures that stand, by the day (EAT) of closed_at';
CREATE TABLE tickets.crq_daily_snapshot (
    day date NOT NULL,
    as_of timestamp with time zone NOT NULL,
    open integer NOT NULL,
    on_track integer NOT NULL,
    at_risk integer NOT NULL,
    breached integer NOT NULL,
    unknown integer NOT NULL,
    content_as_of timestamp with time zone,
    source_max_key text,
    fresh boolean NOT NULL,
    method text NOT NULL,
    no_policy integer DEFAULT 0 NOT NULL,
    CONSTRAINT crq_daily_snapshot_method_is_known CHECK ((method = ANY (ARRAY['live'::text, 'replayed'::text])))
);
COMMENT ON TABLE tickets.crq_daily_snapshot IS 'The installation backlog of each day (EAT) as it was known then';
COMMENT ON COLUMN tickets.crq_daily_snapshot.no_policy IS 'Open tickets that no SLA policy covers';
CREATE TABLE tickets.exit_events (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    seq integer NOT NULL,
    kind text NOT NULL,
    exited_at timestamp with time zone NOT NULL,
    source_key text,
    CONSTRAINT exit_events_kind_is_known CHECK ((kind = 'became_alarm'::text))
);
COMMENT ON TABLE tickets.exit_events IS 'Each time an open ticket left the backlog without a closure';
CREATE VIEW tickets.backlog_daily AS
 WITH snapshot AS (
         SELECT 'inc'::text AS dataset,
            inc_daily_snapshot.day,
            inc_daily_snapshot.as_of,
            inc_daily_snapshot.open,
            inc_daily_snapshot.on_track,
            inc_daily_snapshot.at_risk,
            inc_daily_snapshot.breached,
            inc_daily_snapshot.unknown,
            inc_daily_snapshot.content_as_of,
            inc_daily_snapshot.source_max_key,
            inc_daily_snapshot.fresh,
            inc_daily_snapshot.method,
            inc_daily_snapshot.no_policy
           FROM tickets.inc_daily_snapshot
        UNION ALL
         SELECT 'crq'::text AS dataset,
            crq_daily_snapshot.day,
            crq_daily_snapshot.as_of,
            crq_daily_snapshot.open,
            crq_daily_snapshot.on_track,
            crq_daily_snapshot.at_risk,
            crq_daily_snapshot.breached,
            crq_daily_snapshot.unknown,
            crq_daily_snapshot.content_as_of,
            crq_daily_snapshot.source_max_key,
            crq_daily_snapshot.fresh,
            crq_daily_snapshot.method,
            crq_daily_snapshot.no_policy
           FROM tickets.crq_daily_snapshot
        ), captured AS (
         SELECT snapshot_1.dataset,
            min(snapshot_1.day) AS first_day,
            max(snapshot_1.day) AS last_day
           FROM snapshot snapshot_1
          GROUP BY snapshot_1.dataset
        ), lived AS (
         SELECT ticket.dataset,
            ((ticket.created_at_service AT TIME ZONE '03:00:00'::interval))::date AS created_day,
                CASE
                    WHEN (tickets.ticket_state(ticket.is_actionable, ticket.closed_at, ticket.bucket) = 'closed'::text) THEN ((ticket.closed_at AT TIME ZONE '03:00:00'::interval))::date
                    ELSE NULL::date
                END AS closed_day,
            tickets.ticket_state(ticket.is_actionable, ticket.closed_at, ticket.bucket) AS state
           FROM (( SELECT 'inc'::text AS dataset,
                    inc.created_at_service,
                    inc.closed_at,
                    inc.is_actionable,
                    inc.bucket
                   FROM tickets.inc
                UNION ALL
                 SELECT 'crq'::text AS dataset,
                    crq.created_at_service,
                    crq.closed_at,
                    crq.is_actionable,
                    crq.bucket
                   FROM tickets.crq) ticket
             JOIN tickets.import_meta meta USING (dataset))
          WHERE ((ticket.created_at_service >= '1999-12-31 21:00:00+00'::timestamp with time zone) AND (ticket.created_at_service <= (((meta.metadata ->> 'history_max_exported_at'::text))::timestamp with time zone + '00:15:00'::interval)))
        ), created AS (
         SELECT lived.dataset,
            lived.created_day AS day,
            count(*) AS n,
            count(*) FILTER (WHERE ((lived.state = 'open'::text) OR (lived.closed_day IS NOT NULL))) AS n_followed
           FROM lived
          GROUP BY lived.dataset, lived.created_day
        ), left_again AS (
         SELECT lived.dataset,
            lived.closed_day AS day,
            count(*) AS n
           FROM lived
          WHERE (lived.closed_day IS NOT NULL)
          GROUP BY lived.dataset, lived.closed_day
        ), reopened AS (
         SELECT reopen_events.dataset,
            ((reopen_events.reopened_at AT TIME ZONE '03:00:00'::interval))::date AS day,
            count(*) AS n
           FROM tickets.reopen_events
          WHERE (NOT reopen_events.retracted)
          GROUP BY reopen_events.dataset, (((reopen_events.reopened_at AT TIME ZONE '03:00:00'::interval))::date)
        ), exited AS (
         SELECT exit_events.dataset,
            ((exit_events.exited_at AT TIME ZONE '03:00:00'::interval))::date AS day,
            count(*) AS n
           FROM tickets.exit_events
          GROUP BY exit_events.dataset, (((exit_events.exited_at AT TIME ZONE '03:00:00'::interval))::date)
        ), calendar AS (
         SELECT captured.dataset,
            captured.first_day,
            (generated.day)::date AS day
           FROM (captured
             CROSS JOIN LATERAL generate_series((LEAST(captured.first_day, ( SELECT min(created.day) AS min
                   FROM created
                  WHERE (created.dataset = captured.dataset))))::timestamp with time zone, (captured.last_day)::timestamp with time zone, '1 day'::interval) generated(day))
        ), flowed AS (
         SELECT calendar.dataset,
            calendar.first_day,
            calendar.day,
            COALESCE(created.n, (0)::bigint) AS created,
            COALESCE(closures.closed, (0)::bigint) AS closed,
            COALESCE(reopened.n, (0)::bigint) AS reopened,
            COALESCE(exited.n, (0)::bigint) AS exited,
            sum((COALESCE(created.n_followed, (0)::bigint) - COALESCE(left_again.n, (0)::bigint))) OVER (PARTITION BY calendar.dataset ORDER BY calendar.day) AS standing
           FROM (((((calendar
             LEFT JOIN created USING (dataset, day))
             LEFT JOIN left_again USING (dataset, day))
             LEFT JOIN reopened USING (dataset, day))
             LEFT JOIN exited USING (dataset, day))
             LEFT JOIN tickets.closures_daily closures USING (dataset, day))
        )
 SELECT flowed.dataset,
    flowed.day,
        CASE
            WHEN (snapshot.method = 'live'::text) THEN 'observed'::text
            WHEN (snapshot.method = 'replayed'::text) THEN 'replayed'::text
            WHEN (flowed.day < flowed.first_day) THEN 'reconstructed'::text
            ELSE 'missing'::text
        END AS method,
    COALESCE(snapshot.open,
        CASE
            WHEN (flowed.day < flowed.first_day) THEN (GREATEST(flowed.standing, (0)::numeric))::integer
            ELSE NULL::integer
        END) AS open,
    snapshot.on_track,
    snapshot.at_risk,
    snapshot.breached,
    snapshot.unknown,
    snapshot.no_policy,
    snapshot.fresh,
    snapshot.as_of,
    snapshot.content_as_of,
    snapshot.source_max_key,
    flowed.created,
    flowed.closed,
    flowed.reopened,
    flowed.exited
   FROM (flowed
     LEFT JOIN snapshot USING (dataset, day));
COMMENT ON VIEW tickets.backlog_daily IS 'The backlog of every day (EAT): observed, replayed, reconstructed or missing';
CREATE TABLE tickets.breach_forecasts (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    day date NOT NULL,
    predicted_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    p_breach double precision NOT NULL,
    breached boolean,
    scored_at timestamp with time zone,
    CONSTRAINT breach_forecasts_is_a_probability CHECK (((p_breach >= (0)::double precision) AND (p_breach <= (1)::double precision))),
    CONSTRAINT breach_forecasts_scored_with_its_outcome CHECK (((breached IS NULL) = (scored_at IS NULL)))
);
COMMENT ON TABLE tickets.breach_forecasts IS 'Each day''s forecast of an open ticket, and what became of it';
CREATE TABLE tickets.forecast_runs (
    dataset text NOT NULL,
    refreshed_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE tickets.forecast_runs IS 'When the survival curves and forecasts of a dataset were renewed last';
CREATE TABLE tickets.geo_answers (
    provider text NOT NULL,
    query_key text NOT NULL,
    params_hash text NOT NULL,
    answer jsonb NOT NULL,
    n integer NOT NULL,
    fetched_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone
);
COMMENT ON TABLE tickets.geo_answers IS 'What a provider answered, for as long as its terms allow; resolved points do not hang on it';
CREATE TABLE tickets.geo_areas (
    region text NOT NULL,
    west double precision NOT NULL,
    south double precision NOT NULL,
    east double precision NOT NULL,
    north double precision NOT NULL,
    note text,
    CONSTRAINT geo_areas_is_a_box CHECK (((west < east) AND (south < north)))
);
COMMENT ON TABLE tickets.geo_areas IS 'The operating area a region: a point outside is refused, a cluster''s too';
CREATE TABLE tickets.geo_decisions (
    decision_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    who text NOT NULL,
    action text NOT NULL,
    cluster text NOT NULL,
    decision_key text,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    tickets bigint NOT NULL,
    undone_at timestamp with time zone,
    undone_by text,
    CONSTRAINT geo_decisions_action_is_known CHECK ((action = ANY (ARRAY['accept'::text, 'reject'::text, 'move'::text, 'keep-cluster'::text])))
);
COMMENT ON TABLE tickets.geo_decisions IS 'What people decided about points, who and when; without a key it is the cluster''s own point';
ALTER TABLE tickets.geo_decisions ALTER COLUMN decision_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tickets.geo_decisions_decision_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE tickets.geo_locations (
    location_name text NOT NULL,
    geom public.geometry(Point,4326),
    cluster text DEFAULT ''::text NOT NULL,
    decision_key text,
    clean_kind text,
    place text,
    alt text,
    unit text,
    status text DEFAULT 'ok'::text NOT NULL,
    "precision" text,
    score real,
    name_sim real,
    dist_m double precision,
    provider text,
    provider_ref text,
    query text,
    norm_version text,
    attempts integer DEFAULT 0 NOT NULL,
    next_try_at timestamp with time zone,
    proposed_geom public.geometry(Point,4326),
    verified boolean DEFAULT false NOT NULL,
    verified_by text,
    verified_at timestamp with time zone,
    note text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    lat double precision GENERATED ALWAYS AS (public.st_y(geom)) STORED,
    lon double precision GENERATED ALWAYS AS (public.st_x(geom)) STORED,
    candidates jsonb,
    CONSTRAINT geo_locations_status_is_known CHECK ((status = ANY (ARRAY['ok'::text, 'cluster'::text, 'nothing'::text, 'far'::text, 'refused'::text, 'ambiguous'::text, 'no_match'::text, 'rejected'::text, 'kept'::text]))),
    CONSTRAINT geo_locations_verified_says_who CHECK (((NOT verified) OR (verified_by IS NOT NULL)))
);
COMMENT ON TABLE tickets.geo_locations IS 'One point a location name: the fine gazetteer';
COMMENT ON COLUMN tickets.geo_locations.decision_key IS 'Place in lower case letters and digits: all spellings of a cluster with one key share one decision';
COMMENT ON COLUMN tickets.geo_locations.status IS 'ok: has a point; cluster: the name is the cluster''s own; nothing: names no place; far: a candidate outside the soft radius waits for review; refused: only outside the hard limit or the operating area; ambiguous: several places; no_match: nobody knows it; rejected: a person refused the candidate; kept: a person chose the cluster''s point';
COMMENT ON COLUMN tickets.geo_locations.candidates IS 'What could be meant, best first: name, label, lat, lon, precision, similarity, dist_m, provider, ref';
CREATE TABLE tickets.geo_name_rules (
    kind text NOT NULL,
    pattern text NOT NULL,
    value text DEFAULT ''::text NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    CONSTRAINT geo_name_rules_kind_is_known CHECK ((kind = ANY (ARRAY['netword'::text, 'element'::text, 'noise'::text, 'person'::text, 'phrase'::text, 'alias'::text, 'cluster_alias'::text, 'abbr'::text, 'abbr_after'::text, 'abbr_number'::text, 'unit'::text, 'counter'::text, 'numbered'::text, 'relation'::text, 'arterial'::text, 'area'::text, 'toponym'::text, 'ambiguous'::text, 'broad'::text, 'generic'::text, 'modifier'::text, 'acronym'::text]))),
    CONSTRAINT geo_name_rules_pattern_is_filled CHECK ((pattern ~ '[A-Za-z0-9]'::text))
);
COMMENT ON TABLE tickets.geo_name_rules IS 'Words and phrases of location names and what each means; ''fleettickets geocode explain NAME'' shows the effect of an edit';
COMMENT ON COLUMN tickets.geo_name_rules.kind IS 'netword, element, noise, person: removed (noise with value alone: only when nothing else is left; element with value number: only before a number); phrase, alias, abbr, abbr_after, abbr_number: rewritten to value; cluster_alias: the name of a cluster''s code; unit, counter, numbered, relation: what stands before or after belongs to them; arterial, area (value: the larger area), toponym, ambiguous, broad: known names; generic, modifier, acronym: words of names';
COMMENT ON COLUMN tickets.geo_name_rules.pattern IS 'The words as people type them; case and punctuation do not matter';
CREATE TABLE tickets.geo_requests (
    id bigint NOT NULL,
    run_id uuid NOT NULL,
    provider text NOT NULL,
    utc_day date NOT NULL,
    purpose text NOT NULL,
    query_key text NOT NULL,
    state text DEFAULT 'reserved'::text NOT NULL,
    http integer,
    message text,
    ms integer,
    at timestamp with time zone NOT NULL,
    CONSTRAINT geo_requests_purpose_is_known CHECK ((purpose = ANY (ARRAY['inc'::text, 'crq'::text, 'review'::text]))),
    CONSTRAINT geo_requests_state_is_known CHECK ((state = ANY (ARRAY['reserved'::text, 'ok'::text, 'empty'::text, 'limited'::text, 'error'::text])))
);
COMMENT ON TABLE tickets.geo_requests IS 'The budget''s books: one row a request, committed before it is sent; one still reserved was sent by a run that died';
ALTER TABLE tickets.geo_requests ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tickets.geo_requests_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE VIEW tickets.geo_review AS
 WITH place AS (
         SELECT
                CASE
                    WHEN (location.status = 'nothing'::text) THEN 'new_code_token'::text
                    WHEN (location.status = 'refused'::text) THEN 'far'::text
                    ELSE location.status
                END AS reason,
            location.decision_key,
            location.cluster,
            array_agg(location.location_name ORDER BY location.location_name) AS names,
            min(location.place) AS place,
            min(location.query) AS query,
            min(location.provider) AS provider,
            min(location.name_sim) AS similarity,
            min(location.dist_m) AS dist_m,
            (array_agg(location.proposed_geom ORDER BY location.updated_at DESC))[1] AS proposed_geom,
            min(location.note) AS note,
            (array_agg(location.candidates ORDER BY location.updated_at DESC))[1] AS candidates
           FROM tickets.geo_locations location
          WHERE ((NOT location.verified) AND ((location.status = ANY (ARRAY['far'::text, 'refused'::text, 'ambiguous'::text, 'no_match'::text])) OR ((location.status = 'nothing'::text) AND (location.note = 'code_only'::text) AND (EXISTS ( SELECT
                   FROM regexp_split_to_table(upper(location.location_name), '[^A-Z]+'::text) token(token)
                  WHERE ((token.token ~ '^.{2,6}$'::text) AND (NOT (EXISTS ( SELECT
                           FROM tickets.geo_name_rules rule
                          WHERE (rule.pattern = token.token))))))))))
          GROUP BY
                CASE
                    WHEN (location.status = 'nothing'::text) THEN 'new_code_token'::text
                    WHEN (location.status = 'refused'::text) THEN 'far'::text
                    ELSE location.status
                END, location.decision_key, location.cluster
        )
 SELECT place.reason,
    'location'::text AS kind,
    place.cluster,
    place.decision_key,
    COALESCE(place.place, place.names[1]) AS place,
    place.names[1:5] AS sample,
    touched.tickets,
    touched.open,
    public.st_y(place.proposed_geom) AS lat,
    public.st_x(place.proposed_geom) AS lon,
    place.dist_m,
    place.similarity,
    place.provider,
    place.query,
    place.note,
    place.candidates,
    touched.moves,
    centre.lat AS centre_lat,
    centre.lon AS centre_lon
   FROM ((place
     CROSS JOIN LATERAL ( SELECT count(*) AS tickets,
            count(*) FILTER (WHERE ticket.is_actionable) AS open,
            count(*) FILTER (WHERE (ticket.geo_source <> 'feed'::text)) AS moves
           FROM ( SELECT inc.is_actionable,
                    inc.geo_source
                   FROM (unnest(place.names) name(name)
                     JOIN tickets.inc ON (((hashtextextended(inc.location_name, (0)::bigint) = hashtextextended(name.name, (0)::bigint)) AND (inc.location_name = name.name) AND (COALESCE(inc.cluster, ''::text) = place.cluster))))
                UNION ALL
                 SELECT crq.is_actionable,
                    crq.geo_source
                   FROM (unnest(place.names) name(name)
                     JOIN tickets.crq ON (((hashtextextended(crq.location_name, (0)::bigint) = hashtextextended(name.name, (0)::bigint)) AND (crq.location_name = name.name) AND (COALESCE(crq.cluster, ''::text) = place.cluster))))) ticket) touched)
     LEFT JOIN tickets.geo_clusters centre ON ((centre.cluster = place.cluster)))
UNION ALL
 SELECT
        CASE
            WHEN (area.suspect OR (area.geom IS NOT NULL)) THEN 'suspect_centroid'::text
            WHEN (area.status = ANY (ARRAY['ambiguous'::text, 'no_match'::text])) THEN area.status
            ELSE 'far'::text
        END AS reason,
    'cluster'::text AS kind,
    area.cluster,
    NULL::text AS decision_key,
    COALESCE(area.alias, area.cluster) AS place,
    ARRAY[area.cluster] AS sample,
    touched.tickets,
    touched.open,
    public.st_y(COALESCE(area.proposed_geom, area.geom)) AS lat,
    public.st_x(COALESCE(area.proposed_geom, area.geom)) AS lon,
    public.st_distance((area.geom)::public.geography, (area.proposed_geom)::public.geography) AS dist_m,
    area.name_sim AS similarity,
    area.provider,
    area.query,
    area.note,
    area.candidates,
    touched.moves,
    area.lat AS centre_lat,
    area.lon AS centre_lon
   FROM (tickets.geo_clusters area
     CROSS JOIN LATERAL ( SELECT count(*) AS tickets,
            count(*) FILTER (WHERE ticket.is_actionable) AS open,
            count(*) FILTER (WHERE (ticket.geo_source = ANY (ARRAY['cluster'::text, 'none'::text]))) AS moves
           FROM ( SELECT inc.is_actionable,
                    inc.geo_source
                   FROM tickets.inc
                  WHERE (inc.cluster = area.cluster)
                UNION ALL
                 SELECT crq.is_actionable,
                    crq.geo_source
                   FROM tickets.crq
                  WHERE (crq.cluster = area.cluster)) ticket) touched)
  WHERE ((NOT area.verified) AND (area.suspect OR (area.alias IS NOT NULL) OR (area.geom IS NULL)));
COMMENT ON VIEW tickets.geo_review IS 'Places and cluster points that wait for a person, with the tickets each touches';
ALTER TABLE tickets.import_files ALTER COLUMN file_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tickets.import_files_file_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE VIEW tickets.inc_open_sla AS
 SELECT open_sla_at.ticket_id,
    open_sla_at.state,
    open_sla_at.sla_state,
    open_sla_at.sla_state_known,
    open_sla_at.evidence,
    open_sla_at.sla_basis,
    open_sla_at.age_bound,
    open_sla_at.opened_at,
    open_sla_at.hours_open,
    open_sla_at.at_risk_at,
    open_sla_at.due_at,
    open_sla_at.policy,
    open_sla_at.policy_version,
    open_sla_at.p_still_open,
    open_sla_at.p_breach,
    open_sla_at.flags,
    open_sla_at.cluster,
    open_sla_at.status,
    open_sla_at.team
   FROM reporting.open_sla_at('inc'::text, now()) open_sla_at(ticket_id, state, sla_state, sla_state_known, evidence, sla_basis, age_bound, opened_at, hours_open, at_risk_at, due_at, policy, policy_version, p_still_open, p_breach, flags, cluster, status, team);
COMMENT ON VIEW tickets.inc_open_sla IS 'The SLA of each open fault at the wall clock';
CREATE TABLE tickets.map_features (
    dataset text NOT NULL,
    ticket_id text NOT NULL COLLATE pg_catalog."C",
    feature text NOT NULL
)
WITH (fillfactor='80');
COMMENT ON TABLE tickets.map_features IS 'The feature of fn_tickets_for_map of every open ticket; only tickets.advance_revision writes here';
CREATE TABLE tickets.quarantine_decisions (
    decision_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    who text NOT NULL,
    action text NOT NULL,
    dataset text NOT NULL,
    file_id bigint NOT NULL,
    line bigint,
    key text NOT NULL,
    reason text,
    outcome text NOT NULL,
    CONSTRAINT quarantine_decisions_action_is_known CHECK ((action = ANY (ARRAY['retry'::text, 'discard'::text])))
);
COMMENT ON TABLE tickets.quarantine_decisions IS 'Who had a quarantined file or rejected row read again or discarded, when, and what came of it';
COMMENT ON COLUMN tickets.quarantine_decisions.reason IS 'Why it was in quarantine when they decided';
ALTER TABLE tickets.quarantine_decisions ALTER COLUMN decision_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tickets.quarantine_decisions_decision_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE tickets.rejected_rows (
    rejected_id bigint NOT NULL,
    dataset text NOT NULL,
    file_id bigint NOT NULL,
    line bigint NOT NULL,
    reason text NOT NULL,
    record text NOT NULL,
    rejected_at timestamp with time zone DEFAULT now() NOT NULL,
    discarded_at timestamp with time zone,
    discarded_by text
);
COMMENT ON TABLE tickets.rejected_rows IS 'Rows that could not be used, with file, line, reason and the record';
COMMENT ON COLUMN tickets.rejected_rows.discarded_at IS 'When somebody decided that this rejected row is of no use';
ALTER TABLE tickets.rejected_rows ALTER COLUMN rejected_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tickets.rejected_rows_rejected_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE tickets.revision_log (
    dataset text NOT NULL,
    revision bigint NOT NULL,
    ticket_ids text[],
    advanced_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE tickets.revision_log IS 'Which tickets moved a revision, for the newest thousand; null: any of them';
CREATE TABLE tickets.revisions (
    dataset text NOT NULL,
    revision bigint DEFAULT 0 NOT NULL,
    advanced_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE tickets.revisions IS 'One number a dataset; 0: never advanced, its features are not built yet';
CREATE TABLE tickets.runs (
    run_id bigint NOT NULL,
    dataset text NOT NULL,
    command text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    state text DEFAULT 'running'::text NOT NULL,
    exit_code smallint,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    error text,
    CONSTRAINT runs_state_is_known CHECK ((state = ANY (ARRAY['running'::text, 'done'::text, 'failed'::text])))
);
COMMENT ON TABLE tickets.runs IS 'One row a run that committed something or found nothing new; dry runs leave none';
ALTER TABLE tickets.runs ALTER COLUMN run_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tickets.runs_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE tickets.schema_migrations (
    filename text NOT NULL,
    checksum text,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE tickets.sla_calendar_spans (
    calendar text NOT NULL,
    weekday smallint NOT NULL,
    starts_at time without time zone NOT NULL,
    ends_at time without time zone NOT NULL,
    valid_from date DEFAULT '-infinity'::date NOT NULL,
    valid_until date DEFAULT 'infinity'::date NOT NULL,
    CONSTRAINT sla_calendar_spans_ends_after_it_starts CHECK ((starts_at < ends_at)),
    CONSTRAINT sla_calendar_spans_weekday_is_iso CHECK (((weekday >= 1) AND (weekday <= 7)))
);
COMMENT ON TABLE tickets.sla_calendar_spans IS 'Working hours (EAT) of a weekday, 1 Monday to 7 Sunday, on the days from valid_from until before valid_until';
CREATE TABLE tickets.sla_calendars (
    calendar text NOT NULL,
    note text
);
COMMENT ON TABLE tickets.sla_calendars IS 'Working calendars by name; a policy without one counts around the clock';
CREATE TABLE tickets.sla_holidays (
    calendar text NOT NULL,
    day date NOT NULL,
    note text
);
COMMENT ON TABLE tickets.sla_holidays IS 'Days (EAT) on which a calendar does not work';
ALTER TABLE ONLY tickets.alarm_rows
    ADD CONSTRAINT alarm_rows_pkey PRIMARY KEY (dataset, ticket_id);
ALTER TABLE ONLY tickets.alarms
    ADD CONSTRAINT alarms_pkey PRIMARY KEY (alarm_id);
ALTER TABLE ONLY tickets.api_tokens
    ADD CONSTRAINT api_tokens_pkey PRIMARY KEY (token_id);
ALTER TABLE ONLY tickets.api_tokens
    ADD CONSTRAINT api_tokens_secret_is_given_once UNIQUE (secret_sha256);
ALTER TABLE ONLY tickets.breach_forecasts
    ADD CONSTRAINT breach_forecasts_pkey PRIMARY KEY (dataset, ticket_id, day);
ALTER TABLE ONLY tickets.closure_events
    ADD CONSTRAINT closure_events_pkey PRIMARY KEY (dataset, ticket_id, seq);
ALTER TABLE ONLY tickets.crq_daily_snapshot
    ADD CONSTRAINT crq_daily_snapshot_pkey PRIMARY KEY (day);
ALTER TABLE ONLY tickets.crq
    ADD CONSTRAINT crq_pkey PRIMARY KEY (ticket_id);
ALTER TABLE ONLY tickets.exit_events
    ADD CONSTRAINT exit_events_pkey PRIMARY KEY (dataset, ticket_id, seq);
ALTER TABLE ONLY tickets.forecast_runs
    ADD CONSTRAINT forecast_runs_pkey PRIMARY KEY (dataset);
ALTER TABLE ONLY tickets.geo_answers
    ADD CONSTRAINT geo_answers_pkey PRIMARY KEY (provider, query_key, params_hash);
ALTER TABLE ONLY tickets.geo_areas
    ADD CONSTRAINT geo_areas_pkey PRIMARY KEY (region);
ALTER TABLE ONLY tickets.geo_clusters
    ADD CONSTRAINT geo_clusters_pkey PRIMARY KEY (cluster);
ALTER TABLE ONLY tickets.geo_decisions
    ADD CONSTRAINT geo_decisions_pkey PRIMARY KEY (decision_id);
ALTER TABLE ONLY tickets.geo_locations
    ADD CONSTRAINT geo_locations_pkey PRIMARY KEY (location_name, cluster);
ALTER TABLE ONLY tickets.geo_name_rules
    ADD CONSTRAINT geo_name_rules_pkey PRIMARY KEY (kind, pattern);
ALTER TABLE ONLY tickets.geo_requests
    ADD CONSTRAINT geo_requests_pkey PRIMARY KEY (id);
ALTER TABLE ONLY tickets.import_files
    ADD CONSTRAINT import_files_pkey PRIMARY KEY (file_id);
ALTER TABLE ONLY tickets.import_files
    ADD CONSTRAINT import_files_version_is_seen_once UNIQUE (dataset, key, etag, last_modified);
ALTER TABLE ONLY tickets.import_meta
    ADD CONSTRAINT import_meta_pkey PRIMARY KEY (dataset);
ALTER TABLE ONLY tickets.inc_daily_snapshot
    ADD CONSTRAINT inc_daily_snapshot_pkey PRIMARY KEY (day);
ALTER TABLE ONLY tickets.inc
    ADD CONSTRAINT inc_pkey PRIMARY KEY (ticket_id);
ALTER TABLE ONLY tickets.map_features
    ADD CONSTRAINT map_features_pkey PRIMARY KEY (dataset, ticket_id);
ALTER TABLE ONLY tickets.open_spells
    ADD CONSTRAINT open_spells_pkey PRIMARY KEY (dataset, ticket_id, seq);
ALTER TABLE ONLY tickets.quarantine_decisions
    ADD CONSTRAINT quarantine_decisions_pkey PRIMARY KEY (decision_id);
ALTER TABLE ONLY tickets.rejected_rows
    ADD CONSTRAINT rejected_rows_pkey PRIMARY KEY (rejected_id);
ALTER TABLE ONLY tickets.reopen_events
    ADD CONSTRAINT reopen_events_pkey PRIMARY KEY (dataset, ticket_id, seq);
ALTER TABLE ONLY tickets.revision_log
    ADD CONSTRAINT revision_log_pkey PRIMARY KEY (dataset, revision);
ALTER TABLE ONLY tickets.revisions
    ADD CONSTRAINT revisions_pkey PRIMARY KEY (dataset);
ALTER TABLE ONLY tickets.row_versions
    ADD CONSTRAINT row_versions_pkey PRIMARY KEY (dataset, ticket_id, exported_at, modified, etag);
ALTER TABLE ONLY tickets.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (run_id);
ALTER TABLE ONLY tickets.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (filename);
ALTER TABLE ONLY tickets.sla_calendar_spans
    ADD CONSTRAINT sla_calendar_spans_pkey PRIMARY KEY (calendar, weekday, starts_at, valid_from);
ALTER TABLE ONLY tickets.sla_calendars
    ADD CONSTRAINT sla_calendars_pkey PRIMARY KEY (calendar);
ALTER TABLE ONLY tickets.sla_holidays
    ADD CONSTRAINT sla_holidays_pkey PRIMARY KEY (calendar, day);
ALTER TABLE ONLY tickets.sla_policies
    ADD CONSTRAINT sla_policies_pkey PRIMARY KEY (name, version);
ALTER TABLE ONLY tickets.survival
    ADD CONSTRAINT survival_pkey PRIMARY KEY (dataset, cluster, age_h);
ALTER TABLE ONLY tickets.thresholds
    ADD CONSTRAINT thresholds_are_set_once UNIQUE NULLS NOT DISTINCT (name, dataset, effective_from);
CREATE UNIQUE INDEX alarms_stand_once_idx ON tickets.alarms USING btree (dataset, cause) WHERE (cleared_at IS NULL);
CREATE INDEX breach_forecasts_unscored_idx ON tickets.breach_forecasts USING btree (dataset, ticket_id) WHERE (breached IS NULL);
CREATE INDEX closure_events_closed_at_idx ON tickets.closure_events USING btree (dataset, closed_at) WHERE (superseded_by IS NULL);
CREATE INDEX closure_events_observed_idx ON tickets.closure_events USING btree (dataset, observed_at);
CREATE INDEX crq_closed_at_idx ON tickets.crq USING btree (closed_at);
CREATE INDEX crq_created_at_service_idx ON tickets.crq USING btree (created_at_service);
CREATE INDEX crq_location_idx ON tickets.crq USING btree (hashtextextended(location_name, (0)::bigint));
CREATE INDEX crq_open_geog_idx ON tickets.crq USING gist (geog) WHERE is_actionable;
CREATE INDEX crq_open_idx ON tickets.crq USING btree (ticket_id) WHERE is_actionable;
CREATE INDEX crq_undated_idx ON tickets.crq USING btree (ticket_id) WHERE ((is_actionable IS NOT TRUE) AND (closed_at IS NULL));
CREATE INDEX exit_events_exited_at_idx ON tickets.exit_events USING btree (dataset, exited_at);
CREATE INDEX geo_decisions_key_idx ON tickets.geo_decisions USING btree (decision_key, cluster);
CREATE INDEX geo_locations_decision_idx ON tickets.geo_locations USING btree (decision_key, cluster);
CREATE INDEX geo_requests_day_idx ON tickets.geo_requests USING btree (utc_day, provider);
CREATE INDEX import_files_content_idx ON tickets.import_files USING btree (dataset, content_as_of) WHERE (content_as_of IS NOT NULL);
CREATE INDEX import_files_exported_at_idx ON tickets.import_files USING btree (dataset, exported_at);
CREATE INDEX import_files_run_idx ON tickets.import_files USING btree (run_id) WHERE (run_id IS NOT NULL);
CREATE INDEX import_files_unarchived_idx ON tickets.import_files USING btree (dataset) WHERE ((archived_at IS NULL) AND (state = ANY (ARRAY['applied'::text, 'quarantined'::text, 'superseded'::text])));
CREATE INDEX inc_closed_at_idx ON tickets.inc USING btree (closed_at);
CREATE INDEX inc_created_at_service_idx ON tickets.inc USING btree (created_at_service);
CREATE INDEX inc_location_idx ON tickets.inc USING btree (hashtextextended(location_name, (0)::bigint));
CREATE INDEX inc_open_geog_idx ON tickets.inc USING gist (geog) WHERE is_actionable;
CREATE INDEX inc_open_idx ON tickets.inc USING btree (ticket_id) WHERE is_actionable;
CREATE INDEX inc_undated_idx ON tickets.inc USING btree (ticket_id) WHERE ((is_actionable IS NOT TRUE) AND (closed_at IS NULL));
CREATE INDEX open_spells_time_idx ON tickets.open_spells USING gist (tstzrange(opened_at, left_at));
CREATE INDEX quarantine_decisions_file_idx ON tickets.quarantine_decisions USING btree (file_id);
CREATE INDEX rejected_rows_file_idx ON tickets.rejected_rows USING btree (file_id);
CREATE INDEX reopen_events_reopened_at_idx ON tickets.reopen_events USING btree (dataset, reopened_at);
CREATE INDEX runs_dataset_finished_idx ON tickets.runs USING btree (dataset, finished_at DESC NULLS LAST);
ALTER TABLE ONLY tickets.sla_calendar_spans
    ADD CONSTRAINT sla_calendar_spans_calendar_exists FOREIGN KEY (calendar) REFERENCES tickets.sla_calendars(calendar);
ALTER TABLE ONLY tickets.sla_holidays
    ADD CONSTRAINT sla_holidays_calendar_exists FOREIGN KEY (calendar) REFERENCES tickets.sla_calendars(calendar);
ALTER TABLE ONLY tickets.sla_policies
    ADD CONSTRAINT sla_policies_calendar_exists FOREIGN KEY (calendar) REFERENCES tickets.sla_calendars(calendar);
