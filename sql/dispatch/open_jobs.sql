-- Every open ticket as a plan needs it: where, until when, how long, with which skills, how likely it is open still.
CREATE OR REPLACE FUNCTION dispatch.open_jobs(p_now timestamptz, p_datasets text[] DEFAULT '{inc,crq}')
RETURNS TABLE (
    dataset text,
    ticket_id text,
    lat double precision,
    lon double precision,
    geo_source text,
    cluster text,
    location_name text,
    due_at timestamptz,
    earliest_at timestamptz,
    service_s integer,
    skills text[],
    p_still_open double precision
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
BEGIN
    RETURN QUERY
    WITH open AS (
        SELECT 'inc' AS dataset, inc.ticket_id, inc.geom, inc.geo_source, inc.cluster, inc.location_name, inc.raw_status,
            inc.region, inc.normalized_status,
            inc.created_at_service, inc.first_seen_at, inc.scheduled_at
        FROM tickets.inc WHERE inc.is_actionable AND 'inc' = ANY (p_datasets)
        UNION ALL
        SELECT 'crq', crq.ticket_id, crq.geom, crq.geo_source, crq.cluster, crq.location_name, crq.raw_status,
            crq.region, crq.normalized_status,
            crq.created_at_service, crq.first_seen_at, crq.scheduled_at
        FROM tickets.crq WHERE crq.is_actionable AND 'crq' = ANY (p_datasets)
    ),
    clock AS MATERIALIZED (
        SELECT stream.dataset, (tickets.clocks(stream.dataset, p_now, 'happened')).content_as_of
        FROM unnest(p_datasets) AS stream (dataset)
    )
    SELECT
        open.dataset,
        open.ticket_id,
        public.st_y(open.geom),
        public.st_x(open.geom),
        open.geo_source,
        open.cluster,
        open.location_name,
        sla.due_at,
        CASE WHEN open.dataset = 'crq' AND open.scheduled_at > p_now THEN open.scheduled_at END,
        60 * (
            coalesce((SELECT minutes FROM dispatch.service_time AS kind WHERE kind.dataset = open.dataset), 45)
            + coalesce((SELECT minutes FROM dispatch.search_time AS place WHERE place.geo_source = open.geo_source), 0)
        ),
        ARRAY(
            SELECT DISTINCT rule.skill
            FROM dispatch.skill_rule AS rule
            WHERE coalesce(rule.dataset, open.dataset) = open.dataset
                AND (rule.raw_status IS NULL OR upper(btrim(rule.raw_status)) = open.raw_status)
            ORDER BY rule.skill
        ),
        coalesce(chance.still_open, 1)
    FROM open
    JOIN clock ON clock.dataset = open.dataset
    CROSS JOIN LATERAL tickets.sla_sum(
        open.dataset, open.ticket_id, 'open', open.created_at_service, open.first_seen_at, NULL,
        open.cluster, open.region, open.normalized_status, p_now, clock.content_as_of
    ) AS sla
    CROSS JOIN LATERAL tickets.open_chances(
        open.dataset, open.cluster, sla.opened_at, p_now, clock.content_as_of, sla.target_min
    ) AS chance
    ORDER BY open.dataset DESC, open.ticket_id;
END
$$;

COMMENT ON FUNCTION dispatch.open_jobs(timestamptz, text[]) IS 'Every open ticket as a plan needs it';
