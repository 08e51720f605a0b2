-- Keeps what a router said of two places; what it knew stays, what it did not know may be told later.
INSERT INTO dispatch.road AS known (router, from_place, to_place, duration_s, distance_m, asked_at)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (router, from_place, to_place) DO UPDATE SET
    duration_s = excluded.duration_s,
    distance_m = excluded.distance_m,
    asked_at = excluded.asked_at
WHERE known.duration_s IS NULL
