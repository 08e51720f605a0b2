-- The tickets of a dataset that were open at p_at, as they were known then; the cost follows these tickets, not the table.
CREATE OR REPLACE FUNCTION tickets.open_at(p_dataset text, p_at timestamptz)
RETURNS SETOF tickets.all_tickets LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF (p_at >= tickets.known_until(p_dataset)) IS NOT FALSE THEN
        RETURN QUERY
        SELECT ticket.* FROM tickets.all_tickets AS ticket WHERE ticket.dataset = p_dataset AND ticket.is_actionable;
        RETURN;
    END IF;

    RETURN QUERY
    SELECT past.*
    FROM tickets.row_versions AS version
    CROSS JOIN LATERAL tickets.ticket_of(version.dataset, version.ticket_id, version.raw, version.exported_at) AS past
    WHERE
        version.dataset = p_dataset
        AND version.state = 'open'
        AND tstzrange(version.exported_at, version.superseded_at) @> p_at;
END
$$;

COMMENT ON FUNCTION tickets.open_at(text, timestamptz) IS 'The tickets of a dataset that were open at an instant, as known then';
