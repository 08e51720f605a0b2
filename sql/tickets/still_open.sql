-- How likely a ticket that was open at age p_known_s is still open at age p_s, by the survival curve of its cluster
-- (or of all, where the cluster has too few closures); 1 beyond the longest age on record, null without any curve.
-- Each look-up names the whole key, so that it is one in the index whatever the planner believes of the table.
CREATE OR REPLACE FUNCTION tickets.still_open(p_dataset text, p_cluster text, p_known_s numeric, p_s numeric)
RETURNS double precision LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT CASE WHEN known.survival = 0 THEN 1 ELSE later.survival / known.survival END
    FROM (
        SELECT CASE
            WHEN EXISTS (
                SELECT
                FROM tickets.survival AS own
                WHERE own.dataset = p_dataset AND own.cluster = lower(p_cluster) AND own.age_h = 0
            )
            THEN lower(p_cluster)
            ELSE ''
        END AS cluster
        OFFSET 0
    ) AS curve
    CROSS JOIN LATERAL (
        SELECT survival.survival
        FROM tickets.survival
        WHERE
            survival.dataset = p_dataset
            AND survival.cluster = curve.cluster
            AND survival.age_h = least(floor(p_known_s / 3600), 720)::integer
        LIMIT 1
    ) AS known
    CROSS JOIN LATERAL (
        SELECT survival.survival
        FROM tickets.survival
        WHERE
            survival.dataset = p_dataset
            AND survival.cluster = curve.cluster
            AND survival.age_h = least(floor(greatest(p_s, p_known_s) / 3600), 720)::integer
        LIMIT 1
    ) AS later
);

COMMENT ON FUNCTION tickets.still_open(text, text, numeric, numeric)
    IS 'How likely a ticket open at one age is still open at a later one';
