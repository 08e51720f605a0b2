-- Names of tickets without a point of the feed that nobody has decided yet, or whose decision is due again:
-- one row a spelling and cluster, the most urgent first (open by SLA state, then by tickets, installations, closed).
WITH ticket AS (
    SELECT
        'inc' AS dataset, inc.location_name, coalesce(inc.cluster, '') AS cluster, inc.is_actionable,
        CASE
            WHEN inc.is_actionable IS NOT TRUE THEN 5
            WHEN sla.sla_state = 'breached' THEN 0
            WHEN sla.sla_state = 'at_risk' THEN 1
            WHEN sla.sla_state = 'unknown' THEN 3
            ELSE 2
        END AS urgency
    FROM tickets.inc
    LEFT JOIN LATERAL (
        SELECT sum.sla_state
        FROM tickets.sla_sum(
            'inc', inc.ticket_id, 'open', inc.created_at_service, inc.first_seen_at, inc.closed_at,
            inc.cluster, inc.region, inc.normalized_status, %(now)s::timestamptz, NULL
        ) AS sum
        WHERE inc.is_actionable
    ) AS sla ON true
    WHERE inc.location_name IS NOT NULL AND inc.geo_source <> 'feed'
        AND (inc.is_actionable OR %(closed)s::boolean) AND 'inc' = ANY (%(datasets)s::text[])
    UNION ALL
    SELECT
        'crq', crq.location_name, coalesce(crq.cluster, ''), crq.is_actionable,
        CASE WHEN crq.is_actionable IS NOT TRUE THEN 5 ELSE 4 END
    FROM tickets.crq
    WHERE crq.location_name IS NOT NULL AND crq.geo_source <> 'feed'
        AND (crq.is_actionable OR %(closed)s::boolean) AND 'crq' = ANY (%(datasets)s::text[])
),
named AS (
    SELECT location_name, cluster, count(*) AS tickets, min(urgency) AS urgency, bool_or(dataset = 'inc') AS of_inc
    FROM ticket
    WHERE length(location_name) <= %(longest)s::integer
    GROUP BY location_name, cluster
)
SELECT
    named.location_name, named.cluster, named.tickets, named.urgency, named.of_inc,
    coalesce(known.attempts, 0), known.decision_key, known.status, known.lat, known.lon
FROM named
LEFT JOIN tickets.geo_locations AS known ON known.location_name = named.location_name AND known.cluster = named.cluster
LEFT JOIN tickets.geo_locations AS older ON older.location_name = named.location_name AND older.cluster = ''
WHERE CASE
    WHEN known.location_name IS NULL THEN older.geom IS NULL AND older.verified IS NOT TRUE
    WHEN known.verified THEN false
    -- A point without a provider was put there by hand.
    WHEN known.geom IS NOT NULL AND known.provider IS NULL THEN false
    ELSE known.norm_version IS DISTINCT FROM %(version)s::text OR known.next_try_at <= %(now)s::timestamptz
END
ORDER BY named.urgency, named.tickets DESC, named.location_name COLLATE "C", named.cluster COLLATE "C"
