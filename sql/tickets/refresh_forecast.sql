-- How many forecasts were logged; renews what forecasts stand on, from tickets as known now and away from the write path:
-- the survival curves, the outcomes of earlier forecasts, today's forecast of each open ticket not yet breached.
CREATE OR REPLACE FUNCTION tickets.refresh_forecast(p_dataset text, p_now timestamptz)
RETURNS bigint LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    c_longest_h CONSTANT integer := 720;
    v_content_as_of timestamptz := (tickets.clocks(p_dataset, NULL, 'known')).content_as_of;
    v_logged bigint;
BEGIN
    IF v_content_as_of IS NULL THEN
        RETURN 0;
    END IF;

    -- Kaplan-Meier by whole hours: a closure is an event at its age, an open ticket leaves unharmed at its age when the
    -- data ends. Hour by hour, survival is the product of (1 - closed / at risk); its logarithm is a running sum.
    WITH life AS MATERIALIZED (
        SELECT
            lower(ticket.cluster) AS cluster,
            ticket.is_actionable IS NOT TRUE AS is_closed,
            least(ceil(extract(epoch FROM
                CASE WHEN ticket.is_actionable THEN v_content_as_of ELSE ticket.closed_at END - ticket.created_at_service
            ) / 3600), c_longest_h + 1)::integer AS age_h
        FROM tickets.all_tickets AS ticket
        WHERE ticket.dataset = p_dataset
            AND ticket.created_at_service >= v_content_as_of
                - make_interval(days => tickets.threshold('survival_days', p_dataset, p_now)::integer)
            AND ticket.created_at_service <= v_content_as_of
            AND (ticket.is_actionable OR ticket.closed_at >= ticket.created_at_service)
    ),
    curve AS (
        SELECT '' AS cluster, count(*) AS tickets FROM life
        UNION ALL
        SELECT life.cluster, count(*)
        FROM life
        WHERE life.cluster <> ''
        GROUP BY life.cluster
        HAVING count(*) FILTER (WHERE life.is_closed) >= tickets.threshold('survival_min_n', p_dataset, p_now)
    ),
    -- A cluster of its own and the whole ('') are counted alike, so that one equality joins both.
    counted AS (
        SELECT member.cluster, life.age_h, count(*) FILTER (WHERE life.is_closed)::integer AS closed, count(*)::integer AS gone
        FROM life
        CROSS JOIN LATERAL (SELECT '' AS cluster UNION ALL SELECT life.cluster WHERE life.cluster <> '') AS member
        GROUP BY member.cluster, life.age_h
    ),
    by_hour AS (
        SELECT
            curve.cluster,
            hour.age_h,
            curve.tickets,
            coalesce(counted.closed, 0) AS closed,
            coalesce(counted.gone, 0) AS gone
        FROM curve
        CROSS JOIN generate_series(0, c_longest_h) AS hour (age_h)
        LEFT JOIN counted ON counted.age_h = hour.age_h AND counted.cluster = curve.cluster
    ),
    at_risk AS (
        SELECT
            by_hour.cluster,
            by_hour.age_h,
            by_hour.closed,
            by_hour.tickets - coalesce(sum(by_hour.gone) OVER (
                PARTITION BY by_hour.cluster ORDER BY by_hour.age_h ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), 0) AS tickets
        FROM by_hour
    ),
    renewed AS (
        SELECT
            at_risk.cluster,
            at_risk.age_h,
            CASE
                WHEN bool_or(at_risk.closed >= at_risk.tickets AND at_risk.closed > 0) OVER so_far THEN 0
                ELSE exp(sum(CASE
                    WHEN at_risk.closed > 0 AND at_risk.closed < at_risk.tickets
                    THEN ln(1 - at_risk.closed::double precision / at_risk.tickets::double precision)
                    ELSE 0
                END) OVER so_far)
            END AS survival
        FROM at_risk
        WINDOW so_far AS (PARTITION BY at_risk.cluster ORDER BY at_risk.age_h)
    ),
    dropped AS (
        DELETE FROM tickets.survival AS former
        WHERE former.dataset = p_dataset
            AND NOT EXISTS (SELECT FROM curve WHERE curve.cluster = former.cluster)
    )
    INSERT INTO tickets.survival AS former (dataset, cluster, age_h, survival)
    SELECT p_dataset, renewed.cluster, renewed.age_h, least(greatest(renewed.survival, 0), 1)
    FROM renewed
    ON CONFLICT (dataset, cluster, age_h) DO UPDATE SET survival = excluded.survival
    WHERE former.survival <> excluded.survival;

    -- The truth of earlier forecasts: closed on either side of the due time, or still open when the data passed it.
    WITH outcome AS (
        SELECT
            forecast.ticket_id,
            forecast.day,
            CASE
                WHEN ticket.is_actionable AND v_content_as_of >= forecast.due_at THEN true
                WHEN ticket.is_actionable IS NOT TRUE AND ticket.closed_at IS NOT NULL THEN ticket.closed_at >= forecast.due_at
            END AS breached
        FROM tickets.breach_forecasts AS forecast
        JOIN tickets.all_tickets AS ticket
            ON ticket.dataset = forecast.dataset AND ticket.ticket_id = forecast.ticket_id
        WHERE forecast.dataset = p_dataset AND forecast.breached IS NULL
    )
    UPDATE tickets.breach_forecasts AS forecast
    SET breached = outcome.breached, scored_at = p_now
    FROM outcome
    WHERE forecast.dataset = p_dataset
        AND forecast.ticket_id = outcome.ticket_id
        AND forecast.day = outcome.day
        AND outcome.breached IS NOT NULL;

    WITH logged AS (
        INSERT INTO tickets.breach_forecasts (dataset, ticket_id, day, predicted_at, due_at, p_breach)
        SELECT
            p_dataset, open_ticket.ticket_id, (v_content_as_of AT TIME ZONE interval '03:00')::date, v_content_as_of,
            open_ticket.due_at, open_ticket.p_breach
        FROM reporting.open_sla_at(p_dataset, p_now) AS open_ticket
        WHERE open_ticket.age_bound = 'exact'
            AND open_ticket.sla_state_known IN ('on_track', 'at_risk')
            AND open_ticket.p_breach IS NOT NULL
            AND open_ticket.due_at IS NOT NULL
        ON CONFLICT (dataset, ticket_id, day) DO NOTHING
        RETURNING 1
    )
    SELECT count(*) INTO v_logged FROM logged;

    INSERT INTO tickets.forecast_runs (dataset, refreshed_at)
    VALUES (p_dataset, p_now)
    ON CONFLICT (dataset) DO UPDATE SET refreshed_at = excluded.refreshed_at;
    RETURN v_logged;
END
$$;

COMMENT ON FUNCTION tickets.refresh_forecast(text, timestamptz) IS 'Renews survival curves, scores earlier forecasts, logs today''s';
