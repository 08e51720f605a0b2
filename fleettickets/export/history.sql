-- Closures of %(dataset)s (null: both) as they were known at %(at)s (null: now), closed in [%(from)s, %(to)s) where given,
-- at most %(most)s of them (null: all), with the clocks. What corrected one later than %(at)s was not known then, nor
-- when a closing time was lost: the files do not say.
SELECT json_build_object(
    'closures', (
        SELECT coalesce(json_agg(closure ORDER BY closure.dataset DESC, closure.ticket_id COLLATE "C", closure.seq), '[]')
        FROM (
            SELECT
                event.dataset, event.ticket_id, event.seq, event.kind, event.closed_at, event.observed_at, event.supersedes,
                CASE WHEN correction.observed_at <= coalesce(%(at)s::timestamptz, 'infinity') THEN event.superseded_by END
                    AS superseded_by,
                event.team, event.owner, event.cluster, event.source_key,
                CASE WHEN %(at)s::timestamptz IS NULL THEN event.closed_at_lost END AS closed_at_lost
            FROM tickets.closure_events AS event
            LEFT JOIN tickets.closure_events AS correction
                ON correction.dataset = event.dataset
                AND correction.ticket_id = event.ticket_id
                AND correction.seq = event.superseded_by
            WHERE (%(dataset)s::text IS NULL OR event.dataset = %(dataset)s::text)
                AND (%(at)s::timestamptz IS NULL OR event.observed_at <= %(at)s::timestamptz)
                AND (%(from)s::timestamptz IS NULL OR event.closed_at >= %(from)s::timestamptz)
                AND (%(to)s::timestamptz IS NULL OR event.closed_at < %(to)s::timestamptz)
            LIMIT %(most)s
        ) AS closure
    ),
    'freshness', json_build_object(
        'inc', reporting.fn_freshness('inc', %(at)s::timestamptz), 'crq', reporting.fn_freshness('crq', %(at)s::timestamptz)
    )
)::text
