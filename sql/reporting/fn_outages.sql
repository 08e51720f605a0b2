-- Accumulations of new tickets that chance does not explain, as JSON, most unlikely first. Looked at: each distribution
-- point, each square of about a kilometre and each cluster, in windows of 1, 3 and 6 hours over the last day the data
-- knows. What is usual is the place's own history; the p-value is corrected for the number of looks.
CREATE OR REPLACE FUNCTION reporting.fn_outages(p_now timestamptz DEFAULT now(), p_dataset text DEFAULT 'inc', p_mode text DEFAULT 'known')
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
SET plan_cache_mode = force_custom_plan SET work_mem = '32MB'
AS $$
DECLARE
    c_least_tickets CONSTANT integer := 4;
    v_clocks record;
    v_days integer := tickets.threshold('outage_history_days', p_dataset, p_now);
    v_limit double precision := tickets.threshold('outage_p', p_dataset, p_now);
    v_end timestamptz;
    v_begin timestamptz;
    v_answer json;
BEGIN
    SELECT * INTO v_clocks FROM tickets.clocks(p_dataset, p_now, p_mode);
    v_end := least(p_now, v_clocks.content_as_of);
    v_begin := v_end - interval '24 hours';

    WITH born AS MATERIALIZED (
        SELECT
            ticket.ticket_id, ticket.created_at_service AS at, ticket.is_actionable, ticket.geom, ticket.cluster,
            ticket.location_name
        FROM tickets.seen(p_dataset, p_now, p_mode, v_begin - make_interval(days => v_days), v_end + interval '1 microsecond')
            AS ticket
        WHERE ticket.created_at_service > v_begin - make_interval(days => v_days) AND ticket.created_at_service <= v_end
    ),
    placed AS MATERIALIZED (
        SELECT born.ticket_id, born.at, born.is_actionable, born.geom, place.kind, place.name
        FROM born
        CROSS JOIN LATERAL (
            VALUES
                ('element', born.cluster || ' ' || tickets.network_element(born.location_name)),
                ('square', public.st_geohash(born.geom, 6)),
                ('cluster', born.cluster)
        ) AS place (kind, name)
        WHERE place.name IS NOT NULL
    ),
    -- When in the day tickets come, over all places: a busy morning is no outage.
    profile AS (
        SELECT
            extract(hour FROM at AT TIME ZONE interval '03:00')::integer AS hour,
            (count(*) + 1)::double precision / ((SELECT count(*) FROM born WHERE born.at <= v_begin) + 24) AS share
        FROM born
        WHERE at <= v_begin
        GROUP BY 1
    ),
    history AS (
        SELECT kind, name, count(*) FILTER (WHERE at <= v_begin) AS n, count(*) FILTER (WHERE at > v_begin) AS n_now
        FROM placed
        GROUP BY kind, name
    ),
    recent AS (
        SELECT placed.*, history.n AS n_before
        FROM placed
        JOIN history USING (kind, name)
        WHERE placed.at > v_begin AND history.n_now >= c_least_tickets
    ),
    looked AS (
        SELECT
            recent.kind, recent.name, span.hours, recent.at AS begins, recent.n_before,
            count(other.ticket_id)::integer AS n,
            max(other.at) AS ends
        FROM recent
        CROSS JOIN (VALUES (1), (3), (6)) AS span (hours)
        JOIN recent AS other
            ON other.kind = recent.kind
            AND other.name = recent.name
            AND other.at >= recent.at
            AND other.at < recent.at + make_interval(hours => span.hours)
        GROUP BY recent.kind, recent.name, span.hours, recent.at, recent.ticket_id, recent.n_before
    ),
    -- Every place that exists was looked at, in every window that could begin in the day, whether anything was there or not.
    looks AS (
        SELECT count(*) * (24 / 1 + 24 / 3 + 24 / 6) AS n FROM history
    ),
    judged AS (
        SELECT
            looked.*,
            expectation.n AS expected,
            least(1, reporting.poisson_tail(looked.n, expectation.n) * looks.n) AS p
        FROM looked
        CROSS JOIN looks
        CROSS JOIN LATERAL (
            -- Half a ticket more than ever seen: a place without history is rare, not impossible.
            SELECT greatest((looked.n_before + 0.5) / v_days * coalesce((
                SELECT sum(profile.share)
                FROM generate_series(0, looked.hours - 1) AS step
                JOIN profile
                    ON profile.hour = extract(hour FROM (looked.begins + make_interval(hours => step)) AT TIME ZONE interval '03:00')
            ), looked.hours / 24.0), 0.001)::double precision AS n
        ) AS expectation
        WHERE looked.n >= c_least_tickets
    ),
    best AS (
        SELECT DISTINCT ON (kind, name) * FROM judged WHERE p < v_limit ORDER BY kind, name, p, n DESC, hours, begins
    ),
    member AS (
        SELECT
            best.kind, best.name,
            array_agg(recent.ticket_id ORDER BY recent.ticket_id COLLATE "C") AS ticket_ids,
            count(*) FILTER (WHERE recent.is_actionable) AS open,
            public.st_centroid(public.st_collect(recent.geom)) AS middle
        FROM best
        JOIN recent
            ON recent.kind = best.kind AND recent.name = best.name AND recent.at >= best.begins AND recent.at <= best.ends
        GROUP BY best.kind, best.name
    ),
    -- One accumulation is told once, by its narrowest name that holds at least half of what a wider one holds.
    told AS (
        SELECT best.*, member.ticket_ids, member.open, member.middle
        FROM best
        JOIN member USING (kind, name)
        WHERE NOT EXISTS (
            SELECT
            FROM best AS narrower
            JOIN member AS narrower_member USING (kind, name)
            WHERE array_position(ARRAY['element', 'square', 'cluster'], narrower.kind)
                    < array_position(ARRAY['element', 'square', 'cluster'], best.kind)
                AND narrower_member.ticket_ids && member.ticket_ids
                AND 2 * (
                    SELECT count(*) FROM unnest(narrower_member.ticket_ids) AS one WHERE one = ANY (member.ticket_ids)
                ) >= cardinality(member.ticket_ids)
        )
    )
    SELECT json_build_object(
        'dataset', p_dataset,
        'looked_from', v_begin,
        'looked_to', v_end,
        'looks', (SELECT n FROM looks),
        'p_limit', v_limit,
        'outages', (
            SELECT coalesce(json_agg(json_build_object(
                'kind', kind, 'name', name, 'tickets', n, 'open', open, 'from', begins, 'to', ends,
                'minutes', ceil(extract(epoch FROM ends - begins) / 60), 'expected', round(expected::numeric, 3), 'p', p,
                'ticket_ids', ticket_ids, 'geometry', public.st_asgeojson(middle, 6)::json
            ) ORDER BY p, n DESC, name), '[]')
            FROM told
        ),
        'freshness', json_build_object(
            'now', p_now, 'run_at', v_clocks.run_at, 'file_ts', v_clocks.file_ts, 'content_as_of', v_clocks.content_as_of
        )
    ) INTO v_answer;
    RETURN v_answer;
END
$$;

COMMENT ON FUNCTION reporting.fn_outages(timestamptz, text, text) IS 'Accumulations of new tickets that chance does not explain';
