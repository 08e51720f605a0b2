-- Every ticket of a dataset as it was known at p_at: by the files exported until then.
-- At or after the newest file this is the table itself. Before it, tickets that changed since are looked up in
-- tickets.row_versions; where a ticket lies is asked of today's map, because places are not what the feed says.
-- One plain SELECT, so that the planner sees through it and computes only the columns asked for.
CREATE OR REPLACE FUNCTION tickets.tickets_at(p_dataset text, p_at timestamptz)
RETURNS SETOF tickets.all_tickets LANGUAGE sql STABLE PARALLEL SAFE ROWS 30000
BEGIN ATOMIC
    SELECT ticket.*
    FROM tickets.all_tickets AS ticket
    WHERE ticket.dataset = p_dataset AND ticket.exported_at <= p_at
    UNION ALL
    SELECT past.*
    FROM tickets.all_tickets AS ticket
    CROSS JOIN LATERAL (
        SELECT row.raw, row.exported_at, row.makes_ticket
        FROM tickets.row_versions AS row
        WHERE row.dataset = p_dataset AND row.ticket_id = ticket.ticket_id AND row.exported_at <= p_at
        ORDER BY row.exported_at DESC, row.modified DESC, row.etag DESC
        LIMIT 1
    ) AS version
    CROSS JOIN LATERAL tickets.ticket_of(p_dataset, ticket.ticket_id, version.raw, version.exported_at) AS past
    WHERE
        p_at < tickets.known_until(p_dataset)
        AND ticket.dataset = p_dataset
        AND ticket.exported_at > p_at
        AND (version.makes_ticket OR tickets.was_ticket(p_dataset, ticket.ticket_id, p_at));
END;

COMMENT ON FUNCTION tickets.tickets_at(text, timestamptz) IS 'Every ticket of a dataset as it was known at an instant';
