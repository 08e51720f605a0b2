-- Closures of a window by team as JSON: as assigned by the feed beside as observed by the tracks, repeats, utilisation,
-- and the coverage without which none of it may be compared.
CREATE OR REPLACE FUNCTION dispatch.fn_attribution(
    p_from timestamptz,
    p_to timestamptz,
    p_dataset text DEFAULT 'inc',
    p_now timestamptz DEFAULT now()
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
BEGIN
    IF p_from IS NULL OR p_to IS NULL OR p_from >= p_to THEN
        RAISE EXCEPTION 'the window is empty: give a beginning before its end' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN (
        WITH closure AS (
            SELECT
                event.dataset, event.ticket_id, event.seq, event.closed_at,
                coalesce(event.team, event.owner, '(unassigned)') AS assigned,
                score.verdict, score.vehicle_id, score.dwell_s,
                CASE WHEN score.verdict IN ('attributed', 'probable')
                    THEN coalesce(vehicle.team, vehicle.label)
                END AS observed
            FROM tickets.closure_events AS event
            LEFT JOIN dispatch.attribution AS score
                ON score.dataset = event.dataset AND score.ticket_id = event.ticket_id AND score.seq = event.seq
            LEFT JOIN dispatch.vehicle ON vehicle.vehicle_id = score.vehicle_id
            WHERE event.dataset = p_dataset AND event.superseded_by IS NULL
                AND event.closed_at >= p_from AND event.closed_at < p_to
        ),
        repeat AS (
            SELECT again.earlier_id, min(again.after_days) AS within_days
            FROM reporting.repeats(
                p_dataset,
                (
                    SELECT coalesce(array_agg(later.ticket_id), '{}')
                    FROM tickets.all_tickets AS later
                    WHERE later.dataset = p_dataset AND later.created_at_service > p_from
                        AND later.created_at_service < p_to + interval '30 days'
                ),
                p_from, p_to + interval '30 days', p_now, 'happened', 30
            ) AS again
            GROUP BY again.earlier_id
        ),
        repeated AS (
            SELECT closure.*, repeat.within_days
            FROM closure
            LEFT JOIN repeat ON repeat.earlier_id = closure.ticket_id
        ),
        assigned AS (
            SELECT lower(btrim(assigned)) AS name, min(assigned) AS team, count(*) AS n,
                count(*) FILTER (WHERE within_days <= 7) AS repeats_7d,
                count(*) FILTER (WHERE within_days <= 30) AS repeats_30d
            FROM repeated GROUP BY lower(btrim(assigned))
        ),
        observed AS (
            SELECT lower(btrim(observed)) AS name, min(observed) AS team,
                count(*) FILTER (WHERE verdict = 'attributed') AS attributed,
                count(*) FILTER (WHERE verdict = 'probable') AS probable,
                count(*) FILTER (WHERE lower(btrim(observed)) = lower(btrim(assigned))) AS agree,
                count(DISTINCT vehicle_id) AS vehicles,
                sum(dwell_s) AS dwell_s
            FROM closure WHERE observed IS NOT NULL GROUP BY lower(btrim(observed))
        ),
        shift AS (
            SELECT lower(btrim(coalesce(team, label))) AS name,
                sum(extract(epoch FROM shift_end - shift_start))
                    * greatest(ceil(extract(epoch FROM p_to - p_from) / 86400), 1) AS shift_s
            FROM dispatch.vehicle WHERE is_active GROUP BY 1
        ),
        crew AS (
            SELECT
                coalesce(assigned.team, observed.team) AS team,
                coalesce(assigned.n, 0) AS assigned,
                assigned.repeats_7d,
                assigned.repeats_30d,
                coalesce(observed.attributed, 0) AS attributed,
                coalesce(observed.probable, 0) AS probable,
                coalesce(observed.agree, 0) AS agree,
                coalesce(observed.vehicles, 0) AS vehicles,
                round((observed.dwell_s / nullif(shift.shift_s, 0))::numeric, 3) AS utilisation
            FROM assigned
            FULL JOIN observed ON observed.name = assigned.name
            LEFT JOIN shift ON shift.name = coalesce(assigned.name, observed.name)
        )
        SELECT json_build_object(
            'from', p_from,
            'to', p_to,
            'dataset', p_dataset,
            'coverage', json_build_object(
                'closures', (SELECT count(*) FROM closure),
                'attributed', (SELECT count(*) FROM closure WHERE verdict = 'attributed'),
                'probable', (SELECT count(*) FROM closure WHERE verdict = 'probable'),
                'unattributed', (SELECT count(*) FROM closure WHERE verdict = 'unattributed'),
                'no_track', (SELECT count(*) FROM closure WHERE verdict = 'no_track'),
                'not_scored', (SELECT count(*) FROM closure WHERE verdict IS NULL)
            ),
            'teams', (
                SELECT coalesce(json_agg(row_to_json(crew) ORDER BY crew.assigned DESC, crew.team), '[]') FROM crew
            ),
            'freshness', reporting.fn_freshness(p_dataset)
        )
    );
END
$$;

COMMENT ON FUNCTION dispatch.fn_attribution(timestamptz, timestamptz, text, timestamptz)
    IS 'Closures by team, as assigned beside as observed, with their coverage';
