-- Takes fixes as a JSON array and answers their counts: {read, new, newest, known, rejected{reason: n}}.
-- A fix: vehicle_id, label, lat, lon, fixed_at, and if known heartbeat_at, speed_km_per_h, heading_deg, ignition.
-- The newest fix of a vehicle stays, whatever arrives late; a heartbeat keeps a parked one fresh.
CREATE OR REPLACE FUNCTION dispatch.record_positions(p_fixes jsonb, p_source text, p_now timestamptz DEFAULT now())
RETURNS json LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
    v_answer json;
BEGIN
    PERFORM dispatch.keep_tracks(p_now)
    WHERE to_regclass(format('dispatch.vehicle_track_%s', to_char(p_now + interval '1 day', 'YYYYMM'))) IS NULL;

    -- Materialized: reading a time costs, and each is looked at three times.
    WITH told AS MATERIALIZED (
        SELECT
            entry.fix,
            entry.at,
            nullif(btrim(entry.fix ->> 'vehicle_id'), '') AS vehicle_id,
            nullif(btrim(entry.fix ->> 'label'), '') AS label,
            dispatch.number_of(entry.fix ->> 'lat') AS lat,
            dispatch.number_of(entry.fix ->> 'lon') AS lon,
            dispatch.instant_of(entry.fix ->> 'fixed_at') AS fixed_at,
            dispatch.instant_of(entry.fix ->> 'heartbeat_at') AS heartbeat_at,
            dispatch.number_of(entry.fix ->> 'speed_km_per_h') AS speed_km_per_h,
            dispatch.number_of(entry.fix ->> 'heading_deg') AS heading_deg,
            tickets.to_bool(entry.fix ->> 'ignition') AS ignition
        FROM jsonb_array_elements(p_fixes) WITH ORDINALITY AS entry (fix, at)
    ),
    judged AS MATERIALIZED (
        SELECT
            told.*,
            CASE
                WHEN told.vehicle_id IS NULL OR length(told.vehicle_id) > 200 THEN 'no_vehicle'
                WHEN told.lat IS NULL OR told.lon IS NULL THEN 'no_position'
                WHEN told.lat = 0 AND told.lon = 0 THEN 'zero_position'
                WHEN abs(told.lat) > 90 OR abs(told.lon) > 180 THEN 'no_position'
                WHEN told.fixed_at IS NULL OR told.fixed_at < '2000-01-01 00:00:00+00' THEN 'no_time'
                WHEN told.fixed_at > p_now + interval '5 min' THEN 'future_time'
            END AS reason
        FROM told
    ),
    refused AS (
        INSERT INTO dispatch.rejected_position (source, reason, record, received_at)
        SELECT p_source, reason, fix, p_now FROM judged WHERE reason IS NOT NULL ORDER BY at
        RETURNING reason
    ),
    usable AS (
        SELECT DISTINCT ON (vehicle_id, fixed_at)
            *,
            public.st_setsrid(public.st_makepoint(lon, lat), 4326) AS geom
        FROM judged
        WHERE reason IS NULL
        ORDER BY vehicle_id, fixed_at, at DESC
    ),
    introduced AS (
        INSERT INTO dispatch.vehicle (vehicle_id, label, source)
        SELECT DISTINCT ON (vehicle_id) vehicle_id, coalesce(label, vehicle_id), p_source
        FROM usable
        ORDER BY vehicle_id, fixed_at DESC
        ON CONFLICT (vehicle_id) DO NOTHING
    ),
    tracked AS (
        INSERT INTO dispatch.vehicle_track (vehicle_id, fixed_at, geom, speed_km_per_h, ignition)
        SELECT vehicle_id, fixed_at, geom, speed_km_per_h, ignition
        FROM usable
        ORDER BY vehicle_id, fixed_at
        ON CONFLICT (vehicle_id, fixed_at) DO NOTHING
        RETURNING vehicle_id
    ),
    newest AS (
        INSERT INTO dispatch.vehicle_position AS known (
            vehicle_id, fixed_at, heartbeat_at, geom, speed_km_per_h, heading_deg, ignition, source, received_at
        )
        SELECT DISTINCT ON (vehicle_id)
            vehicle_id,
            fixed_at,
            max(heartbeat_at) OVER (PARTITION BY vehicle_id),
            geom, speed_km_per_h, heading_deg, ignition, source, received_at
        FROM (
            SELECT
                vehicle_id, fixed_at, CASE WHEN heartbeat_at <= p_now + interval '5 min' THEN heartbeat_at END AS heartbeat_at,
                geom, speed_km_per_h, heading_deg, ignition, p_source AS source, p_now AS received_at, at
            FROM usable
            UNION ALL
            SELECT
                vehicle_id, fixed_at, heartbeat_at, geom, speed_km_per_h, heading_deg, ignition, source, received_at, 0
            FROM dispatch.vehicle_position
            WHERE vehicle_id IN (SELECT vehicle_id FROM usable)
        ) AS seen
        ORDER BY vehicle_id, fixed_at DESC, at
        ON CONFLICT (vehicle_id) DO UPDATE SET
            fixed_at = excluded.fixed_at,
            heartbeat_at = excluded.heartbeat_at,
            geom = excluded.geom,
            speed_km_per_h = excluded.speed_km_per_h,
            heading_deg = excluded.heading_deg,
            ignition = excluded.ignition,
            source = excluded.source,
            received_at = excluded.received_at
        WHERE (known.fixed_at, coalesce(known.heartbeat_at, '-infinity'))
            < (excluded.fixed_at, coalesce(excluded.heartbeat_at, '-infinity'))
        RETURNING vehicle_id
    )
    SELECT json_build_object(
        'read', (SELECT count(*) FROM judged),
        'new', (SELECT count(*) FROM tracked),
        'newest', (SELECT count(*) FROM newest),
        'known', (SELECT count(*) FROM judged WHERE reason IS NULL) - (SELECT count(*) FROM tracked),
        'rejected', (
            SELECT coalesce(json_object_agg(reason, n ORDER BY reason), '{}')
            FROM (SELECT reason, count(*) AS n FROM refused GROUP BY reason) AS counted
        )
    ) INTO v_answer;
    RETURN v_answer;
END
$$;

COMMENT ON FUNCTION dispatch.record_positions(jsonb, text, timestamptz) IS 'Takes fixes as a JSON array and answers their counts';
