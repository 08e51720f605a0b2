-- Whether a file until p_at told of a ticket of this id; else the id was only ever an alarm.
CREATE OR REPLACE FUNCTION tickets.was_ticket(p_dataset text, p_ticket_id text, p_at timestamptz)
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (
    SELECT
    FROM tickets.row_versions AS version
    WHERE
        version.dataset = p_dataset
        AND version.ticket_id = p_ticket_id
        AND version.exported_at <= p_at
        AND version.makes_ticket
);

COMMENT ON FUNCTION tickets.was_ticket(text, text, timestamptz) IS 'Whether a file until an instant told of a ticket of this id';
