-- One ticket as JSON: what it is, its SLA sum, its timeline and the file behind every fact; null when it is not known.
-- p_dataset null looks in both. A p_now before the newest file is answered as known then.
CREATE OR REPLACE FUNCTION reporting.fn_ticket(
    p_ticket_id text, p_now timestamptz DEFAULT now(), p_dataset text DEFAULT NULL, p_mode text DEFAULT 'known'
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
DECLARE
    v_dataset text;
    v_known_at timestamptz;
    v_clocks record;
    v_ticket record;
    v_answer json;
BEGIN
    SELECT asked.dataset INTO v_dataset
    FROM unnest(ARRAY['inc', 'crq']) AS asked (dataset)
    CROSS JOIN LATERAL tickets.ticket_seen(asked.dataset, p_ticket_id, p_now, p_mode) AS ticket
    WHERE p_dataset IS NULL OR asked.dataset = p_dataset
    ORDER BY asked.dataset DESC
    LIMIT 1;
    IF v_dataset IS NULL THEN
        RETURN NULL;
    END IF;
    v_known_at := CASE WHEN p_mode = 'known' AND tickets.is_past(v_dataset, p_now) THEN p_now ELSE 'infinity' END;
    SELECT * INTO v_clocks FROM tickets.clocks(v_dataset, p_now, p_mode);
    SELECT * INTO v_ticket FROM tickets.ticket_seen(v_dataset, p_ticket_id, p_now, p_mode);

    WITH version AS MATERIALIZED (
        SELECT
            row_version.exported_at, row_version.modified, row_version.etag, row_version.source_key, row_version.line,
            row_version.seeded, row_version.is_alarm, row_version.state, row_version.raw,
            lag(row_version.raw) OVER told AS raw_before
        FROM tickets.row_versions AS row_version
        WHERE row_version.dataset = v_dataset AND row_version.ticket_id = p_ticket_id AND row_version.exported_at <= v_known_at
        WINDOW told AS (ORDER BY row_version.exported_at, row_version.modified, row_version.etag)
    ),
    -- A fact and the file that first told it as it now stands: the one after the last that told otherwise.
    fact AS (
        SELECT DISTINCT ON (cell.key) cell.key AS name, cell.value, version.source_key, version.line, version.exported_at
        FROM version
        CROSS JOIN LATERAL jsonb_each_text(version.raw) AS cell
        WHERE cell.value IS NOT DISTINCT FROM v_ticket.raw ->> cell.key
            AND NOT EXISTS (
                SELECT FROM version AS later
                WHERE (later.exported_at, later.modified, later.etag) > (version.exported_at, version.modified, version.etag)
                    AND later.raw ->> cell.key IS DISTINCT FROM v_ticket.raw ->> cell.key
            )
        ORDER BY cell.key, version.exported_at, version.modified, version.etag
    ),
    moment AS (
        SELECT tickets.eat_ts(fact.value) AS at,
            CASE fact.name WHEN 'created_at_service' THEN 'created' WHEN 'first_seen_at' THEN 'first seen'
                WHEN 'scheduled_at' THEN 'visit agreed for' END AS what,
            NULL::text AS detail, fact.source_key
        FROM fact
        WHERE fact.name IN ('created_at_service', 'first_seen_at', 'scheduled_at')
        UNION ALL
        SELECT closure.closed_at, 'closed',
            concat_ws(', ', closure.kind, coalesce(closure.team, closure.owner, '(unassigned)'),
                CASE WHEN closure.superseded_by IS NOT NULL THEN 'corrected later' END),
            closure.source_key
        FROM tickets.closure_events AS closure
        WHERE closure.dataset = v_dataset AND closure.ticket_id = p_ticket_id AND closure.observed_at <= v_known_at
        UNION ALL
        SELECT reopen.reopened_at, 'seen open again',
            concat_ws(', ', CASE WHEN reopen.inferred THEN 'inferred' END, CASE WHEN reopen.retracted THEN 'retracted' END),
            reopen.source_key
        FROM tickets.reopen_events AS reopen
        WHERE reopen.dataset = v_dataset AND reopen.ticket_id = p_ticket_id AND reopen.reopened_at <= v_known_at
        UNION ALL
        SELECT ending.exited_at, 'became an alarm', NULL, ending.source_key
        FROM tickets.exit_events AS ending
        WHERE ending.dataset = v_dataset AND ending.ticket_id = p_ticket_id AND ending.exited_at <= v_known_at
        UNION ALL
        SELECT version.exported_at,
            CASE WHEN version.seeded THEN 'known when history began' WHEN version.raw_before IS NULL THEN 'first told' ELSE 'changed' END,
            concat_ws(', ', version.state, version.raw ->> 'raw_status', version.raw ->> 'assigned_team'),
            version.source_key
        FROM version
        WHERE version.raw IS DISTINCT FROM version.raw_before
    )
    SELECT json_build_object(
        'ticket_id', p_ticket_id,
        'dataset', v_dataset,
        'now', p_now,
        'mode', p_mode,
        'status', v_ticket.normalized_status,
        'raw_status', v_ticket.raw_status,
        'bucket', v_ticket.bucket,
        'cluster', v_ticket.cluster,
        'region', v_ticket.region,
        'location_name', v_ticket.location_name,
        'assigned_team', v_ticket.assigned_team,
        'owner', v_ticket.owner,
        'created_at_service', v_ticket.created_at_service,
        'first_seen_at', v_ticket.first_seen_at,
        'scheduled_at', v_ticket.scheduled_at,
        'closed_at', v_ticket.closed_at,
        'geometry', public.st_asgeojson(v_ticket.geom, 6)::json,
        'geo_source', v_ticket.geo_source,
        'sla', reporting.ticket_sla(v_dataset, p_ticket_id, p_now, v_clocks.content_as_of, p_mode),
        'timeline', (
            SELECT coalesce(json_agg(json_build_object(
                'at', moment.at, 'what', moment.what, 'detail', nullif(moment.detail, ''), 'file', moment.source_key
            ) ORDER BY moment.at, moment.what), '[]')
            FROM moment
            WHERE moment.at IS NOT NULL
        ),
        'facts', (
            SELECT coalesce(json_agg(json_build_object(
                'name', fact.name, 'value', fact.value, 'file', fact.source_key, 'line', fact.line, 'told_at', fact.exported_at
            ) ORDER BY fact.name), '[]')
            FROM fact
            WHERE fact.value IS NOT NULL
        ),
        'freshness', json_build_object(
            'now', p_now, 'run_at', v_clocks.run_at, 'file_ts', v_clocks.file_ts, 'content_as_of', v_clocks.content_as_of
        )
    ) INTO v_answer;
    RETURN v_answer;
END
$$;

COMMENT ON FUNCTION reporting.fn_ticket(text, timestamptz, text, text) IS 'One ticket: SLA sum, timeline, and the file behind every fact';
