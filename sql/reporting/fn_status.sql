-- One screen of both datasets as JSON: clocks, open tickets with their SLA at p_now, ledger, quarantine, last runs.
CREATE OR REPLACE FUNCTION reporting.fn_status(p_now timestamptz DEFAULT now())
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
DECLARE
    v_answer json;
BEGIN
    WITH stream AS (
        SELECT dataset FROM unnest(ARRAY['inc', 'crq']) AS dataset
    ),
    backlog AS (
        SELECT
            stream.dataset,
            count(sla.ticket_id) AS open,
            count(sla.ticket_id) FILTER (WHERE ticket.geo_source <> 'none') AS mapped,
            count(*) FILTER (WHERE sla.sla_state = 'breached') AS breached,
            count(*) FILTER (WHERE sla.sla_state = 'breached' AND sla.evidence = 'proven') AS breached_proven,
            count(*) FILTER (WHERE sla.sla_state = 'at_risk') AS at_risk,
            count(*) FILTER (WHERE sla.sla_state = 'on_track') AS on_track,
            count(*) FILTER (WHERE sla.sla_state = 'unknown') AS unknown,
            count(*) FILTER (WHERE sla.sla_state = 'none') AS none,
            CASE WHEN count(sla.p_still_open) > 0 THEN round(sum(coalesce(sla.p_still_open, 1))::numeric, 1) END AS expected_open
        FROM stream
        CROSS JOIN LATERAL reporting.open_sla_at(stream.dataset, p_now) AS sla
        LEFT JOIN tickets.all_tickets AS ticket ON ticket.dataset = stream.dataset AND ticket.ticket_id = sla.ticket_id
        GROUP BY stream.dataset
    ),
    files AS (
        SELECT
            dataset,
            count(*) FILTER (WHERE state = 'applied') AS applied,
            count(*) FILTER (WHERE state = 'quarantined' AND discarded_at IS NULL) AS quarantined,
            count(*) FILTER (WHERE state = 'failed') AS failed,
            count(*) FILTER (WHERE state = 'unexpected') AS unexpected,
            count(*) FILTER (WHERE archived_at IS NULL AND state IN ('applied', 'quarantined', 'superseded'))
                AS to_archive
        FROM tickets.import_files
        GROUP BY dataset
    ),
    rejected AS (
        SELECT dataset, count(*) AS rows FROM tickets.rejected_rows WHERE discarded_at IS NULL GROUP BY dataset
    )
    SELECT json_build_object(
        'now', p_now,
        'datasets', json_object_agg(
            stream.dataset,
            json_build_object(
                'freshness', reporting.fn_freshness(stream.dataset, p_now),
                'watermark', (SELECT metadata ->> 'source_max_key' FROM tickets.import_meta AS meta
                    WHERE meta.dataset = stream.dataset),
                'backlog', json_build_object(
                    'open', coalesce(backlog.open, 0), 'mapped', coalesce(backlog.mapped, 0),
                    'breached', coalesce(backlog.breached, 0), 'at_risk', coalesce(backlog.at_risk, 0),
                    'on_track', coalesce(backlog.on_track, 0), 'unknown', coalesce(backlog.unknown, 0),
                    'none', coalesce(backlog.none, 0),
                    'breached_proven', coalesce(backlog.breached_proven, 0),
                    'expected_open', backlog.expected_open
                ),
                'files', json_build_object(
                    'applied', coalesce(files.applied, 0), 'quarantined', coalesce(files.quarantined, 0),
                    'failed', coalesce(files.failed, 0), 'unexpected', coalesce(files.unexpected, 0),
                    'to_archive', coalesce(files.to_archive, 0)
                ),
                'rejected_rows', coalesce(rejected.rows, 0),
                'last_runs', (
                    SELECT coalesce(json_agg(run), '[]')
                    FROM (
                        SELECT run_id, command, started_at, finished_at, state, exit_code, error,
                            counts #>> '{rows,read}' AS rows_read
                        FROM tickets.runs
                        WHERE runs.dataset = stream.dataset
                        ORDER BY run_id DESC
                        LIMIT 3
                    ) AS run
                )
            )
            ORDER BY stream.dataset DESC
        )
    ) INTO v_answer
    FROM stream
    LEFT JOIN backlog USING (dataset)
    LEFT JOIN files USING (dataset)
    LEFT JOIN rejected USING (dataset);
    RETURN v_answer;
END
$$;

COMMENT ON FUNCTION reporting.fn_status(timestamptz) IS 'One screen of both datasets: clocks, backlog, ledger, last runs';
