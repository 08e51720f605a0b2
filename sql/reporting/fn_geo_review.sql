-- What waits for a person as JSON {queue, decided}: the places that touch most open tickets first, and the newest decision
-- that can be undone.
CREATE OR REPLACE FUNCTION reporting.fn_geo_review(p_limit integer DEFAULT 200)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
SET jit = off -- its estimates are far too high: compiling takes longer than the query
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

COMMENT ON FUNCTION reporting.fn_geo_review(integer) IS 'Places that wait for a person, and the newest decision';
