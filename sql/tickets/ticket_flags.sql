-- What is odd about a ticket at p_now, as a list of words; empty when nothing is.
CREATE OR REPLACE FUNCTION tickets.ticket_flags(
    p_raw jsonb,
    p_state text,
    p_bucket text,
    p_created_at_service timestamptz,
    p_first_seen_at timestamptz,
    p_closed_at timestamptz,
    p_now timestamptz
)
RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
RETURN array_remove(
    ARRAY[
        CASE WHEN p_state = 'open' AND p_closed_at IS NOT NULL THEN 'open_with_closed_at' END,
        CASE WHEN p_state = 'open' AND lower(p_bucket) = 'closed' THEN 'open_but_bucket_closed' END,
        CASE WHEN p_state = 'closed' AND p_closed_at IS NULL THEN 'closed_undated' END,
        CASE WHEN p_state = 'closed' AND p_closed_at IS NOT NULL AND lower(p_bucket) = 'pending'
            THEN 'closed_at_but_bucket_pending' END,
        CASE WHEN p_created_at_service IS NULL AND tickets.is_filled(p_raw ->> 'created_at_service')
            THEN 'bad_created_at_service' END,
        CASE WHEN p_created_at_service > p_now + interval '15 min' THEN 'future_created_at_service' END,
        CASE WHEN p_created_at_service < '2000-01-01 00:00:00+03'::timestamptz THEN 'ancient_created_at_service' END,
        CASE WHEN p_first_seen_at IS NULL AND tickets.is_filled(p_raw ->> 'first_seen_at') THEN 'bad_first_seen_at' END,
        -- The second clock is only looked at where the first one does not serve.
        CASE WHEN p_state = 'open' AND p_first_seen_at > p_now + interval '15 min'
                AND (p_created_at_service BETWEEN '2000-01-01 00:00:00+03'::timestamptz AND p_now + interval '15 min')
                    IS NOT TRUE
            THEN 'future_first_seen_at' END,
        CASE WHEN p_state = 'open' AND p_first_seen_at < '2000-01-01 00:00:00+03'::timestamptz
                AND (p_created_at_service BETWEEN '2000-01-01 00:00:00+03'::timestamptz AND p_now + interval '15 min')
                    IS NOT TRUE
            THEN 'ancient_first_seen_at' END,
        CASE WHEN p_closed_at IS NULL AND tickets.is_filled(p_raw ->> 'closed_at') THEN 'bad_closed_at' END,
        CASE WHEN p_state = 'closed' AND p_closed_at > p_now + interval '15 min' THEN 'future_closed_at' END,
        CASE WHEN p_state = 'closed' AND p_created_at_service > p_closed_at THEN 'created_after_closed' END,
        CASE WHEN tickets.is_filled(p_raw ->> 'scheduled_at') AND tickets.eat_ts(p_raw ->> 'scheduled_at') IS NULL
            THEN 'bad_scheduled_at' END,
        CASE WHEN tickets.is_filled(p_raw ->> 'last_seen_at') AND tickets.eat_ts(p_raw ->> 'last_seen_at') IS NULL
            THEN 'bad_last_seen_at' END,
        CASE WHEN tickets.is_filled(p_raw ->> 'created_at') AND tickets.eat_ts(p_raw ->> 'created_at') IS NULL
            THEN 'bad_created_at' END,
        CASE WHEN tickets.is_filled(p_raw ->> 'updated_at') AND tickets.eat_ts(p_raw ->> 'updated_at') IS NULL
            THEN 'bad_updated_at' END,
        CASE WHEN tickets.is_filled(p_raw ->> 'is_actionable') AND tickets.to_bool(p_raw ->> 'is_actionable') IS NULL
            THEN 'bad_is_actionable' END,
        CASE WHEN tickets.is_filled(p_raw ->> 'mttr') THEN
            CASE
                WHEN tickets.mttr_minutes(p_raw ->> 'mttr') IS NULL THEN 'bad_mttr'
                WHEN p_state = 'open' THEN 'mttr_on_open'
            END
        END
    ],
    NULL
);

COMMENT ON FUNCTION tickets.ticket_flags(jsonb, text, text, timestamptz, timestamptz, timestamptz, timestamptz)
    IS 'What is odd about a ticket, as a list of words';
