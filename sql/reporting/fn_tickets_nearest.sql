-- The p_k open tickets nearest to a point as JSON {tickets}, with the distance in metres and how sure the place is.
CREATE OR REPLACE FUNCTION reporting.fn_tickets_nearest(
    p_lon double precision,
    p_lat double precision,
    p_k integer DEFAULT 10,
    p_dataset text DEFAULT NULL
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
DECLARE
    v_dataset text := nullif(lower(btrim(p_dataset)), '');
    v_here public.geography;
    v_answer json;
BEGIN
    IF p_lon IS NULL OR p_lat IS NULL OR NOT (p_lon BETWEEN -180 AND 180 AND p_lat BETWEEN -90 AND 90) THEN
        RAISE EXCEPTION 'lon and lat are degrees' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_k IS NULL OR p_k NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION 'k is 1 to 100' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    v_here := public.st_setsrid(public.st_makepoint(p_lon, p_lat), 4326)::public.geography;

    -- The index orders by distance on the sphere, the answer by distance on the spheroid: a few more are looked at.
    WITH near AS (
        (
            SELECT 'inc' AS dataset, inc.ticket_id, inc.normalized_status AS status, inc.cluster, inc.assigned_team,
                inc.geo_source, inc.geog
            FROM tickets.inc
            WHERE inc.is_actionable AND inc.geog IS NOT NULL AND (v_dataset IS NULL OR v_dataset = 'inc')
            ORDER BY inc.geog OPERATOR(public.<->) v_here
            LIMIT p_k + 10
        )
        UNION ALL
        (
            SELECT 'crq', crq.ticket_id, crq.normalized_status, crq.cluster, crq.assigned_team, crq.geo_source, crq.geog
            FROM tickets.crq
            WHERE crq.is_actionable AND crq.geog IS NOT NULL AND (v_dataset IS NULL OR v_dataset = 'crq')
            ORDER BY crq.geog OPERATOR(public.<->) v_here
            LIMIT p_k + 10
        )
    ),
    ranked AS (
        SELECT near.dataset, near.ticket_id, near.status, near.cluster, near.assigned_team, near.geo_source,
            round(public.st_distance(near.geog, v_here)::numeric, 1) AS distance_m,
            public.st_x(near.geog::public.geometry) AS lon, public.st_y(near.geog::public.geometry) AS lat
        FROM near
        ORDER BY distance_m, near.dataset DESC, near.ticket_id COLLATE "C"
        LIMIT p_k
    )
    SELECT json_build_object(
        'tickets', coalesce(
            json_agg(ranked ORDER BY ranked.distance_m, ranked.dataset DESC, ranked.ticket_id COLLATE "C"), '[]'
        )
    ) INTO v_answer
    FROM ranked;
    RETURN v_answer;
END
$$;

COMMENT ON FUNCTION reporting.fn_tickets_nearest(double precision, double precision, integer, text)
    IS 'The open tickets nearest to a point';
