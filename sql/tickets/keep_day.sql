-- Nothing; writes the row of one day into the daily backlog of its dataset. A row that says the same again stays as it is,
-- with the method it was taken by.
CREATE OR REPLACE FUNCTION tickets.keep_day(p_dataset text, p_row tickets.inc_daily_snapshot)
RETURNS void LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF p_dataset = 'inc' THEN
        INSERT INTO tickets.inc_daily_snapshot AS known SELECT (p_row).*
        ON CONFLICT (day) DO UPDATE SET
            as_of = excluded.as_of,
            open = excluded.open,
            on_track = excluded.on_track,
            at_risk = excluded.at_risk,
            breached = excluded.breached,
            unknown = excluded.unknown,
            no_policy = excluded.no_policy,
            content_as_of = excluded.content_as_of,
            source_max_key = excluded.source_max_key,
            fresh = excluded.fresh,
            method = excluded.method
        WHERE to_jsonb(known) - 'method' <> to_jsonb(excluded) - 'method';
    ELSE
        INSERT INTO tickets.crq_daily_snapshot AS known SELECT (p_row).*
        ON CONFLICT (day) DO UPDATE SET
            as_of = excluded.as_of,
            open = excluded.open,
            on_track = excluded.on_track,
            at_risk = excluded.at_risk,
            breached = excluded.breached,
            unknown = excluded.unknown,
            no_policy = excluded.no_policy,
            content_as_of = excluded.content_as_of,
            source_max_key = excluded.source_max_key,
            fresh = excluded.fresh,
            method = excluded.method
        WHERE to_jsonb(known) - 'method' <> to_jsonb(excluded) - 'method';
    END IF;
END
$$;

COMMENT ON FUNCTION tickets.keep_day(text, tickets.inc_daily_snapshot) IS 'Writes the row of one day';
