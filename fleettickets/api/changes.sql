-- What happened to the datasets since the revisions held (%(inc)s, %(crq)s): number by number, with the tickets
-- that moved them; the clocks; with %(features)s what those tickets show now, if they are open; and what the clocks are
-- judged by at %(now)s. One row a dataset.
SELECT
    held.dataset,
    now_at.revision,
    reporting.fn_freshness(held.dataset)::text AS clocks,
    (
        SELECT coalesce(json_agg(json_build_array(log.revision, to_json(log.ticket_ids)) ORDER BY log.revision), '[]')
        FROM tickets.revision_log AS log
        WHERE log.dataset = held.dataset AND log.revision > held.revision
    )::text AS log,
    coalesce(shown.ticket_ids, '{}') AS ticket_ids,
    coalesce(shown.features, '{}') AS features,
    reporting.fn_freshness_rules(held.dataset, %(now)s::timestamptz)::text AS rules
FROM (VALUES ('inc', %(inc)s::bigint), ('crq', %(crq)s::bigint)) AS held (dataset, revision)
JOIN tickets.revisions AS now_at USING (dataset)
LEFT JOIN LATERAL (
    SELECT
        array_agg(kept.ticket_id ORDER BY kept.ticket_id) AS ticket_ids,
        array_agg(convert_to(kept.feature, 'UTF8') ORDER BY kept.ticket_id) AS features
    FROM tickets.map_features AS kept
    WHERE kept.dataset = held.dataset
        AND kept.ticket_id IN (
            SELECT changed.ticket_id
            FROM tickets.revision_log AS log
            CROSS JOIN LATERAL unnest(log.ticket_ids) AS changed (ticket_id)
            WHERE log.dataset = held.dataset AND log.revision > held.revision
        )
) AS shown ON %(features)s::boolean
ORDER BY held.dataset DESC
