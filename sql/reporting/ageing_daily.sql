-- The open tickets of each day of the backlog in [p_first, p_last] by age at the instant the day was taken, as known then:
-- one row a day and age group (lower bound in hours; null: no clock that can be used). Their sum is the day's backlog.
-- The cost follows the tickets that were open on these days.
CREATE OR REPLACE FUNCTION reporting.ageing_daily(p_dataset text, p_first date, p_last date)
RETURNS TABLE (day date, from_h numeric, n bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    c_bounds_h CONSTANT numeric[] := ARRAY[0, 4, 12, 24, 36, 48, 72, 168, 720];
BEGIN
    RETURN QUERY
    WITH taken AS MATERIALIZED (
        SELECT day, as_of FROM tickets.inc_daily_snapshot WHERE p_dataset = 'inc' AND day BETWEEN p_first AND p_last
        UNION ALL
        SELECT day, as_of FROM tickets.crq_daily_snapshot WHERE p_dataset = 'crq' AND day BETWEEN p_first AND p_last
    ),
    stood AS MATERIALIZED (
        SELECT taken.day, taken.as_of, version.created_at_service, tickets.eat_ts(version.raw ->> 'first_seen_at') AS first_seen_at
        FROM taken
        JOIN tickets.open_spells AS spell ON tstzrange(spell.opened_at, spell.left_at) @> taken.as_of
        CROSS JOIN LATERAL (
            SELECT row.created_at_service, row.raw
            FROM tickets.row_versions AS row
            WHERE row.dataset = p_dataset AND row.ticket_id = spell.ticket_id AND row.exported_at <= taken.as_of
            ORDER BY row.exported_at DESC, row.modified DESC, row.etag DESC
            LIMIT 1
        ) AS version
        WHERE spell.dataset = p_dataset
    )
    SELECT stood.day, age_group.from_h, count(*)
    FROM stood
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN stood.created_at_service BETWEEN '2000-01-01 00:00:00+03' AND stood.as_of + interval '15 min'
                THEN stood.created_at_service
            WHEN stood.first_seen_at BETWEEN '2000-01-01 00:00:00+03' AND stood.as_of + interval '15 min'
                THEN stood.first_seen_at
        END AS at
    ) AS clock
    CROSS JOIN LATERAL (
        SELECT CASE WHEN clock.at IS NOT NULL
            THEN c_bounds_h[width_bucket(greatest(extract(epoch FROM stood.as_of - clock.at), 0) / 3600, c_bounds_h)]
        END AS from_h
    ) AS age_group
    GROUP BY stood.day, age_group.from_h;
END
$$;

COMMENT ON FUNCTION reporting.ageing_daily(text, date, date) IS 'The open tickets of each day by age, as known then';
