-- What happened to the datasets since the revisions held (%(inc)s, %(crq)s): number by number, with the tickets
-- that moved them; and the clocks. One row a dataset.
SELECT
    held.dataset,
    now_at.revision,
    reporting.fn_freshness(held.dataset)::text AS clocks,
    (
        SELECT coalesce(json_agg(json_build_array(log.revision, to_json(log.ticket_ids)) ORDER BY log.revision), '[]')
        FROM tickets.revision_log AS log
        WHERE log.dataset = held.dataset AND log.revision > held.revision
    )::text AS log
FROM (VALUES ('inc', %(inc)s::bigint), ('crq', %(crq)s::bigint)) AS held (dataset, revision)
JOIN tickets.revisions AS now_at USING (dataset)
ORDER BY held.dataset DESC
