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
    CONSTRAINT geo_clusters_origin_is_known CHECK ((origin = ANY (ARRAY['manual'::text, 'provider'::text, 'feed'::text]))),
    CONSTRAINT geo_clusters_status_is_known CHECK ((status = ANY (ARRAY['ok'::text, 'nothing'::text, 'refused'::text, 'ambiguous'::text, 'no_match'::text, 'rejected'::text, 'kept'::text]))),
    CONSTRAINT geo_clusters_verified_says_who CHECK (((NOT verified) OR (verified_by IS NOT NULL)))
);
COMMENT ON TABLE tickets.geo_clusters IS 'One point a cluster: the coarse gazetteer';
COMMENT ON COLUMN tickets.geo_clusters.suspect IS 'The point looks wrong: its names are not held to it until a person decides';
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
CREATE FUNCTION reporting.fn_freshness(p_dataset text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    AS $$
DECLARE
    v_file_ts timestamptz;
    v_run_at timestamptz;
    v_content_as_of timestamptz;
BEGIN
    SELECT (metadata ->> 'source_max_exported_at')::timestamptz INTO v_file_ts
    FROM tickets.import_meta
    WHERE dataset = p_dataset;
    SELECT max(finished_at) INTO v_run_at
    FROM tickets.runs
    WHERE dataset = p_dataset AND state = 'done';
    -- Two index look-ups each: the newest instant of the rows that is not ahead of the export itself.
    IF p_dataset = 'inc' THEN
        SELECT greatest(
            (SELECT max(created_at_service) FROM tickets.inc WHERE created_at_service <= v_file_ts + interval '15 min'),
            (SELECT max(closed_at) FROM tickets.inc WHERE closed_at <= v_file_ts + interval '15 min')
        ) INTO v_content_as_of;
    ELSE
        SELECT greatest(
            (SELECT max(created_at_service) FROM tickets.crq WHERE created_at_service <= v_file_ts + interval '15 min'),
            (SELECT max(closed_at) FROM tickets.crq WHERE closed_at <= v_file_ts + interval '15 min')
        ) INTO v_content_as_of;
    END IF;
    RETURN json_build_object('run_at', v_run_at, 'file_ts', v_file_ts, 'content_as_of', v_content_as_of);
END
$$;
COMMENT ON FUNCTION reporting.fn_freshness(p_dataset text) IS 'The clocks of one dataset: run_at, file_ts, content_as_of';
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
    )
    SELECT json_build_object(
        'runs', coalesce(json_agg(newest ORDER BY newest.run_id DESC), '[]'),
        'next_before', CASE WHEN count(*) = p_limit THEN min(newest.run_id) END
    ) INTO v_answer
    FROM newest;
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
    open_ticket AS (
        SELECT 'inc' AS dataset, created_at_service, first_seen_at, geo_source FROM tickets.inc WHERE is_actionable
        UNION ALL
        SELECT 'crq', created_at_service, first_seen_at, geo_source FROM tickets.crq WHERE is_actionable
    ),
    backlog AS (
        SELECT
            open_ticket.dataset,
            count(*) AS open,
            count(*) FILTER (WHERE open_ticket.geo_source <> 'none') AS mapped,
            count(*) FILTER (WHERE sla.sla_due_at <= p_now) AS breached,
            count(*) FILTER (WHERE sla.sla_at_risk_at <= p_now AND sla.sla_due_at > p_now) AS at_risk,
            count(*) FILTER (WHERE sla.sla_at_risk_at > p_now) AS on_track,
            count(*) FILTER (WHERE open_ticket.dataset = 'inc' AND sla.opened_at IS NULL) AS unknown
        FROM open_ticket
        CROSS JOIN LATERAL reporting.open_sla(
            open_ticket.dataset, open_ticket.created_at_service, open_ticket.first_seen_at, p_now
        ) AS sla
        GROUP BY open_ticket.dataset
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
                'freshness', reporting.fn_freshness(stream.dataset),
                'watermark', (SELECT metadata ->> 'source_max_key' FROM tickets.import_meta AS meta
                    WHERE meta.dataset = stream.dataset),
                'backlog', json_build_object(
                    'open', coalesce(backlog.open, 0), 'mapped', coalesce(backlog.mapped, 0),
                    'breached', coalesce(backlog.breached, 0), 'at_risk', coalesce(backlog.at_risk, 0),
                    'on_track', coalesce(backlog.on_track, 0), 'unknown', coalesce(backlog.unknown, 0)
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
CREATE FUNCTION reporting.fn_tickets_for_map(p_dataset text DEFAULT NULL::text, p_cluster text DEFAULT NULL::text, p_status text DEFAULT NULL::text, p_actionable boolean DEFAULT true, p_bbox double precision[] DEFAULT NULL::double precision[], p_now timestamp with time zone DEFAULT NULL::timestamp with time zone, p_ticket_ids text[] DEFAULT NULL::text[]) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'Africa/Nairobi'
    AS $$
DECLARE
    v_dataset text := nullif(lower(btrim(p_dataset)), '');
    v_cluster text := nullif(lower(btrim(p_cluster)), '');
    v_status text := nullif(lower(btrim(p_status)), '');
    v_box public.geometry;
    v_answer json;
BEGIN
    IF v_dataset IS NOT NULL AND v_dataset NOT IN ('inc', 'crq') THEN
        RAISE EXCEPTION 'unknown dataset %: use inc or crq', quote_literal(v_dataset) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_bbox IS NOT NULL THEN
        v_box := reporting.bbox_polygon(p_bbox);
    END IF;
    WITH chosen AS (
        SELECT 'inc' AS dataset, inc.ticket_id, inc.normalized_status, inc.raw_status, inc.bucket, inc.cluster,
            inc.region, inc.location_name, inc.assigned_team, inc.owner, inc.created_at_service,
            inc.first_seen_at, inc.scheduled_at, inc.closed_at, inc.is_actionable, inc.geom, inc.geo_source,
            inc.geo_precision, inc.geo_verified
        FROM tickets.inc
        WHERE (v_dataset IS NULL OR v_dataset = 'inc')
            AND (p_actionable IS NULL OR (p_actionable AND inc.is_actionable)
                OR (NOT p_actionable AND inc.is_actionable IS NOT TRUE))
            AND (v_cluster IS NULL OR lower(inc.cluster) = v_cluster)
            AND (v_status IS NULL OR lower(inc.normalized_status) = v_status)
            AND (v_box IS NULL OR public.st_intersects(inc.geom, v_box))
            AND (p_ticket_ids IS NULL OR inc.ticket_id = ANY (p_ticket_ids))
        UNION ALL
        SELECT 'crq', crq.ticket_id, crq.normalized_status, crq.raw_status, crq.bucket, crq.cluster,
            crq.region, crq.location_name, crq.assigned_team, crq.owner, crq.created_at_service,
            crq.first_seen_at, crq.scheduled_at, crq.closed_at, crq.is_actionable, crq.geom, crq.geo_source,
            crq.geo_precision, crq.geo_verified
        FROM tickets.crq
        WHERE (v_dataset IS NULL OR v_dataset = 'crq')
            AND (p_actionable IS NULL OR (p_actionable AND crq.is_actionable)
                OR (NOT p_actionable AND crq.is_actionable IS NOT TRUE))
            AND (v_cluster IS NULL OR lower(crq.cluster) = v_cluster)
            AND (v_status IS NULL OR lower(crq.normalized_status) = v_status)
            AND (v_box IS NULL OR public.st_intersects(crq.geom, v_box))
            AND (p_ticket_ids IS NULL OR crq.ticket_id = ANY (p_ticket_ids))
    ),
    feature AS (
        SELECT
            property.dataset,
            property.ticket_id,
            property.status,
            property.geo_source,
            json_build_object(
                'type', 'Feature',
                'id', property.ticket_id,
                'geometry', public.st_asgeojson(chosen.geom, 6)::json,
                'properties', CASE
                    WHEN p_now IS NULL THEN row_to_json(property)
                    ELSE (
                        SELECT row_to_json(timed)
                        FROM (
                            SELECT
                                property.*,
                                CASE
                                    WHEN chosen.is_actionable IS NOT TRUE THEN NULL
                                    WHEN property.dataset = 'crq' THEN 'none'
                                    WHEN sla.opened_at IS NULL THEN 'unknown'
                                    WHEN p_now >= sla.sla_due_at THEN 'breached'
                                    WHEN p_now >= sla.sla_at_risk_at THEN 'at_risk'
                                    ELSE 'on_track'
                                END AS sla_state,
                                CASE
                                    WHEN chosen.is_actionable
                                    THEN round(greatest(extract(epoch FROM p_now - sla.opened_at), 0) / 3600, 2)
                                END AS hours_open
                        ) AS timed
                    )
                END
            ) AS feature
        FROM chosen
        CROSS JOIN LATERAL reporting.open_sla(
            chosen.dataset, chosen.created_at_service, chosen.first_seen_at, p_now
        ) AS sla
        CROSS JOIN LATERAL (
            SELECT
                chosen.ticket_id, chosen.dataset, chosen.normalized_status AS status, chosen.raw_status, chosen.bucket,
                chosen.cluster, chosen.region, chosen.location_name, chosen.assigned_team, chosen.owner,
                sla.opened_at, chosen.scheduled_at, chosen.closed_at,
                CASE WHEN chosen.is_actionable THEN sla.sla_at_risk_at END AS sla_at_risk_at,
                CASE WHEN chosen.is_actionable THEN sla.sla_due_at END AS sla_due_at,
                sla.age_bound,
                chosen.geo_source,
                chosen.geo_precision,
                chosen.geo_verified
        ) AS property
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
                'inc', reporting.fn_freshness('inc'),
                'crq', reporting.fn_freshness('crq')
            )
        )
    ) INTO v_answer;
    RETURN v_answer;
