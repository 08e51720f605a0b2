-- The SLA sum of one ticket as JSON, open or closed, at p_now and for a content clock already settled; null: no such ticket.
CREATE OR REPLACE FUNCTION reporting.ticket_sla(
    p_dataset text, p_ticket_id text, p_now timestamptz, p_content_as_of timestamptz, p_mode text DEFAULT 'known'
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
BEGIN
    RETURN (
        SELECT json_build_object(
            'state', life.state,
            'sla_state', sla.sla_state,
            'sla_state_known', sla.sla_state_known,
            'evidence', sla.evidence,
            'sla_basis', CASE WHEN life.state = 'open' THEN sla.sla_basis END,
            'age_bound', CASE WHEN life.state = 'open' THEN sla.age_bound END,
            'opened_at', sla.opened_at,
            'hours_open', sla.hours_open,
            'at_risk_at', sla.at_risk_at,
            'due_at', sla.due_at,
            'policy', sla.policy,
            'policy_version', sla.policy_version,
            'target_min', sla.target_min,
            'at_risk_min', sla.at_risk_min,
            'calendar', sla.calendar,
            'pauses', (
                SELECT json_agg(json_build_object('from', lower(pause), 'to', upper(pause)) ORDER BY lower(pause))
                FROM unnest(sla.pauses) AS pause
            ),
            'p_still_open', round(chance.still_open::numeric, 3),
            'p_breach', round(chance.breach::numeric, 3),
            'sla_source', CASE WHEN life.state = 'closed' THEN upper(btrim(ticket.sla_status)) END,
            'derived_sla', sla.derived_sla,
            'derived_hours', round(sla.derived_hours, 2),
            'mttr', CASE WHEN life.state = 'closed' THEN ticket.mttr END,
            'flags', tickets.ticket_flags(
                ticket.raw, life.state, ticket.bucket, ticket.created_at_service, ticket.first_seen_at,
                ticket.closed_at, p_now
            )
        )
        FROM tickets.ticket_seen(p_dataset, p_ticket_id, p_now, p_mode) AS ticket
        CROSS JOIN LATERAL (
            SELECT tickets.ticket_state(ticket.is_actionable, ticket.closed_at, ticket.bucket) AS state
        ) AS life
        CROSS JOIN LATERAL tickets.sla_sum(
            p_dataset, ticket.ticket_id, life.state, ticket.created_at_service, ticket.first_seen_at, ticket.closed_at,
            ticket.cluster, ticket.region, ticket.normalized_status, p_now, p_content_as_of
        ) AS sla
        LEFT JOIN LATERAL tickets.open_chances(
            p_dataset, ticket.cluster, sla.opened_at, p_now, p_content_as_of, sla.target_min
        ) AS chance ON life.state = 'open'
    );
END
$$;

COMMENT ON FUNCTION reporting.ticket_sla(text, text, timestamptz, timestamptz, text) IS 'The SLA sum of one ticket';
