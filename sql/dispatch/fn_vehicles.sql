-- Every active vehicle as JSON: where it was last known to be, how fresh that is, its crew, and what it does next by
-- the committed plan. An obstacle says why it can be sent nowhere now: no_position, out_of_area, stale.
CREATE OR REPLACE FUNCTION dispatch.fn_vehicles(
    p_stale_after interval DEFAULT interval '60 min',
    p_now timestamptz DEFAULT now()
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
BEGIN
    RETURN (
        WITH next AS (
            SELECT DISTINCT ON (stop.vehicle_id) stop.vehicle_id, stop.ticket_id, stop.begins_at
            FROM dispatch.assignment AS stop
            JOIN dispatch.plan ON plan.plan_id = stop.plan_id AND plan.state = 'committed'
            WHERE stop.state = 'planned' AND stop.ends_at > p_now
            ORDER BY stop.vehicle_id, stop.position
        )
        SELECT json_build_object(
            'now', p_now,
            'vehicles', coalesce(
                json_agg(
                    json_build_object(
                        'vehicle_id', fleet.vehicle_id,
                        'label', fleet.label,
                        'shares_label', fleet.shares_label,
                        'team', fleet.team,
                        'skills', fleet.skills,
                        'capacity', fleet.capacity,
                        'shift_start', to_char(fleet.shift_start, 'HH24:MI'),
                        'shift_end', to_char(fleet.shift_end, 'HH24:MI'),
                        'lon', round(public.st_x(fleet.geom)::numeric, 6),
                        'lat', round(public.st_y(fleet.geom)::numeric, 6),
                        'fixed_at', fleet.fixed_at,
                        'known_at', fleet.known_at,
                        'speed_km_per_h', fleet.speed_km_per_h,
                        'heading_deg', fleet.heading_deg,
                        'ignition', fleet.ignition,
                        'source', fleet.source,
                        'obstacle', CASE
                            WHEN fleet.geom IS NULL THEN 'no_position'
                            WHEN fleet.is_out_of_area THEN 'out_of_area'
                            WHEN fleet.known_at < p_now - p_stale_after THEN 'stale'
                        END,
                        'next_ticket', next.ticket_id,
                        'next_at', next.begins_at
                    )
                    ORDER BY fleet.label, fleet.vehicle_id
                ),
                '[]'
            )
        )
        FROM dispatch.fleet
        LEFT JOIN next ON next.vehicle_id = fleet.vehicle_id
        WHERE fleet.is_active
    );
END
$$;

COMMENT ON FUNCTION dispatch.fn_vehicles(interval, timestamptz) IS 'Every active vehicle with its newest position';
