-- Driving time in seconds over a straight-line distance in metres: detour 1.35 at 25 km/h, rounded up.
-- The same numbers as fleettickets/dispatch/model.py (Policy); a test holds them together.
CREATE OR REPLACE FUNCTION dispatch.eta_s(p_distance_m double precision)
RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT ceil(p_distance_m * 1.35 / (25.0 / 3.6))::integer;
END;

COMMENT ON FUNCTION dispatch.eta_s(double precision) IS 'Driving time in seconds over a straight-line distance in metres';
