-- The open tickets nearest to a vehicle or a point, as JSON: by true distance, with how exactly each place is known.
-- The index finds more than are asked for by its own measure; they are ranked again on the spheroid.
-- Its plan is the same for any point and planning it costs more than running it: it is planned once a session.
CREATE OR REPLACE FUNCTION dispatch.fn_nearest_tickets(
    p_vehicle_id text DEFAULT NULL,
    p_lon double precision DEFAULT NULL,
    p_lat double precision DEFAULT NULL,
    p_k integer DEFAULT 10,
    p_dataset text DEFAULT NULL,
    p_now timestamptz DEFAULT now()
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi' SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_from public.geography;
    v_known_at timestamptz;
    v_dataset text := nullif(lower(btrim(p_dataset)), '');
    v_reach integer := p_k * 2 + 10;
BEGIN
    IF p_k IS NULL OR p_k NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION 'k is %: ask for 1 to 100', coalesce(p_k::text, 'null') USING ERRCODE = 'invalid_parameter_value';
    ELSIF v_dataset IS NOT NULL AND v_dataset NOT IN ('inc', 'crq') THEN
        RAISE EXCEPTION 'unknown dataset %: use inc or crq', quote_literal(v_dataset) USING ERRCODE = 'invalid_parameter_value';
    ELSIF p_vehicle_id IS NOT NULL THEN
        SELECT fleet.geog, fleet.known_at INTO v_from, v_known_at FROM dispatch.fleet WHERE fleet.vehicle_id = p_vehicle_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'unknown vehicle %', quote_literal(p_vehicle_id) USING ERRCODE = 'no_data_found';
        ELSIF v_from IS NULL THEN
            RAISE EXCEPTION 'vehicle % has no position yet', quote_literal(p_vehicle_id) USING ERRCODE = 'no_data_found';
        END IF;
    ELSIF NOT coalesce(abs(p_lat) <= 90 AND abs(p_lon) <= 180, false) THEN
        RAISE EXCEPTION 'give a vehicle, or a longitude (-180 to 180) and a latitude (-90 to 90)'
            USING ERRCODE = 'invalid_parameter_value';
    ELSE
        v_from := public.st_setsrid(public.st_makepoint(p_lon, p_lat), 4326)::public.geography;
    END IF;

    RETURN (
        WITH near AS (
            (
                SELECT 'inc' AS dataset, inc.ticket_id, inc.geog, inc.geom, inc.geo_source, inc.cluster, inc.location_name,
                    inc.assigned_team, inc.region, inc.normalized_status, inc.created_at_service, inc.first_seen_at
                FROM tickets.inc
                WHERE inc.is_actionable AND inc.geog IS NOT NULL AND coalesce(v_dataset = 'inc', true)
                ORDER BY inc.geog OPERATOR(public.<->) v_from
                LIMIT v_reach
            )
            UNION ALL
            (
                SELECT 'crq', crq.ticket_id, crq.geog, crq.geom, crq.geo_source, crq.cluster, crq.location_name,
                    crq.assigned_team, crq.region, crq.normalized_status, crq.created_at_service, crq.first_seen_at
                FROM tickets.crq
                WHERE crq.is_actionable AND crq.geog IS NOT NULL AND coalesce(v_dataset = 'crq', true)
                ORDER BY crq.geog OPERATOR(public.<->) v_from
                LIMIT v_reach
            )
        ),
        ranked AS (
            SELECT near.*, public.st_distance(near.geog, v_from) AS distance_m
            FROM near
            ORDER BY distance_m, near.dataset DESC, near.ticket_id
            LIMIT p_k
        )
        SELECT json_build_object(
            'now', p_now,
            'vehicle_id', p_vehicle_id,
            'known_at', v_known_at,
            'lon', round(public.st_x(v_from::public.geometry)::numeric, 6),
            'lat', round(public.st_y(v_from::public.geometry)::numeric, 6),
            'tickets', coalesce(
                json_agg(
                    json_build_object(
                        'dataset', ranked.dataset,
                        'ticket_id', ranked.ticket_id,
                        'cluster', ranked.cluster,
                        'location_name', ranked.location_name,
                        'assigned_team', ranked.assigned_team,
                        'status', ranked.normalized_status,
                        'lon', round(public.st_x(ranked.geom)::numeric, 6),
                        'lat', round(public.st_y(ranked.geom)::numeric, 6),
                        'geo_source', ranked.geo_source,
                        'distance_m', round(ranked.distance_m),
                        'eta_s', dispatch.eta_s(ranked.distance_m),
                        'eta_basis', 'straight line x 1.35 at 25 km/h',
                        'sla_due_at', sla.due_at,
                        'age_bound', sla.age_bound
                    )
                    ORDER BY ranked.distance_m, ranked.dataset DESC, ranked.ticket_id
                ),
                '[]'
            ),
            'freshness', json_build_object('inc', reporting.fn_freshness('inc'), 'crq', reporting.fn_freshness('crq'))
        )
        FROM ranked
        CROSS JOIN LATERAL tickets.sla_sum(
            ranked.dataset, ranked.ticket_id, 'open', ranked.created_at_service, ranked.first_seen_at, NULL,
            ranked.cluster, ranked.region, ranked.normalized_status, p_now, NULL
        ) AS sla
    );
END
$$;

COMMENT ON FUNCTION dispatch.fn_nearest_tickets(text, double precision, double precision, integer, text, timestamptz)
    IS 'The open tickets nearest to a vehicle or a point, by true distance';
