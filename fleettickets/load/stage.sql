-- The rows of one file on their way in; lives as long as the connection, empties with each transaction.
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
    line bigint NOT NULL,
    ticket_id text,
    is_alarm boolean,
    raw jsonb,
    reason text,
    record text
) ON COMMIT DELETE ROWS
