-- When a ticket was seen in one of these raw statuses, as known at p_until (null: now): the pauses of its SLA clock.
-- A state is seen from the file that tells it until the next file that tells of the ticket; the last has no end yet.
CREATE OR REPLACE FUNCTION tickets.paused_spans(
    p_dataset text, p_ticket_id text, p_statuses text[], p_until timestamptz
)
RETURNS tstzmultirange LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN (
        SELECT range_agg(tstzrange(version.exported_at, version.next_at))
        FROM (
            SELECT
                told.exported_at,
                lead(told.exported_at) OVER (ORDER BY told.exported_at, told.modified, told.etag) AS next_at,
                told.raw
            FROM tickets.row_versions AS told
            WHERE
                told.dataset = p_dataset
                AND told.ticket_id = p_ticket_id
                AND (p_until IS NULL OR told.exported_at <= p_until)
        ) AS version
        WHERE
            (version.next_at > version.exported_at) IS NOT FALSE
            AND upper(btrim(version.raw ->> 'raw_status')) IN (
                SELECT upper(btrim(status)) FROM unnest(p_statuses) AS status
            )
    );
END
$$;

COMMENT ON FUNCTION tickets.paused_spans(text, text, text[], timestamptz) IS 'The observed pauses of a ticket''s SLA clock';
