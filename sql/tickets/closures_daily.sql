-- Closures that stand, by the EAT day of closed_at: late news restates past days; one without a date is in no day.
CREATE OR REPLACE VIEW tickets.closures_daily AS
SELECT
    dataset,
    (closed_at AT TIME ZONE interval '03:00')::date AS day,
    count(*) AS closed,
    count(*) FILTER (WHERE kind = 'baseline') AS of_them_baseline,
    count(*) FILTER (WHERE kind = 'reclosed') AS of_them_again
FROM tickets.closure_events
WHERE superseded_by IS NULL AND closed_at IS NOT NULL
GROUP BY dataset, day;

COMMENT ON VIEW tickets.closures_daily IS 'Closures that stand, by the day (EAT) of closed_at';
