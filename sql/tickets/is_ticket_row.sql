-- Whether a version is of a ticket: it says so itself, or a file until p_at did; else the id was only ever an alarm.
CREATE OR REPLACE FUNCTION tickets.is_ticket_row(
    p_dataset text, p_ticket_id text, p_at timestamptz, p_makes_ticket boolean
)
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN p_makes_ticket OR EXISTS (
    SELECT
    FROM tickets.row_versions AS version
    WHERE
        version.dataset = p_dataset
        AND version.ticket_id = p_ticket_id
        AND version.exported_at <= p_at
        AND version.makes_ticket
);

COMMENT ON FUNCTION tickets.is_ticket_row(text, text, timestamptz, boolean) IS 'Whether a version is of a ticket, not of an alarm';
