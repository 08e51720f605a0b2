-- Says for each closure of a window which vehicle was there, as the stays tell, rule 1; answers how many it scored.
-- A stay is a candidate within the radius of the ticket's place, from four hours before the closing until after it.
-- Its weight: how near (sigma by how well the place is known), how long before the closing it ended or after it
-- went on, how usual its length is, whether the crew is the ticket's team. 'Nobody came' competes with all of them:
-- the less exactly the place is known, the stronger. p >= 0.8 attributed, p >= 0.5 probable, else unattributed.
CREATE OR REPLACE FUNCTION dispatch.score_closures(p_from timestamptz, p_to timestamptz, p_now timestamptz DEFAULT now())
RETURNS integer LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
    v_written integer;
BEGIN
    IF p_from IS NULL OR p_to IS NULL OR p_from >= p_to THEN
        RAISE EXCEPTION 'the window is empty: give a beginning before its end' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    DELETE FROM dispatch.attribution AS old
    USING tickets.closure_events AS event
    WHERE event.dataset = old.dataset AND event.ticket_id = old.ticket_id AND event.seq = old.seq
        AND event.closed_at >= p_from AND event.closed_at < p_to;

    WITH rule (geo_source, radius_m, sigma_m, nobody) AS (
        VALUES ('feed', 500.0, 120.0, 0.15), ('location', 2000.0, 500.0, 0.35), ('cluster', 6000.0, 2000.0, 1.5)
    ),
    closure AS (
        SELECT event.dataset, event.ticket_id, event.seq, event.closed_at, event.team, ticket.geom::public.geography AS geog,
            ticket.geo_source
        FROM tickets.closure_events AS event
        JOIN tickets.all_tickets AS ticket
            ON ticket.dataset = event.dataset AND ticket.ticket_id = event.ticket_id
        WHERE event.closed_at >= p_from AND event.closed_at < p_to AND event.superseded_by IS NULL
    ),
    candidate AS (
        SELECT
            closure.dataset,
            closure.ticket_id,
            closure.seq,
            rule.nobody,
            stay.vehicle_id,
            public.st_distance(stay.geog, closure.geog) AS distance_m,
            extract(epoch FROM stay.ended_at - stay.began_at) AS dwell_s,
            extract(epoch FROM closure.closed_at - stay.ended_at) AS gap_s,
            rule.sigma_m,
            CASE
                WHEN vehicle.team IS NULL OR closure.team IS NULL THEN 1.0
                WHEN lower(btrim(vehicle.team)) = lower(btrim(closure.team)) THEN 3.0
                ELSE 0.4
            END AS team_weight
        FROM closure
        JOIN rule ON rule.geo_source = closure.geo_source
        JOIN dispatch.stay
            ON stay.began_at < closure.closed_at
            AND stay.began_at > closure.closed_at - interval '24 hours'
            AND stay.ended_at > closure.closed_at - interval '4 hours'
            AND public.st_dwithin(stay.geog, closure.geog, rule.radius_m)
        JOIN dispatch.vehicle ON vehicle.vehicle_id = stay.vehicle_id
    ),
    weighed AS (
        SELECT
            candidate.*,
            exp(-power(distance_m / sigma_m, 2) / 2)
                * CASE WHEN gap_s >= 0 THEN exp(-gap_s / 3600.0) ELSE exp(gap_s / 5400.0) END
                * exp(-power(ln(greatest(dwell_s, 60) / 2400.0) / 0.9, 2) / 2)
                * team_weight AS weight
        FROM candidate
    ),
    best_of_vehicle AS (
        SELECT DISTINCT ON (dataset, ticket_id, seq, vehicle_id) *
        FROM weighed
        ORDER BY dataset, ticket_id, seq, vehicle_id, weight DESC
    ),
    ranked AS (
        SELECT
            best_of_vehicle.*,
            weight / (nobody + sum(weight) OVER one) AS p,
            row_number() OVER (one ORDER BY weight DESC, vehicle_id) AS rank
        FROM best_of_vehicle
        WINDOW one AS (PARTITION BY dataset, ticket_id, seq)
    ),
    tracked AS (
        SELECT min(fixed_at) AS since, max(fixed_at) AS until FROM dispatch.vehicle_track
        WHERE fixed_at >= p_from - interval '1 day' AND fixed_at < p_to + interval '1 day'
    )
    INSERT INTO dispatch.attribution (
        dataset, ticket_id, seq, verdict, vehicle_id, p, runner_up, runner_up_p, distance_m, dwell_s, gap_s,
        rule_version, scored_at
    )
    SELECT
        closure.dataset,
        closure.ticket_id,
        closure.seq,
        CASE
            WHEN closure.closed_at BETWEEN tracked.since AND tracked.until + interval '4 hours' THEN
                CASE WHEN first.p >= 0.8 THEN 'attributed' WHEN first.p >= 0.5 THEN 'probable' ELSE 'unattributed' END
            ELSE 'no_track'
        END,
        first.vehicle_id,
        first.p,
        second.vehicle_id,
        second.p,
        first.distance_m,
        round(first.dwell_s)::integer,
        round(first.gap_s)::integer,
        1,
        p_now
    FROM closure
    CROSS JOIN tracked
    LEFT JOIN ranked AS first
        ON first.dataset = closure.dataset AND first.ticket_id = closure.ticket_id AND first.seq = closure.seq
        AND first.rank = 1
    LEFT JOIN ranked AS second
        ON second.dataset = closure.dataset AND second.ticket_id = closure.ticket_id AND second.seq = closure.seq
        AND second.rank = 2
    ORDER BY closure.dataset, closure.ticket_id, closure.seq;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    RETURN v_written;
END
$$;

COMMENT ON FUNCTION dispatch.score_closures(timestamptz, timestamptz, timestamptz)
    IS 'Says for each closure of a window which vehicle was there, as the stays tell';
