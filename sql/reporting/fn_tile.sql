-- A Mapbox vector tile of open tickets: grid cells with counts by SLA at p_now up to z11, single tickets beyond.
CREATE OR REPLACE FUNCTION reporting.fn_tile(
    p_dataset text,
    p_z integer,
    p_x integer,
    p_y integer,
    p_now timestamptz DEFAULT now()
)
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
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

COMMENT ON FUNCTION reporting.fn_tile(text, integer, integer, integer, timestamptz)
    IS 'A vector tile of open tickets: counts in a grid, or single tickets';
