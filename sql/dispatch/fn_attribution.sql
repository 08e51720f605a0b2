-- Closures of a window by team as JSON: as assigned by the feed beside as observed by the tracks, repeats, utilisation,
-- and the coverage without which none of it may be compared.
CREATE OR REPLACE FUNCTION dispatch.fn_attribution(
    p_from timestamptz,
    p_to timestamptz,
    p_dataset text DEFAULT 'inc'
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
                END AS observed,
                nullif(lower(btrim(ticket.location_name)), '') AS place
            FROM tickets.closure_events AS event
            JOIN tickets.all_tickets AS ticket
                ON ticket.dataset = event.dataset AND ticket.ticket_id = event.ticket_id
            LEFT JOIN dispatch.attribution AS score
                ON score.dataset = event.dataset AND score.ticket_id = event.ticket_id AND score.seq = event.seq
            LEFT JOIN dispatch.vehicle ON vehicle.vehicle_id = score.vehicle_id
            WHERE event.dataset = p_dataset AND event.superseded_by IS NULL
                AND event.closed_at >= p_from AND event.closed_at < p_to
        ),
        repeated AS (
            SELECT
                closure.*,
                again.within_days
            FROM closure
            LEFT JOIN LATERAL (
                SELECT extract(epoch FROM min(later.created_at_service) - closure.closed_at) / 86400 AS within_days
                FROM tickets.all_tickets AS later
                WHERE later.dataset = closure.dataset
                    AND later.ticket_id <> closure.ticket_id
                    AND later.created_at_service > closure.closed_at
                    AND later.created_at_service <= closure.closed_at + interval '30 days'
                    AND lower(btrim(later.location_name)) = closure.place
            ) AS again ON true
        ),
        assigned AS (
            SELECT assigned AS team, count(*) AS n,
                count(*) FILTER (WHERE within_days <= 7) AS repeats_7d,
                count(*) FILTER (WHERE within_days <= 30) AS repeats_30d
            FROM repeated GROUP BY assigned
        ),
        observed AS (
            SELECT observed AS team,
                count(*) FILTER (WHERE verdict = 'attributed') AS attributed,
                count(*) FILTER (WHERE verdict = 'probable') AS probable,
                count(*) FILTER (WHERE lower(observed) = lower(assigned)) AS agree,
                count(DISTINCT vehicle_id) AS vehicles,
                sum(dwell_s) AS dwell_s
            FROM closure WHERE observed IS NOT NULL GROUP BY observed
        ),
        shift AS (
            SELECT coalesce(team, label) AS team,
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
            FULL JOIN observed ON observed.team = assigned.team
            LEFT JOIN shift ON shift.team = coalesce(assigned.team, observed.team)
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

COMMENT ON FUNCTION dispatch.fn_attribution(timestamptz, timestamptz, text)
    IS 'Closures by team, as assigned beside as observed, with their coverage';