END
$$;
COMMENT ON FUNCTION reporting.fn_tickets_for_map(p_dataset text, p_cluster text, p_status text, p_actionable boolean, p_bbox double precision[], p_now timestamp with time zone, p_ticket_ids text[]) IS 'GeoJSON FeatureCollection of tickets with a summary of the same set';
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
            inc.created_at_service, inc.first_seen_at, inc.geom
        FROM tickets.inc
        WHERE inc.is_actionable AND (v_dataset IS NULL OR v_dataset = 'inc')
            AND inc.geom OPERATOR(public.&&) v_degrees
        UNION ALL
        SELECT 'crq', crq.ticket_id, crq.normalized_status, crq.geo_source,
            crq.created_at_service, crq.first_seen_at, crq.geom
        FROM tickets.crq
        WHERE crq.is_actionable AND (v_dataset IS NULL OR v_dataset = 'crq')
            AND crq.geom OPERATOR(public.&&) v_degrees
    ),
    placed AS (
        SELECT chosen.dataset, chosen.ticket_id, chosen.status, chosen.geo_source, sla.sla_at_risk_at, sla.sla_due_at,
            public.st_asmvtgeom(public.st_transform(chosen.geom, 3857), v_bounds, c_extent, 0, true) AS geom
        FROM chosen
        CROSS JOIN LATERAL reporting.open_sla(
            chosen.dataset, chosen.created_at_service, chosen.first_seen_at, p_now
        ) AS sla
    ),
    cell AS (
        SELECT
            count(*)::integer AS n,
            nullif(count(*) FILTER (WHERE p_now >= placed.sla_due_at), 0)::integer AS breached,
            nullif(count(*) FILTER (WHERE p_now >= placed.sla_at_risk_at AND p_now < placed.sla_due_at), 0)::integer
                AS at_risk,
            nullif(count(*) FILTER (WHERE p_now < placed.sla_at_risk_at), 0)::integer AS on_track,
            nullif(count(*) FILTER (WHERE placed.sla_due_at IS NULL AND placed.dataset = 'inc'), 0)::integer AS unknown,
            nullif(count(*) FILTER (WHERE placed.sla_due_at IS NULL AND placed.dataset = 'crq'), 0)::integer AS none,
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
CREATE FUNCTION reporting.open_sla(p_dataset text, p_created_at_service timestamp with time zone, p_first_seen_at timestamp with time zone, p_now timestamp with time zone, OUT opened_at timestamp with time zone, OUT age_bound text, OUT sla_at_risk_at timestamp with time zone, OUT sla_due_at timestamp with time zone) RETURNS record
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT clock.at,
         CASE
             WHEN (clock.at IS NULL) THEN NULL::text
             WHEN clock.is_created THEN 'exact'::text
             ELSE 'at_least'::text
         END AS "case",
         CASE
             WHEN (open_sla.p_dataset = 'inc'::text) THEN (clock.at + '36:00:00'::interval)
             ELSE NULL::timestamp with time zone
         END AS "case",
         CASE
             WHEN (open_sla.p_dataset = 'inc'::text) THEN (clock.at + '48:00:00'::interval)
             ELSE NULL::timestamp with time zone
         END AS "case"
    FROM ( SELECT
                 CASE
                     WHEN usable.created THEN open_sla.p_created_at_service
                     WHEN usable.seen THEN open_sla.p_first_seen_at
                     ELSE NULL::timestamp with time zone
                 END AS at,
             usable.created AS is_created
            FROM ( SELECT COALESCE(((open_sla.p_created_at_service >= '1999-12-31 21:00:00+00'::timestamp with time zone) AND ((open_sla.p_now IS NULL) OR (open_sla.p_created_at_service <= (open_sla.p_now + '00:15:00'::interval)))), false) AS created,
                     COALESCE(((open_sla.p_first_seen_at >= '1999-12-31 21:00:00+00'::timestamp with time zone) AND ((open_sla.p_now IS NULL) OR (open_sla.p_first_seen_at <= (open_sla.p_now + '00:15:00'::interval)))), false) AS seen) usable) clock;
END;
COMMENT ON FUNCTION reporting.open_sla(p_dataset text, p_created_at_service timestamp with time zone, p_first_seen_at timestamp with time zone, p_now timestamp with time zone, OUT opened_at timestamp with time zone, OUT age_bound text, OUT sla_at_risk_at timestamp with time zone, OUT sla_due_at timestamp with time zone) IS 'SLA instants of an open ticket and what its age says (exact, at_least)';
CREATE FUNCTION tickets.active_time(p_from timestamp with time zone, p_to timestamp with time zone) RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT sum(((eat.sign)::double precision * (((eat.days)::double precision * '14:00:00'::interval) + LEAST(GREATEST((eat.clock - '06:00:00'::interval), '00:00:00'::interval), '14:00:00'::interval)))) AS sum FROM (SELECT side.sign, (((side.at AT TIME ZONE '03:00:00'::interval))::date - '2000-01-01'::date) AS days, (((side.at AT TIME ZONE '03:00:00'::interval))::time without time zone)::interval AS clock FROM (VALUES (1,active_time.p_to), ('-1'::integer,active_time.p_from)) side(sign, at)) eat);
COMMENT ON FUNCTION tickets.active_time(p_from timestamp with time zone, p_to timestamp with time zone) IS 'Working time of the export between two instants';
CREATE FUNCTION tickets.advance_revision(p_dataset text, p_ticket_ids text[] DEFAULT NULL::text[]) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    c_kept CONSTANT bigint := 1000;
    c_most_tickets CONSTANT integer := 5000;
    v_ticket_ids text[] := CASE WHEN cardinality(p_ticket_ids) <= c_most_tickets THEN p_ticket_ids END;
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
        WITH renewed AS MATERIALIZED (
            SELECT (feature ->> 'id') AS ticket_id, feature::text AS feature
            FROM json_array_elements(
                reporting.fn_tickets_for_map(p_dataset => p_dataset, p_ticket_ids => v_ticket_ids) -> 'features'
            ) AS feature
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
        SELECT
            count(*),
            count(*) FILTER (WHERE ticket.age < interval '36 hours'),
            count(*) FILTER (WHERE ticket.age >= interval '36 hours' AND ticket.age < interval '48 hours'),
            count(*) FILTER (WHERE ticket.age >= interval '48 hours'),
            count(*) FILTER (WHERE p_dataset = 'inc' AND ticket.age IS NULL),
            count(*) FILTER (WHERE p_dataset <> 'inc')
        INTO v_row.open, v_row.on_track, v_row.at_risk, v_row.breached, v_row.unknown, v_row.no_policy
        FROM (
            SELECT CASE
                WHEN p_dataset <> 'inc' THEN NULL
                WHEN open.created_at_service BETWEEN '2000-01-01 00:00:00+03' AND v_day.as_of + interval '15 min'
                THEN v_day.as_of - open.created_at_service
                WHEN open.first_seen_at BETWEEN '2000-01-01 00:00:00+03' AND v_day.as_of + interval '15 min'
                THEN v_day.as_of - open.first_seen_at
            END AS age
            FROM tickets.open_at(p_dataset, v_day.as_of) AS open
        ) AS ticket;
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
BEGIN
    IF tickets.known_until(p_dataset) IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM tickets.capture_days(p_dataset, ARRAY[p_now], p_now);
    RETURN (p_now AT TIME ZONE 'Africa/Nairobi')::date;
END
$$;
COMMENT ON FUNCTION tickets.capture_history(p_dataset text, p_now timestamp with time zone) IS 'Takes the backlog of today as it is known now';
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
CREATE FUNCTION tickets.mttr_minutes(p_text text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (p_text ~ '^[ \t\n\r]*([0-9]{1,7}(\.[0-9]{0,60})?|\.[0-9]{1,60})[ \t\n\r]*$'::text) THEN (round(((btrim(p_text))::numeric * (60)::numeric)))::integer ELSE NULL::integer END;
COMMENT ON FUNCTION tickets.mttr_minutes(p_text text) IS 'Whole minutes (half up) of decimal hours, or null';
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
);
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
);
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
CREATE FUNCTION tickets.ticket_state(is_actionable boolean, closed_at timestamp with time zone, bucket text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN is_actionable THEN 'open'::text WHEN ((closed_at IS NOT NULL) OR (lower(bucket) = 'closed'::text)) THEN 'closed'::text ELSE 'inactive'::text END;
COMMENT ON FUNCTION tickets.ticket_state(is_actionable boolean, closed_at timestamp with time zone, bucket text) IS 'open, closed or inactive: every ticket is exactly one';
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
CREATE FUNCTION tickets.repeat_faults(p_dataset text, p_days integer DEFAULT 30, p_from timestamp with time zone DEFAULT '-infinity'::timestamp with time zone, p_to timestamp with time zone DEFAULT 'infinity'::timestamp with time zone) RETURNS TABLE(ticket_id text, earlier_id text, created_at_service timestamp with time zone, earlier_closed_at timestamp with time zone)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT DISTINCT ON (again.ticket_id) again.ticket_id,
     earlier.ticket_id,
     again.created_at_service,
     earlier.closed_at
    FROM (tickets.all_tickets again
      JOIN tickets.all_tickets earlier ON (((earlier.dataset = repeat_faults.p_dataset) AND (lower(btrim(earlier.location_name)) = lower(btrim(again.location_name))) AND (earlier.ticket_id <> again.ticket_id) AND (earlier.closed_at < again.created_at_service) AND (earlier.closed_at >= (again.created_at_service - make_interval(days => repeat_faults.p_days))) AND (tickets.ticket_state(earlier.is_actionable, earlier.closed_at, earlier.bucket) = 'closed'::text))))
   WHERE ((again.dataset = repeat_faults.p_dataset) AND (again.created_at_service >= repeat_faults.p_from) AND (again.created_at_service < repeat_faults.p_to) AND (btrim(again.location_name) <> ''::text))
   ORDER BY again.ticket_id, earlier.closed_at DESC, earlier.ticket_id;
END;
COMMENT ON FUNCTION tickets.repeat_faults(p_dataset text, p_days integer, p_from timestamp with time zone, p_to timestamp with time zone) IS 'Tickets created soon after another ticket of the same place was closed';
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
        -- What the file told that was the first until now is no baseline any more.
        UPDATE tickets.closure_events SET kind = 'observed' WHERE dataset = p_dataset AND kind = 'baseline';
        v_metadata := v_metadata || jsonb_build_object('history_first', v_first);
    END IF;
    IF p_exported_at > coalesce((v_metadata ->> 'history_max_exported_at')::timestamptz, '-infinity') THEN
        v_metadata := v_metadata
            || jsonb_build_object('history_max_key', p_key, 'history_max_exported_at', p_exported_at);
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
CREATE TABLE tickets.alarm_rows (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    raw jsonb NOT NULL,
    source_exported_at timestamp with time zone NOT NULL,
    source_modified timestamp with time zone NOT NULL,
    source_etag text NOT NULL COLLATE pg_catalog."C",
    source_line bigint NOT NULL
);
COMMENT ON TABLE tickets.alarm_rows IS 'Newest alarm row of each id: no ticket by itself, but it takes a ticket that is or becomes known out of the backlog';
CREATE TABLE tickets.api_tokens (
    token_id bigint NOT NULL,
    name text NOT NULL,
    secret_sha256 bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT api_tokens_name_is_readable CHECK (((btrim(name) <> ''::text) AND (length(name) <= 100))),
    CONSTRAINT api_tokens_scopes_are_known CHECK (((scopes <@ ARRAY['read'::text, 'pii'::text, 'review'::text, 'dispatch'::text, 'admin'::text]) AND (cardinality(scopes) > 0)))
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
    CONSTRAINT geo_locations_status_is_known CHECK ((status = ANY (ARRAY['ok'::text, 'cluster'::text, 'nothing'::text, 'far'::text, 'refused'::text, 'ambiguous'::text, 'no_match'::text, 'rejected'::text, 'kept'::text]))),
    CONSTRAINT geo_locations_verified_says_who CHECK (((NOT verified) OR (verified_by IS NOT NULL)))
);
COMMENT ON TABLE tickets.geo_locations IS 'One point a location name: the fine gazetteer';
COMMENT ON COLUMN tickets.geo_locations.decision_key IS 'Place in lower case letters and digits: all spellings of a cluster with one key share one decision';
COMMENT ON COLUMN tickets.geo_locations.status IS 'ok: has a point; cluster: the name is the cluster''s own; nothing: names no place; far: a candidate outside the soft radius waits for review; refused: only outside the hard limit or the operating area; ambiguous: several places; no_match: nobody knows it; rejected: a person refused the candidate; kept: a person chose the cluster''s point';
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
ALTER TABLE tickets.import_files ALTER COLUMN file_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tickets.import_files_file_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE tickets.map_features (
    dataset text NOT NULL,
    ticket_id text NOT NULL COLLATE pg_catalog."C",
    feature text NOT NULL
)
WITH (fillfactor='80');
COMMENT ON TABLE tickets.map_features IS 'The feature of fn_tickets_for_map of every open ticket; only tickets.advance_revision writes here';
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
ALTER TABLE ONLY tickets.alarm_rows
    ADD CONSTRAINT alarm_rows_pkey PRIMARY KEY (dataset, ticket_id);
ALTER TABLE ONLY tickets.api_tokens
    ADD CONSTRAINT api_tokens_pkey PRIMARY KEY (token_id);
ALTER TABLE ONLY tickets.api_tokens
    ADD CONSTRAINT api_tokens_secret_is_given_once UNIQUE (secret_sha256);
ALTER TABLE ONLY tickets.closure_events
    ADD CONSTRAINT closure_events_pkey PRIMARY KEY (dataset, ticket_id, seq);
ALTER TABLE ONLY tickets.crq_daily_snapshot
    ADD CONSTRAINT crq_daily_snapshot_pkey PRIMARY KEY (day);
ALTER TABLE ONLY tickets.crq
    ADD CONSTRAINT crq_pkey PRIMARY KEY (ticket_id);
ALTER TABLE ONLY tickets.exit_events
    ADD CONSTRAINT exit_events_pkey PRIMARY KEY (dataset, ticket_id, seq);
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
CREATE INDEX closure_events_closed_at_idx ON tickets.closure_events USING btree (dataset, closed_at) WHERE (superseded_by IS NULL);
CREATE INDEX crq_closed_at_idx ON tickets.crq USING btree (closed_at);
CREATE INDEX crq_created_at_service_idx ON tickets.crq USING btree (created_at_service);
CREATE INDEX crq_location_idx ON tickets.crq USING btree (hashtextextended(location_name, (0)::bigint));
CREATE INDEX crq_open_geog_idx ON tickets.crq USING gist (geog) WHERE is_actionable;
CREATE INDEX crq_open_idx ON tickets.crq USING btree (ticket_id) WHERE is_actionable;
CREATE INDEX exit_events_exited_at_idx ON tickets.exit_events USING btree (dataset, exited_at);
CREATE INDEX geo_decisions_key_idx ON tickets.geo_decisions USING btree (decision_key, cluster);
CREATE INDEX geo_locations_decision_idx ON tickets.geo_locations USING btree (decision_key, cluster);
CREATE INDEX geo_requests_day_idx ON tickets.geo_requests USING btree (utc_day, provider);
CREATE INDEX import_files_content_idx ON tickets.import_files USING btree (dataset, content_as_of) WHERE (content_as_of IS NOT NULL);
CREATE INDEX import_files_exported_at_idx ON tickets.import_files USING btree (dataset, exported_at);
CREATE INDEX import_files_unarchived_idx ON tickets.import_files USING btree (dataset) WHERE ((archived_at IS NULL) AND (state = ANY (ARRAY['applied'::text, 'quarantined'::text, 'superseded'::text])));
CREATE INDEX inc_closed_at_idx ON tickets.inc USING btree (closed_at);
CREATE INDEX inc_created_at_service_idx ON tickets.inc USING btree (created_at_service);
CREATE INDEX inc_location_idx ON tickets.inc USING btree (hashtextextended(location_name, (0)::bigint));
CREATE INDEX inc_open_geog_idx ON tickets.inc USING gist (geog) WHERE is_actionable;
CREATE INDEX inc_open_idx ON tickets.inc USING btree (ticket_id) WHERE is_actionable;
CREATE INDEX open_spells_time_idx ON tickets.open_spells USING gist (tstzrange(opened_at, left_at));
CREATE INDEX rejected_rows_file_idx ON tickets.rejected_rows USING btree (file_id);
CREATE INDEX reopen_events_reopened_at_idx ON tickets.reopen_events USING btree (dataset, reopened_at);
CREATE INDEX runs_dataset_finished_idx ON tickets.runs USING btree (dataset, finished_at DESC NULLS LAST);
