-- The three parts of the dashboard of faults, for a window and a content clock already settled: fn_inc_dashboard
-- finds both out. Where the data does not reach the window every windowed number is null, never 0.
CREATE OR REPLACE FUNCTION reporting.inc_dashboard_of(
    p_cluster text,
    p_status text,
    p_team text,
    p_from timestamptz,
    p_to timestamptz,
    p_now timestamptz,
    p_content_as_of timestamptz,
    p_mode text,
    OUT open_tickets json,
    OUT closed_tickets json,
    OUT metrics json
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
SET plan_cache_mode = force_custom_plan SET work_mem = '32MB'
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

COMMENT ON FUNCTION reporting.inc_dashboard_of(text, text, text, timestamptz, timestamptz, timestamptz, timestamptz, text)
    IS 'The dashboard of faults for a settled window and content clock';
