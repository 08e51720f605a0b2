-- Of the given tickets created in a window, the last closure of another ticket at the same place: which ticket, how
-- many days before; null: none within p_days. The place is tickets.place_key of location_name: the feed names no customer.
CREATE OR REPLACE FUNCTION reporting.repeats(
    p_dataset text,
    p_ticket_ids text[],
    p_from timestamptz,
    p_to timestamptz,
    p_now timestamptz,
    p_mode text,
    p_days integer
)
RETURNS TABLE (ticket_id text, team text, after_days numeric, earlier_id text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '32MB'
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH place_ticket AS MATERIALIZED (
        SELECT
            seen.ticket_id,
            seen.created_at_service,
            CASE WHEN tickets.ticket_state(seen.is_actionable, seen.closed_at, seen.bucket) = 'closed' THEN seen.closed_at END
                AS closed_at,
            coalesce(seen.assigned_team, seen.owner, '(unassigned)') AS team,
            tickets.place_key(seen.location_name) AS place
        FROM tickets.seen(p_dataset, p_now, p_mode, p_from - make_interval(days => p_days), p_to) AS seen
        WHERE btrim(tickets.place_key(seen.location_name)) <> ''
    ),
    closure AS MATERIALIZED (
        SELECT place_ticket.place, place_ticket.ticket_id, place_ticket.closed_at
        FROM place_ticket
        WHERE place_ticket.closed_at IS NOT NULL
    )
    SELECT DISTINCT ON (born.ticket_id)
        born.ticket_id,
        born.team,
        extract(epoch FROM born.created_at_service - closure.closed_at) / 86400,
        closure.ticket_id
    FROM unnest(p_ticket_ids) AS asked (ticket_id)
    JOIN place_ticket AS born ON born.ticket_id = asked.ticket_id
    LEFT JOIN closure
        ON closure.place = born.place
        AND closure.ticket_id <> born.ticket_id
        AND closure.closed_at < born.created_at_service
        AND closure.closed_at >= born.created_at_service - make_interval(days => p_days)
    ORDER BY born.ticket_id, closure.closed_at DESC NULLS LAST, closure.ticket_id;
END
$$;

COMMENT ON FUNCTION reporting.repeats(text, text[], timestamptz, timestamptz, timestamptz, text, integer)
    IS 'The last closure at the same place, for tickets created in a window';
