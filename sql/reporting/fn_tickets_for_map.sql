-- A GeoJSON FeatureCollection of the tickets of both datasets, with a summary of the same set.
-- Filters combine with AND; null or empty means all; cluster and status ignore case and outer spaces.
-- In byte order, so that a reader can keep the answer feature by feature.
-- A p_now before the newest file is answered as known then, or with p_mode 'happened' by what is known now.
-- Without p_now nothing in it depends on the clock: the bytes stay the same until the data changes.
CREATE OR REPLACE FUNCTION reporting.fn_tickets_for_map(
    p_dataset text DEFAULT NULL,
    p_cluster text DEFAULT NULL,
    p_status text DEFAULT NULL,
    p_actionable boolean DEFAULT true,
    p_bbox double precision[] DEFAULT NULL,
    p_now timestamptz DEFAULT NULL,
    p_mode text DEFAULT 'known'
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
SET plan_cache_mode = force_custom_plan SET work_mem = '32MB' SET jit = off
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

COMMENT ON FUNCTION reporting.fn_tickets_for_map(text, text, text, boolean, double precision[], timestamptz, text)
    IS 'GeoJSON FeatureCollection of tickets with a summary of the same set';
