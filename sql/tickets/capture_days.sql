-- Nothing; takes the backlog of the days (EAT) of these instants, and again of every later day already taken: what
-- came may change them.
-- A day's row holds what was known at its as_of, which never goes back. Of days without a file or a run there is no row.
CREATE OR REPLACE FUNCTION tickets.capture_days(p_dataset text, p_instants timestamptz[], p_now timestamptz)
RETURNS void LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_from date;
    v_today date := (p_now AT TIME ZONE interval '03:00')::date;
    v_day record;
    v_file record;
    v_states text[];
    v_row tickets.inc_daily_snapshot;
BEGIN
    SELECT min((instant AT TIME ZONE interval '03:00')::date) INTO v_from FROM unnest(p_instants) AS instant;

    FOR v_day IN
        SELECT taken.day, max(taken.as_of) AS as_of
        FROM (
            SELECT (instant AT TIME ZONE interval '03:00')::date AS day, instant AS as_of
            FROM unnest(p_instants) AS instant
            UNION ALL
            SELECT day, as_of FROM tickets.inc_daily_snapshot WHERE p_dataset = 'inc' AND day >= v_from
            UNION ALL
            SELECT day, as_of FROM tickets.crq_daily_snapshot WHERE p_dataset = 'crq' AND day >= v_from
        ) AS taken
        GROUP BY taken.day
    LOOP
        SELECT * INTO v_file FROM tickets.file_at(p_dataset, v_day.as_of);

        -- Two statements: the one for the past costs its planning only where a past day is taken.
        IF tickets.is_past(p_dataset, v_day.as_of) THEN
            v_states := ARRAY(
                SELECT sla.sla_state
                FROM tickets.open_at(p_dataset, v_day.as_of) AS ticket
                CROSS JOIN LATERAL tickets.sla_sum(
                    p_dataset, ticket.ticket_id, 'open', ticket.created_at_service, ticket.first_seen_at, ticket.closed_at,
                    ticket.cluster, ticket.region, ticket.normalized_status, v_day.as_of, NULL
                ) AS sla
            );
        ELSE
            v_states := ARRAY(
                SELECT sla.sla_state
                FROM tickets.all_tickets AS ticket
                CROSS JOIN LATERAL tickets.sla_sum(
                    p_dataset, ticket.ticket_id, 'open', ticket.created_at_service, ticket.first_seen_at, ticket.closed_at,
                    ticket.cluster, ticket.region, ticket.normalized_status, v_day.as_of, NULL
                ) AS sla
                WHERE ticket.dataset = p_dataset AND ticket.is_actionable
            );
        END IF;
        v_row.open := cardinality(v_states);
        v_row.on_track := cardinality(array_positions(v_states, 'on_track'));
        v_row.at_risk := cardinality(array_positions(v_states, 'at_risk'));
        v_row.breached := cardinality(array_positions(v_states, 'breached'));
        v_row.unknown := cardinality(array_positions(v_states, 'unknown'));
        v_row.no_policy := cardinality(array_positions(v_states, 'none'));

        v_row.day := v_day.day;
        v_row.as_of := v_day.as_of;
        v_row.content_as_of := tickets.content_as_of(p_dataset, v_day.as_of);
        v_row.source_max_key := v_file.key;
        v_row.fresh := coalesce(tickets.active_time(v_file.exported_at, v_day.as_of) < interval '3 hours', false);
        v_row.method := CASE WHEN v_day.day = v_today THEN 'live' ELSE 'replayed' END;
        PERFORM tickets.keep_day(p_dataset, v_row);
    END LOOP;
END
$$;

COMMENT ON FUNCTION tickets.capture_days(text, timestamptz[], timestamptz) IS 'Takes the backlog of some days and again of the later ones';
