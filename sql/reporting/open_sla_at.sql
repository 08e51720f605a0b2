-- One row an open ticket of a dataset at p_now: its SLA by the wall clock, by what the data knows, and how sure.
-- A p_now before the newest file is answered as known then, or with p_mode 'happened' by what is known now.
CREATE OR REPLACE FUNCTION reporting.open_sla_at(p_dataset text, p_now timestamptz, p_mode text DEFAULT 'known')
RETURNS TABLE (
    ticket_id text,
    state text,
    sla_state text,
    sla_state_known text,
    evidence text,
    sla_basis text,
    age_bound text,
    opened_at timestamptz,
    hours_open numeric,
    at_risk_at timestamptz,
    due_at timestamptz,
    policy text,
    policy_version integer,
    p_still_open double precision,
    p_breach double precision,
    flags text[],
    cluster text,
    status text,
    team text
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi' SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_content_as_of timestamptz := (tickets.clocks(p_dataset, p_now, p_mode)).content_as_of;
BEGIN
    RETURN QUERY
    SELECT
        ticket.ticket_id,
        'open',
        sla.sla_state,
        sla.sla_state_known,
        sla.evidence,
        sla.sla_basis,
        sla.age_bound,
        sla.opened_at,
        sla.hours_open,
        sla.at_risk_at,
        sla.due_at,
        sla.policy,
        sla.policy_version,
        chance.still_open,
        chance.breach,
        tickets.ticket_flags(
            ticket.raw, 'open', ticket.bucket, ticket.created_at_service, ticket.first_seen_at, ticket.closed_at, p_now
        ),
        ticket.cluster,
        ticket.normalized_status,
        coalesce(ticket.assigned_team, ticket.owner, '(unassigned)')
    FROM tickets.seen(p_dataset, p_now, p_mode, 'infinity', 'infinity') AS ticket
    CROSS JOIN LATERAL tickets.sla_sum(
        p_dataset, ticket.ticket_id, 'open', ticket.created_at_service, ticket.first_seen_at, ticket.closed_at,
        ticket.cluster, ticket.region, ticket.normalized_status, p_now, v_content_as_of
    ) AS sla
    CROSS JOIN LATERAL tickets.open_chances(
        p_dataset, ticket.cluster, sla.opened_at, p_now, v_content_as_of, sla.target_min
    ) AS chance
    WHERE ticket.is_actionable;
END
$$;

COMMENT ON FUNCTION reporting.open_sla_at(text, timestamptz, text) IS 'The SLA of each open ticket of a dataset at an instant';
