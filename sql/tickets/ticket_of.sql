-- What a row of a file says of a ticket, in the columns of tickets.all_tickets; where it lies is asked of today's map.
CREATE OR REPLACE FUNCTION tickets.ticket_of(p_dataset text, p_ticket_id text, p_raw jsonb, p_exported_at timestamptz)
RETURNS SETOF tickets.all_tickets LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        p_dataset,
        p_ticket_id,
        p_raw,
        nullif(btrim(p_raw ->> 'normalized_status'), ''),
        nullif(btrim(p_raw ->> 'raw_status'), ''),
        nullif(btrim(p_raw ->> 'bucket'), ''),
        tickets.to_bool(p_raw ->> 'is_actionable') AND tickets.to_bool(p_raw ->> 'is_alarm') IS NOT TRUE,
        nullif(btrim(p_raw ->> 'cluster'), ''),
        nullif(btrim(p_raw ->> 'region'), ''),
        nullif(btrim(p_raw ->> 'location_name'), ''),
        nullif(btrim(p_raw ->> 'assigned_team'), ''),
        nullif(btrim(p_raw ->> 'owner'), ''),
        nullif(btrim(p_raw ->> 'sla_status'), ''),
        CASE
            WHEN tickets.to_bool(p_raw ->> 'is_actionable') THEN NULL
            ELSE tickets.mttr_minutes(p_raw ->> 'mttr')
        END,
        tickets.eat_ts(p_raw ->> 'created_at_service'),
        tickets.eat_ts(p_raw ->> 'scheduled_at'),
        tickets.eat_ts(p_raw ->> 'closed_at'),
        tickets.eat_ts(p_raw ->> 'first_seen_at'),
        tickets.eat_ts(p_raw ->> 'last_seen_at'),
        place.geom::public.geometry(Point, 4326),
        place.geo_source,
        p_exported_at,
        place.geo_precision,
        place.geo_verified
    FROM tickets.ticket_place(
        p_raw ->> 'latitude', p_raw ->> 'longitude', p_raw ->> 'location_name', p_raw ->> 'cluster'
    ) AS place;
END;

COMMENT ON FUNCTION tickets.ticket_of(text, text, jsonb, timestamptz) IS 'What a row of a file says of a ticket, typed';
