-- When a ticket was seen in one of these raw statuses, as known at p_until (null: now): the pauses of its SLA clock.
-- A state is seen from the file that tells it until the next file that tells of the ticket; the last has no end yet.
CREATE OR REPLACE FUNCTION tickets.paused_spans(
    p_dataset text, p_ticket_id text, p_statuses text[], p_until timestamptz
)
RETURNS tstzmultirange LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN (
        SELECT range_agg(
            tstzrange(
                version.exported_at,
                CASE WHEN version.superseded_at < 'infinity' AND (version.superseded_at > p_until) IS NOT TRUE
                    THEN version.superseded_at END
            )
        )
        FROM tickets.row_versions AS version
        WHERE
            version.dataset = p_dataset
            AND version.ticket_id = p_ticket_id
            AND version.superseded_at > version.exported_at
            AND (p_until IS NULL OR version.exported_at <= p_until)
            AND upper(btrim(version.raw ->> 'raw_status')) IN (
                SELECT upper(btrim(status)) FROM unnest(p_statuses) AS status
            )
    );
END
$$;

COMMENT ON FUNCTION tickets.paused_spans(text, text, text[], timestamptz) IS 'The observed pauses of a ticket''s SLA clock';
