-- SLA instants of an open ticket: the clock that counts, when it is at risk and when it is due, and what its age says.
-- Only faults have the 48-hour contract; installations have none until one is configured.
CREATE OR REPLACE FUNCTION reporting.open_sla(
    p_dataset text,
    p_created_at_service timestamptz,
    p_first_seen_at timestamptz,
    p_now timestamptz,
    OUT opened_at timestamptz,
    OUT age_bound text,
    OUT sla_at_risk_at timestamptz,
    OUT sla_due_at timestamptz
)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        clock.at,
        CASE WHEN clock.at IS NULL THEN NULL WHEN clock.is_created THEN 'exact' ELSE 'at_least' END,
        CASE WHEN p_dataset = 'inc' THEN clock.at + interval '36 hours' END,
        CASE WHEN p_dataset = 'inc' THEN clock.at + interval '48 hours' END
    FROM (
        SELECT
            CASE WHEN usable.created THEN p_created_at_service WHEN usable.seen THEN p_first_seen_at END AS at,
            usable.created AS is_created
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
        ) AS usable
    ) AS clock;
END;

COMMENT ON FUNCTION reporting.open_sla(text, timestamptz, timestamptz, timestamptz)
    IS 'SLA instants of an open ticket and what its age says (exact, at_least)';
