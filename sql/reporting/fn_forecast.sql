-- What is likely, and how good such forecasts were, as JSON: expected truly open, each open ticket's chance to breach,
-- and the score of the forecasts whose outcome is known (Brier, beside the base rate's, and a calibration table).
CREATE OR REPLACE FUNCTION reporting.fn_forecast(p_now timestamptz DEFAULT now(), p_dataset text DEFAULT 'inc')
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
BEGIN
    RETURN (
        WITH open_ticket AS MATERIALIZED (
            SELECT * FROM reporting.open_sla_at(p_dataset, p_now)
        ),
        scored AS MATERIALIZED (
            SELECT p_breach, breached::integer::double precision AS outcome
            FROM tickets.breach_forecasts
            WHERE dataset = p_dataset AND scored_at <= p_now
        ),
        base AS (
            SELECT count(*) AS n, avg(outcome) AS rate, avg((p_breach - outcome) ^ 2) AS brier FROM scored
        ),
        calibration AS (
            SELECT
                least(floor(p_breach * 10), 9) / 10 AS from_p,
                count(*) AS n,
                round(avg(p_breach)::numeric, 3) AS forecast,
                round(avg(outcome)::numeric, 3) AS happened
            FROM scored
            GROUP BY 1
        )
        SELECT json_build_object(
            'dataset', p_dataset,
            'open', (SELECT count(*) FROM open_ticket),
            'expected_open', (
                SELECT CASE WHEN count(p_still_open) > 0 THEN round(sum(coalesce(p_still_open, 1))::numeric, 1) END
                FROM open_ticket
            ),
            'not_estimated', (SELECT count(*) FROM open_ticket WHERE p_still_open IS NULL),
            'expected_breaches', (SELECT round(sum(p_breach)::numeric, 1) FROM open_ticket),
            'score', (
                SELECT json_build_object(
                    'n', base.n,
                    'is_small', base.n < tickets.threshold('small_n', p_dataset, p_now),
                    'brier', round(base.brier::numeric, 4),
                    'brier_of_base_rate', round((base.rate * (1 - base.rate))::numeric, 4),
                    'base_rate', round(base.rate::numeric, 4),
                    'calibration', (SELECT coalesce(json_agg(calibration ORDER BY from_p), '[]') FROM calibration)
                )
                FROM base
            ),
            'tickets', (
                SELECT coalesce(json_agg(json_build_object(
                    'ticket_id', ticket_id, 'cluster', cluster, 'team', team, 'sla_state', sla_state,
                    'evidence', evidence, 'due_at', due_at, 'age_bound', age_bound,
                    'p_still_open', round(p_still_open::numeric, 3), 'p_breach', round(p_breach::numeric, 3)
                ) ORDER BY p_breach DESC NULLS LAST, ticket_id COLLATE "C"), '[]')
                FROM open_ticket
            ),
            'freshness', (
                SELECT json_build_object('now', p_now, 'run_at', run_at, 'file_ts', file_ts, 'content_as_of', content_as_of)
                FROM tickets.clocks(p_dataset, p_now, 'known')
            )
        )
    );
END
$$;

COMMENT ON FUNCTION reporting.fn_forecast(timestamptz, text) IS 'Expected truly open, chances to breach, and the score of earlier forecasts';
