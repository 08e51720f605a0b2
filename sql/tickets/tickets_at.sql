-- Every ticket of a dataset as it was known at p_at: by the files exported until then.
-- At or after the newest file this is the table itself. Before it, tickets that changed since are looked up in
-- tickets.row_versions; where a ticket lies is asked of today's map, because places are not what the feed says.
CREATE OR REPLACE FUNCTION tickets.tickets_at(p_dataset text, p_at timestamptz)
RETURNS SETOF tickets.all_tickets LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF (p_at >= tickets.known_until(p_dataset)) IS NOT FALSE THEN
        RETURN QUERY SELECT ticket.* FROM tickets.all_tickets AS ticket WHERE ticket.dataset = p_dataset;
        RETURN;
    END IF;

    RETURN QUERY
    SELECT ticket.*
    FROM tickets.all_tickets AS ticket
    WHERE ticket.dataset = p_dataset AND ticket.exported_at <= p_at
    UNION ALL
    SELECT past.*
    FROM tickets.all_tickets AS ticket
    CROSS JOIN LATERAL (
        SELECT *
        FROM tickets.row_versions AS version
        WHERE
            version.dataset = p_dataset
            AND version.ticket_id = ticket.ticket_id
            AND version.exported_at <= p_at
        ORDER BY version.exported_at DESC, version.modified DESC, version.etag DESC
        LIMIT 1
    ) AS version
    CROSS JOIN LATERAL tickets.ticket_of(version.dataset, version.ticket_id, version.raw, version.exported_at) AS past
    WHERE
        ticket.dataset = p_dataset
        AND ticket.exported_at > p_at
        AND tickets.is_ticket_row(p_dataset, ticket.ticket_id, p_at, version.makes_ticket);
END
$$;

COMMENT ON FUNCTION tickets.tickets_at(text, timestamptz) IS 'Every ticket of a dataset as it was known at an instant';
