-- One row an open fault at the wall clock: SLA state, how it is known, since when, until when.
CREATE OR REPLACE VIEW tickets.inc_open_sla AS
SELECT
    ticket_id, state, sla_state, sla_state_known, evidence, sla_basis, age_bound, opened_at, hours_open, at_risk_at,
    due_at, policy, policy_version, p_still_open, p_breach, flags, cluster, status, team
FROM reporting.open_sla_at('inc', now());

COMMENT ON VIEW tickets.inc_open_sla IS 'The SLA of each open fault at the wall clock';
