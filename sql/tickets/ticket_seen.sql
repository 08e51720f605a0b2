-- One ticket as tickets.seen shows it, by its id: the cost does not follow the table.
CREATE OR REPLACE FUNCTION tickets.ticket_seen(p_dataset text, p_ticket_id text, p_at timestamptz, p_mode text)
RETURNS SETOF tickets.all_tickets LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_column
BEGIN
    IF p_mode = 'happened' AND tickets.is_past(p_dataset, p_at) THEN
        RETURN QUERY
        SELECT ticket.* FROM tickets.seen(p_dataset, p_at, p_mode) AS ticket WHERE ticket.ticket_id = p_ticket_id;
    ELSIF tickets.is_past(p_dataset, p_at) THEN
        RETURN QUERY
        SELECT past.*
        FROM (
            SELECT version.raw, version.exported_at, version.makes_ticket
            FROM tickets.row_versions AS version
            WHERE version.dataset = p_dataset AND version.ticket_id = p_ticket_id AND version.exported_at <= p_at
            ORDER BY version.exported_at DESC, version.modified DESC, version.etag DESC
            LIMIT 1
        ) AS version
        CROSS JOIN LATERAL tickets.ticket_of(p_dataset, p_ticket_id, version.raw, version.exported_at) AS past
        WHERE version.makes_ticket OR tickets.was_ticket(p_dataset, p_ticket_id, p_at);
    ELSE
        RETURN QUERY
        SELECT ticket.*
        FROM tickets.all_tickets AS ticket
        WHERE ticket.dataset = p_dataset AND ticket.ticket_id = p_ticket_id;
    END IF;
END
$$;

COMMENT ON FUNCTION tickets.ticket_seen(text, text, timestamptz, text) IS 'One ticket as seen at an instant';
