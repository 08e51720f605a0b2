-- Each vehicle with its newest position and the instant to which that is known: the later of fix and heartbeat.
CREATE OR REPLACE VIEW dispatch.fleet WITH (security_invoker = false) AS
SELECT
    vehicle.vehicle_id,
    vehicle.label,
    vehicle.team,
    vehicle.skills,
    vehicle.capacity,
    vehicle.shift_start,
    vehicle.shift_end,
    vehicle.home,
    vehicle.is_active,
    seen.geom,
    seen.geog,
    seen.fixed_at,
    seen.heartbeat_at,
    greatest(seen.fixed_at, seen.heartbeat_at) AS known_at,
    seen.speed_km_per_h,
    seen.heading_deg,
    seen.ignition,
    seen.source,
    seen.geom IS NOT NULL AND NOT dispatch.is_in_area(seen.geom) AS is_out_of_area,
    count(*) OVER (PARTITION BY upper(regexp_replace(vehicle.label, '[^[:alnum:]]', '', 'g'))) > 1 AS shares_label,
    vehicle.workdays
FROM dispatch.vehicle AS vehicle
LEFT JOIN dispatch.vehicle_position AS seen ON seen.vehicle_id = vehicle.vehicle_id;

COMMENT ON VIEW dispatch.fleet IS 'Each vehicle with its newest position and the instant to which that is known';
