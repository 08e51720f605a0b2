-- A GeoJSON FeatureCollection of the tickets of both datasets, with a summary of the same set.
-- Filters combine with AND; null or empty means all; cluster and status ignore case and outer spaces.
-- p_ticket_ids picks tickets: what changed is asked for alone. Byte order, so that a reader can keep it by itself.
-- Without p_now nothing in it depends on the clock: the bytes stay the same until the data changes.
CREATE OR REPLACE FUNCTION reporting.fn_tickets_for_map(
    p_dataset text DEFAULT NULL,
    p_cluster text DEFAULT NULL,
    p_status text DEFAULT NULL,
    p_actionable boolean DEFAULT true,
    p_bbox double precision[] DEFAULT NULL,
    p_now timestamptz DEFAULT NULL,
    p_ticket_ids text[] DEFAULT NULL
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
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

COMMENT ON FUNCTION reporting.fn_tickets_for_map(text, text, text, boolean, double precision[], timestamptz, text[])
    IS 'GeoJSON FeatureCollection of tickets with a summary of the same set';
