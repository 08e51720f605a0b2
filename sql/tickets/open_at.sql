-- The tickets of a dataset that were open at p_at, as they were known then; the cost follows these tickets, not the table.
-- One plain SELECT, so that the planner sees through it and computes only the columns asked for.
CREATE OR REPLACE FUNCTION tickets.open_at(p_dataset text, p_at timestamptz)
RETURNS SETOF tickets.all_tickets LANGUAGE sql STABLE PARALLEL SAFE ROWS 700
BEGIN ATOMIC
    SELECT ticket.*
    FROM tickets.all_tickets AS ticket
    WHERE
        (p_at >= tickets.known_until(p_dataset)) IS NOT FALSE
        AND ticket.dataset = p_dataset
        AND ticket.is_actionable
    UNION ALL
    SELECT past.*
    FROM tickets.open_spells AS spell
    CROSS JOIN LATERAL (
        SELECT row.raw, row.exported_at
        FROM tickets.row_versions AS row
        WHERE row.dataset = p_dataset AND row.ticket_id = spell.ticket_id AND row.exported_at <= p_at
        ORDER BY row.exported_at DESC, row.modified DESC, row.etag DESC
        LIMIT 1
    ) AS version
    CROSS JOIN LATERAL tickets.ticket_of(p_dataset, spell.ticket_id, version.raw, version.exported_at) AS past
    WHERE
        p_at < tickets.known_until(p_dataset)
        AND spell.dataset = p_dataset
        AND tstzrange(spell.opened_at, spell.left_at) @> p_at;
END;

COMMENT ON FUNCTION tickets.open_at(text, timestamptz) IS 'The tickets of a dataset that were open at an instant, as known then';
