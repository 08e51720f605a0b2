-- The newest lifecycle instant the data knew at p_at: of creations and closures not ahead of the newest file by 15 minutes.
CREATE OR REPLACE FUNCTION tickets.content_as_of(p_dataset text, p_at timestamptz)
RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    v_file_ts timestamptz := (SELECT exported_at FROM tickets.file_at(p_dataset, p_at));
BEGIN
    -- Two walks down an index; both end at the first version that held then and was of a ticket.
    RETURN greatest(
        (
            SELECT version.created_at_service
            FROM tickets.row_versions AS version
            WHERE
                version.dataset = p_dataset
                AND version.created_at_service <= v_file_ts + interval '15 min'
                AND version.exported_at <= v_file_ts
                AND version.superseded_at > v_file_ts
                AND tickets.is_ticket_row(version.dataset, version.ticket_id, v_file_ts, version.makes_ticket)
            ORDER BY version.created_at_service DESC
            LIMIT 1
        ),
        (
            SELECT version.closed_at
            FROM tickets.row_versions AS version
            WHERE
                version.dataset = p_dataset
                AND version.closed_at <= v_file_ts + interval '15 min'
                AND version.exported_at <= v_file_ts
                AND version.superseded_at > v_file_ts
                AND tickets.is_ticket_row(version.dataset, version.ticket_id, v_file_ts, version.makes_ticket)
            ORDER BY version.closed_at DESC
            LIMIT 1
        )
    );
END
$$;

COMMENT ON FUNCTION tickets.content_as_of(text, timestamptz) IS 'The newest lifecycle instant the data knew at an instant';
