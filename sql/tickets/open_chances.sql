-- Two chances of an open ticket: that it is still open at p_now, and that it is open at its target age, given that it
-- was open when the data ends. Inlined into its query: keep it SQL.
CREATE OR REPLACE FUNCTION tickets.open_chances(
    p_dataset text,
    p_cluster text,
    p_opened_at timestamptz,
    p_now timestamptz,
    p_content_as_of timestamptz,
    p_target_min integer
)
RETURNS TABLE (still_open double precision, breach double precision)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
AS $$
    SELECT
        tickets.still_open(p_dataset, p_cluster, age.known_s, age.now_s),
        CASE
            WHEN age.known_s >= p_target_min * 60 THEN 1
            ELSE tickets.still_open(p_dataset, p_cluster, age.known_s, p_target_min * 60)
        END
    FROM (
        SELECT
            CASE WHEN p_opened_at IS NOT NULL THEN greatest(extract(epoch FROM p_now - p_opened_at), 0) END AS now_s,
            CASE WHEN p_opened_at IS NOT NULL AND p_content_as_of IS NOT NULL
                THEN greatest(extract(epoch FROM least(p_now, p_content_as_of) - p_opened_at), 0) END AS known_s
        OFFSET 0
    ) AS age;
$$;

COMMENT ON FUNCTION tickets.open_chances(text, text, timestamptz, timestamptz, timestamptz, integer)
    IS 'The chances that an open ticket is still open now, and at its target';
