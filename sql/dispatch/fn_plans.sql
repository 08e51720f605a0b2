-- The newest plans as JSON, each with its settings and summary; p_before is the number to go on below.
CREATE OR REPLACE FUNCTION dispatch.fn_plans(p_limit integer DEFAULT 20, p_before bigint DEFAULT NULL)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
BEGIN
    RETURN (
        WITH newest AS (
            SELECT plan.*
            FROM dispatch.plan
            WHERE plan.plan_id < coalesce(p_before, 9223372036854775807)
            ORDER BY plan.plan_id DESC
            LIMIT p_limit
        )
        SELECT json_build_object(
            'plans', coalesce(
                json_agg(
                    json_build_object(
                        'plan_id', plan_id,
                        'revision', revision,
                        'state', state,
                        'planned_for', planned_for,
                        'created_by', created_by,
                        'committed_at', committed_at,
                        'committed_by', committed_by,
                        'settings', settings,
                        'summary', document -> 'summary'
                    )
                    ORDER BY plan_id DESC
                ),
                '[]'
            )
        )
        FROM newest
    );
END
$$;

COMMENT ON FUNCTION dispatch.fn_plans(integer, bigint) IS 'The newest plans, each with its settings and summary';
