-- The backlog of every EAT day from the oldest creation to the newest snapshot of each dataset, and how it is known:
-- observed (a run of that day took it), replayed (from that day's files), reconstructed (before the first capture:
-- created by then and not closed by then, of the tickets whose creation is known), missing (no file and no run: null).
-- The stock is as it was known then; what flowed (created, closed, reopened, exited) is what is known now.
CREATE OR REPLACE VIEW tickets.backlog_daily AS
WITH snapshot AS (
    SELECT 'inc' AS dataset, * FROM tickets.inc_daily_snapshot
    UNION ALL
    SELECT 'crq' AS dataset, * FROM tickets.crq_daily_snapshot
),
captured AS (
    SELECT dataset, min(day) AS first_day, max(day) AS last_day FROM snapshot GROUP BY dataset
),
lived AS (
    SELECT
        ticket.dataset,
        (ticket.created_at_service AT TIME ZONE interval '03:00')::date AS created_day,
        CASE
            WHEN tickets.ticket_state(ticket.is_actionable, ticket.closed_at, ticket.bucket) = 'closed'
            THEN (ticket.closed_at AT TIME ZONE interval '03:00')::date
        END AS closed_day,
        tickets.ticket_state(ticket.is_actionable, ticket.closed_at, ticket.bucket) AS state
    FROM (
        SELECT 'inc' AS dataset, created_at_service, closed_at, is_actionable, bucket FROM tickets.inc
        UNION ALL
        SELECT 'crq' AS dataset, created_at_service, closed_at, is_actionable, bucket FROM tickets.crq
    ) AS ticket
    JOIN tickets.import_meta AS meta USING (dataset)
    WHERE
        ticket.created_at_service >= '2000-01-01 00:00:00+03'
        AND ticket.created_at_service <= (meta.metadata ->> 'history_max_exported_at')::timestamptz + interval '15 min'
),
created AS (
    SELECT dataset, created_day AS day, count(*) AS n, count(*) FILTER (WHERE state = 'open' OR closed_day IS NOT NULL) AS n_followed
    FROM lived GROUP BY dataset, created_day
),
left_again AS (
    SELECT dataset, closed_day AS day, count(*) AS n FROM lived WHERE closed_day IS NOT NULL GROUP BY dataset, closed_day
),
reopened AS (
    SELECT dataset, (reopened_at AT TIME ZONE interval '03:00')::date AS day, count(*) AS n
    FROM tickets.reopen_events WHERE NOT retracted GROUP BY 1, 2
),
exited AS (
    SELECT dataset, (exited_at AT TIME ZONE interval '03:00')::date AS day, count(*) AS n
    FROM tickets.exit_events GROUP BY 1, 2
),
calendar AS (
    SELECT captured.dataset, captured.first_day, generated.day::date AS day
    FROM captured
    CROSS JOIN LATERAL generate_series(
        least(captured.first_day, (SELECT min(created.day) FROM created WHERE created.dataset = captured.dataset)),
        captured.last_day,
        interval '1 day'
    ) AS generated (day)
),
flowed AS (
    SELECT
        calendar.*,
        coalesce(created.n, 0) AS created,
        coalesce(closures.closed, 0) AS closed,
        coalesce(reopened.n, 0) AS reopened,
        coalesce(exited.n, 0) AS exited,
        sum(coalesce(created.n_followed, 0) - coalesce(left_again.n, 0))
            OVER (PARTITION BY calendar.dataset ORDER BY calendar.day) AS standing
    FROM calendar
    LEFT JOIN created USING (dataset, day)
    LEFT JOIN left_again USING (dataset, day)
    LEFT JOIN reopened USING (dataset, day)
    LEFT JOIN exited USING (dataset, day)
    LEFT JOIN tickets.closures_daily AS closures USING (dataset, day)
)
SELECT
    flowed.dataset,
    flowed.day,
    CASE
        WHEN snapshot.method = 'live' THEN 'observed'
        WHEN snapshot.method = 'replayed' THEN 'replayed'
        WHEN flowed.day < flowed.first_day THEN 'reconstructed'
        ELSE 'missing'
    END AS method,
    coalesce(snapshot.open, CASE WHEN flowed.day < flowed.first_day THEN greatest(flowed.standing, 0)::integer END) AS open,
    snapshot.on_track, snapshot.at_risk, snapshot.breached, snapshot.unknown, snapshot.no_policy,
    snapshot.fresh, snapshot.as_of, snapshot.content_as_of, snapshot.source_max_key,
    flowed.created, flowed.closed, flowed.reopened, flowed.exited
FROM flowed
LEFT JOIN snapshot USING (dataset, day);

COMMENT ON VIEW tickets.backlog_daily IS 'The backlog of every day (EAT): observed, replayed, reconstructed or missing';
