-- The vehicles nearest to a ticket, as JSON: usable ones first, then stale ones, each with why it is not usable.
-- How exactly the ticket's place is known comes with the answer: an ETA to a cluster's middle is an ETA to nowhere.
CREATE OR REPLACE FUNCTION dispatch.fn_nearest_vehicles(
    p_ticket_id text,
    p_k integer DEFAULT 5,
    p_skills text[] DEFAULT '{}',
    p_stale_after interval DEFAULT interval '60 min',
    p_now timestamptz DEFAULT now()
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
DECLARE
    v_ticket record;
BEGIN
    IF p_k IS NULL OR p_k NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION 'k is %: ask for 1 to 100', coalesce(p_k::text, 'null') USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT found.* INTO v_ticket
    FROM (
        SELECT 'inc' AS dataset, inc.ticket_id, inc.geom, inc.geog, inc.geo_source, inc.cluster, inc.location_name,
            inc.is_actionable
        FROM tickets.inc WHERE inc.ticket_id = p_ticket_id
        UNION ALL
        SELECT 'crq', crq.ticket_id, crq.geom, crq.geog, crq.geo_source, crq.cluster, crq.location_name, crq.is_actionable
        FROM tickets.crq WHERE crq.ticket_id = p_ticket_id
    ) AS found
    ORDER BY found.is_actionable DESC NULLS LAST, found.dataset DESC
    LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown ticket %', quote_literal(p_ticket_id) USING ERRCODE = 'no_data_found';
    END IF;

    RETURN (
        WITH judged AS (
            SELECT
                fleet.*,
                public.st_distance(fleet.geog, v_ticket.geog) AS distance_m,
                CASE
                    WHEN fleet.geom IS NULL THEN 'no_position'
                    WHEN fleet.is_out_of_area THEN 'out_of_area'
                    WHEN fleet.known_at < p_now - p_stale_after THEN 'stale'
                    WHEN NOT (p_skills <@ fleet.skills) THEN 'skill'
                END AS obstacle
            FROM dispatch.fleet
            WHERE fleet.is_active
        ),
        ranked AS (
            SELECT judged.*, row_number() OVER (ORDER BY obstacle IS NOT NULL, distance_m, vehicle_id) AS rank
            FROM judged
        )
        SELECT json_build_object(
            'now', p_now,
            'ticket', json_build_object(
                'dataset', v_ticket.dataset,
                'ticket_id', v_ticket.ticket_id,
                'is_open', coalesce(v_ticket.is_actionable, false),
                'cluster', v_ticket.cluster,
                'location_name', v_ticket.location_name,
                'geo_source', v_ticket.geo_source,
                'lon', round(public.st_x(v_ticket.geom)::numeric, 6),
                'lat', round(public.st_y(v_ticket.geom)::numeric, 6)
            ),
            'vehicles', coalesce(
                json_agg(
                    json_build_object(
                        'vehicle_id', ranked.vehicle_id,
                        'label', ranked.label,
                        'team', ranked.team,
                        'skills', ranked.skills,
                        'lon', round(public.st_x(ranked.geom)::numeric, 6),
                        'lat', round(public.st_y(ranked.geom)::numeric, 6),
                        'known_at', ranked.known_at,
                        'obstacle', ranked.obstacle,
                        'shares_label', ranked.shares_label,
                        'distance_m', round(ranked.distance_m),
                        'eta_s', dispatch.eta_s(ranked.distance_m),
                        'eta_basis', 'straight line x 1.35 at 25 km/h'
                    )
                    ORDER BY ranked.rank
                ),
                '[]'
            )
        )
        FROM ranked
        WHERE ranked.rank <= p_k
    );
END
$$;

COMMENT ON FUNCTION dispatch.fn_nearest_vehicles(text, integer, text[], interval, timestamptz)
    IS 'The vehicles nearest to a ticket, usable ones first';
