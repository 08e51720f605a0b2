-- How much of the time between two instants the export works in: by default 06:00 to 20:00 East Africa Time, every day.
CREATE OR REPLACE FUNCTION tickets.active_time(
    p_from timestamptz, p_to timestamptz, p_from_h numeric DEFAULT 6, p_until_h numeric DEFAULT 20
)
RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT make_interval(secs => sum(
        side.sign * (
            ((side.at AT TIME ZONE interval '03:00')::date - date '2000-01-01') * (p_until_h - p_from_h) * 3600
            + least(
                greatest(extract(epoch FROM (side.at AT TIME ZONE interval '03:00')::time) - p_from_h * 3600, 0),
                (p_until_h - p_from_h) * 3600
            )
        )
    )::double precision)
    FROM (VALUES (1, p_to), (-1, p_from)) AS side (sign, at)
);

COMMENT ON FUNCTION tickets.active_time(timestamptz, timestamptz, numeric, numeric) IS 'Working time of the export between two instants';
