-- Tickets created within p_days days after another ticket of the same place was closed, each with the one closed last.
-- The place is the location name without regard to case and outer spaces: the feed names no customer.
CREATE OR REPLACE FUNCTION tickets.repeat_faults(
    p_dataset text,
    p_days integer DEFAULT 30,
    p_from timestamptz DEFAULT '-infinity',
    p_to timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (ticket_id text, earlier_id text, created_at_service timestamptz, earlier_closed_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT DISTINCT ON (again.ticket_id)
        again.ticket_id, earlier.ticket_id, again.created_at_service, earlier.closed_at
    FROM tickets.all_tickets AS again
    JOIN tickets.all_tickets AS earlier
        ON earlier.dataset = p_dataset
        AND tickets.place_key(earlier.location_name) = tickets.place_key(again.location_name)
        AND earlier.ticket_id <> again.ticket_id
        AND earlier.closed_at < again.created_at_service
        AND earlier.closed_at >= again.created_at_service - make_interval(days => p_days)
        AND tickets.ticket_state(earlier.is_actionable, earlier.closed_at, earlier.bucket) = 'closed'
    WHERE
        again.dataset = p_dataset
        AND again.created_at_service >= p_from
        AND again.created_at_service < p_to
        AND btrim(again.location_name) <> ''
    ORDER BY again.ticket_id, earlier.closed_at DESC, earlier.ticket_id;
END;

COMMENT ON FUNCTION tickets.repeat_faults(text, integer, timestamptz, timestamptz) IS
    'Tickets created soon after another ticket of the same place was closed';
