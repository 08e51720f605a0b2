-- The one SLA policy of a ticket at an instant: the first match of the ordered list, in the version then effective.
CREATE OR REPLACE FUNCTION tickets.sla_policy(
    p_dataset text, p_cluster text, p_region text, p_status text, p_at timestamptz
)
RETURNS TABLE (
    name text, version integer, target_min integer, at_risk_min integer, calendar text, pause_statuses text[]
)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT policy.name, policy.version, policy.target_min, policy.at_risk_min, policy.calendar, policy.pause_statuses
    FROM tickets.sla_policies AS policy
    WHERE policy.effective_from <= p_at
        AND NOT policy.is_withdrawn
        AND (policy.dataset IS NULL OR policy.dataset = p_dataset)
        AND (policy.cluster IS NULL OR lower(btrim(policy.cluster)) = lower(btrim(p_cluster)))
        AND (policy.region IS NULL OR lower(btrim(policy.region)) = lower(btrim(p_region)))
        AND (policy.status IS NULL OR lower(btrim(policy.status)) = lower(btrim(p_status)))
        AND NOT EXISTS (
            SELECT FROM tickets.sla_policies AS newer
            WHERE newer.name = policy.name AND newer.version > policy.version AND newer.effective_from <= p_at
        )
    ORDER BY policy.position, policy.name
    LIMIT 1;
END;

COMMENT ON FUNCTION tickets.sla_policy(text, text, text, text, timestamptz) IS 'The one SLA policy of a ticket at an instant';
