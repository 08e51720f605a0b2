-- How much of the time between two instants the export works in: 06:00 to 20:00 East Africa Time, every day.
CREATE OR REPLACE FUNCTION tickets.active_time(p_from timestamptz, p_to timestamptz)
RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT sum(sign * (days * interval '14 hours' + least(greatest(clock - interval '6 hours', interval '0'), interval '14 hours')))
    FROM (
        SELECT
            side.sign,
            (side.at AT TIME ZONE interval '03:00')::date - date '2000-01-01' AS days,
            (side.at AT TIME ZONE interval '03:00')::time::interval AS clock
        FROM (VALUES (1, p_to), (-1, p_from)) AS side (sign, at)
    ) AS eat
);

COMMENT ON FUNCTION tickets.active_time(timestamptz, timestamptz) IS 'Working time of the export between two instants';
