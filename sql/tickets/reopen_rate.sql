-- How many closures stand, how many tickets came back from one, and the share; null when nothing was closed.
-- A corrected closure counts once, a reopen that was taken back does not count. Closures count by closed_at, reopens by
-- the file that told of them.
CREATE OR REPLACE FUNCTION tickets.reopen_rate(
    p_dataset text,
    p_from timestamptz DEFAULT NULL,
    p_to timestamptz DEFAULT NULL,
    OUT closures bigint,
    OUT reopens bigint,
    OUT rate numeric
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT counted.closures, counted.reopens, round(counted.reopens::numeric / nullif(counted.closures, 0), 4)
    FROM (
        SELECT
            (
                SELECT count(*)
                FROM tickets.closure_events AS closure
                WHERE closure.dataset = p_dataset AND closure.superseded_by IS NULL
                    AND (p_from IS NULL OR closure.closed_at >= p_from)
                    AND (p_to IS NULL OR closure.closed_at < p_to)
            ) AS closures,
            (
                SELECT count(*)
                FROM tickets.reopen_events AS reopen
                WHERE reopen.dataset = p_dataset AND NOT reopen.retracted
                    AND (p_from IS NULL OR reopen.reopened_at >= p_from)
                    AND (p_to IS NULL OR reopen.reopened_at < p_to)
            ) AS reopens
    ) AS counted;
END;

COMMENT ON FUNCTION tickets.reopen_rate(text, timestamptz, timestamptz) IS 'Closures that stand, reopens, and their share';
