-- The SLA sum of one ticket, the only place where it is done: policy, clock, age, states, due; of a closed one what
-- its own times say. A pure function of the ticket, its observed pauses, the policies, p_now and p_content_as_of.
-- Without p_now nothing comes out that hangs on the clock: no age and no state. Inlined into its query: keep it SQL.
CREATE OR REPLACE FUNCTION tickets.sla_sum(
    p_dataset text,
    p_ticket_id text,
    p_state text,
    p_created_at_service timestamptz,
    p_first_seen_at timestamptz,
    p_closed_at timestamptz,
    p_cluster text,
    p_region text,
    p_status text,
    p_now timestamptz,
    p_content_as_of timestamptz
)
RETURNS TABLE (
    policy text,
    policy_version integer,
    target_min integer,
    at_risk_min integer,
    calendar text,
    pauses tstzmultirange,
    sla_basis text,
    age_bound text,
    opened_at timestamptz,
    elapsed_s numeric,
    hours_open numeric,
    at_risk_at timestamptz,
    due_at timestamptz,
    sla_state text,
    sla_state_known text,
    evidence text,
    derived_sla text,
    derived_hours numeric
)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT
        policy.name,
        policy.version,
        policy.target_min,
        policy.at_risk_min,
        policy.calendar,
        clock.pauses,
        clock.basis,
        CASE clock.basis WHEN 'created_at_service' THEN 'exact' WHEN 'first_seen_at' THEN 'at_least' END,
        clock.at,
        elapsed.now_s,
        round(elapsed.now_s / 3600, 2),
        CASE
            WHEN p_state <> 'open' THEN NULL
            WHEN clock.is_plain THEN clock.at + make_interval(mins => policy.at_risk_min)
            ELSE tickets.active_until(policy.calendar, clock.pauses, clock.at, policy.at_risk_min * 60)
        END,
        CASE
            WHEN p_state <> 'open' THEN NULL
            WHEN clock.is_plain THEN clock.at + make_interval(mins => policy.target_min)
            ELSE tickets.active_until(policy.calendar, clock.pauses, clock.at, policy.target_min * 60)
        END,
        verdict.by_the_clock,
        verdict.by_the_data,
        CASE
            WHEN verdict.by_the_clock NOT IN ('at_risk', 'breached') THEN NULL
            WHEN verdict.by_the_data = verdict.by_the_clock OR verdict.by_the_data = 'breached' THEN 'proven'
            WHEN verdict.by_the_clock IS NOT NULL THEN 'presumed'
        END,
        CASE
            WHEN elapsed.closed_s >= policy.target_min * 60 THEN 'breached'
            WHEN elapsed.closed_s < policy.target_min * 60 THEN 'met'
        END,
        elapsed.closed_s / 3600 -- not rounded: 23:59:59 is within 24 h
    FROM (
        SELECT
            coalesce(
                p_created_at_service >= '2000-01-01 00:00:00+03'::timestamptz
                AND (p_now IS NULL OR p_created_at_service <= p_now + interval '15 min'), false
            ) AS created,
            coalesce(
                p_first_seen_at >= '2000-01-01 00:00:00+03'::timestamptz
                AND (p_now IS NULL OR p_first_seen_at <= p_now + interval '15 min'), false
            ) AS seen
    ) AS valid
    LEFT JOIN LATERAL tickets.sla_policy(
        p_dataset, p_cluster, p_region, p_status,
        CASE
            WHEN p_state = 'closed' AND (p_now IS NULL OR p_closed_at <= p_now) THEN p_closed_at
            ELSE coalesce(p_now, p_content_as_of, 'infinity')
        END
    ) AS policy ON true
    CROSS JOIN LATERAL (
        SELECT
            CASE WHEN valid.created THEN 'created_at_service' WHEN valid.seen THEN 'first_seen_at' END AS basis,
            CASE WHEN valid.created THEN p_created_at_service WHEN valid.seen THEN p_first_seen_at END AS at,
            policy.calendar IS NULL AND policy.pause_statuses IS NULL AS is_plain,
            CASE
                WHEN policy.pause_statuses IS NOT NULL
                THEN tickets.paused_spans(p_dataset, p_ticket_id, policy.pause_statuses, p_now)
            END AS pauses
        OFFSET 0 -- computed once a ticket, not once a mention
    ) AS clock
    CROSS JOIN LATERAL (
        SELECT
            CASE
                WHEN p_state <> 'open' OR p_now IS NULL OR clock.at IS NULL THEN NULL
                WHEN clock.is_plain THEN greatest(extract(epoch FROM p_now - clock.at), 0)
                ELSE tickets.active_seconds(policy.calendar, clock.pauses, clock.at, p_now)
            END AS now_s,
            CASE
                WHEN p_state <> 'open' OR p_now IS NULL OR p_content_as_of IS NULL OR clock.at IS NULL THEN NULL
                WHEN clock.is_plain THEN greatest(extract(epoch FROM least(p_now, p_content_as_of) - clock.at), 0)
                ELSE tickets.active_seconds(policy.calendar, clock.pauses, clock.at, least(p_now, p_content_as_of))
            END AS known_s,
            CASE
                WHEN p_state <> 'closed' OR NOT valid.created OR p_closed_at < p_created_at_service THEN NULL
                WHEN clock.is_plain THEN extract(epoch FROM p_closed_at - p_created_at_service)
                ELSE tickets.active_seconds(policy.calendar, clock.pauses, p_created_at_service, p_closed_at)
            END AS closed_s
        OFFSET 0
    ) AS elapsed
    CROSS JOIN LATERAL (
        SELECT
            CASE
                WHEN p_state <> 'open' OR p_now IS NULL THEN NULL
                WHEN policy.name IS NULL THEN 'none'
                WHEN clock.at IS NULL THEN 'unknown'
                WHEN elapsed.now_s >= policy.target_min * 60 THEN 'breached'
                WHEN elapsed.now_s >= policy.at_risk_min * 60 THEN 'at_risk'
                ELSE 'on_track'
            END AS by_the_clock,
            CASE
                WHEN p_state <> 'open' OR p_now IS NULL OR p_content_as_of IS NULL THEN NULL
                WHEN policy.name IS NULL THEN 'none'
                WHEN clock.at IS NULL THEN 'unknown'
                WHEN elapsed.known_s >= policy.target_min * 60 THEN 'breached'
                WHEN elapsed.known_s >= policy.at_risk_min * 60 THEN 'at_risk'
                ELSE 'on_track'
            END AS by_the_data
        OFFSET 0
    ) AS verdict;
END;

COMMENT ON FUNCTION tickets.sla_sum(
    text, text, text, timestamptz, timestamptz, timestamptz, text, text, text, timestamptz, timestamptz
) IS 'The SLA sum of one ticket: policy, clock, age, states, due, evidence';
