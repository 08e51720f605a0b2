-- The tickets of a dataset that a read at p_at needs: the open ones, those neither open nor closed with a date,
-- and those created or closed in [p_from, p_to). A null window: every ticket; from infinity on: the open ones alone. Two ways to see the past:
-- 'known' (as the files read until p_at told it) and 'happened' (as it really was then, by what is known now).
CREATE OR REPLACE FUNCTION tickets.seen(
    p_dataset text, p_at timestamptz, p_mode text, p_from timestamptz DEFAULT NULL, p_to timestamptz DEFAULT NULL
)
RETURNS SETOF tickets.all_tickets LANGUAGE plpgsql STABLE PARALLEL SAFE
SET plan_cache_mode = force_custom_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    IF p_mode IS NULL OR p_mode NOT IN ('known', 'happened') THEN
        RAISE EXCEPTION 'unknown mode %: use known or happened', quote_nullable(p_mode)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    IF NOT tickets.is_past(p_dataset, p_at) THEN
        IF p_from IS NULL THEN
            RETURN QUERY SELECT ticket.* FROM tickets.all_tickets AS ticket WHERE ticket.dataset = p_dataset;
        ELSE
            RETURN QUERY
            SELECT ticket.*
            FROM tickets.all_tickets AS ticket
            WHERE
                ticket.dataset = p_dataset
                AND (
                    ticket.is_actionable
                    OR (p_from < 'infinity' AND ticket.is_actionable IS NOT TRUE AND ticket.closed_at IS NULL)
                    OR (ticket.closed_at >= p_from AND ticket.closed_at < p_to)
                    OR (ticket.created_at_service >= p_from AND ticket.created_at_service < p_to)
                );
        END IF;
        RETURN;
    END IF;

    IF p_mode = 'known' AND p_from = 'infinity' THEN
        RETURN QUERY SELECT ticket.* FROM tickets.open_at(p_dataset, p_at) AS ticket;
        RETURN;
    END IF;

    IF p_mode = 'known' THEN
        RETURN QUERY
        SELECT ticket.*
        FROM tickets.tickets_at(p_dataset, p_at) AS ticket
        WHERE
            p_from IS NULL
            OR ticket.is_actionable
            OR ticket.closed_at IS NULL
            OR (ticket.closed_at >= p_from AND ticket.closed_at < p_to)
            OR (ticket.created_at_service >= p_from AND ticket.created_at_service < p_to);
        RETURN;
    END IF;

    RETURN QUERY
    SELECT
        ticket.dataset, ticket.ticket_id, ticket.raw, ticket.normalized_status, ticket.raw_status,
        CASE WHEN was.open THEN NULL ELSE ticket.bucket END,
        was.open OR ticket.is_actionable,
        ticket.cluster, ticket.region, ticket.location_name, ticket.assigned_team, ticket.owner, ticket.sla_status,
        CASE WHEN NOT was.open THEN ticket.mttr END,
        ticket.created_at_service, ticket.scheduled_at,
        CASE WHEN NOT was.open THEN ticket.closed_at END,
        ticket.first_seen_at, ticket.last_seen_at, ticket.geom, ticket.geo_source, ticket.exported_at,
        ticket.geo_precision, ticket.geo_verified
    FROM tickets.all_tickets AS ticket
    CROSS JOIN LATERAL (
        SELECT coalesce(ticket.is_actionable OR ticket.closed_at > p_at, false) AS open
    ) AS was
    WHERE
        ticket.dataset = p_dataset
        AND coalesce(ticket.created_at_service, ticket.first_seen_at) <= p_at
        AND (
            p_from IS NULL
            OR ticket.is_actionable OR ticket.closed_at > p_at -- was.open, in words that an index knows
            OR (p_from < 'infinity' AND ticket.closed_at IS NULL)
            OR (ticket.closed_at >= p_from AND ticket.closed_at < p_to)
            OR (ticket.created_at_service >= p_from AND ticket.created_at_service < p_to)
        );
END
$$;

COMMENT ON FUNCTION tickets.seen(text, timestamptz, text, timestamptz, timestamptz)
    IS 'The tickets a read needs: as known at an instant, or as it really was then';
