-- Every cluster of the tickets with its region, its tickets, its gazetteer row, and how far its fed and verified
-- points lie from its centre (95th percentile; null below five of them).
WITH ticket AS (
    SELECT cluster, region, is_actionable, CASE WHEN geo_source = 'feed' THEN geom END AS fed FROM tickets.inc
    WHERE cluster IS NOT NULL
    UNION ALL
    SELECT cluster, region, is_actionable, CASE WHEN geo_source = 'feed' THEN geom END FROM tickets.crq
    WHERE cluster IS NOT NULL
),
counted AS (
    SELECT
        cluster,
        mode() WITHIN GROUP (ORDER BY region) AS region,
        count(*) AS tickets,
        count(*) FILTER (WHERE is_actionable) AS open
    FROM ticket
    GROUP BY cluster
),
sure AS (
    SELECT ticket.cluster, ticket.fed AS geom FROM ticket WHERE ticket.fed IS NOT NULL
    UNION ALL
    SELECT location.cluster, location.geom FROM tickets.geo_locations AS location
    WHERE location.verified AND location.geom IS NOT NULL
),
spread AS (
    SELECT
        sure.cluster,
        percentile_cont(0.95) WITHIN GROUP (
            ORDER BY public.st_distance(sure.geom::public.geography, known.geom::public.geography)
        ) AS p95_m
    FROM sure
    JOIN tickets.geo_clusters AS known ON known.cluster = sure.cluster AND known.geom IS NOT NULL
    GROUP BY sure.cluster
    HAVING count(*) >= 5
)
SELECT
    coalesce(counted.cluster, known.cluster),
    coalesce(counted.region, known.region),
    coalesce(counted.tickets, 0),
    coalesce(counted.open, 0),
    known.lat,
    known.lon,
    spread.p95_m,
    coalesce(known.suspect, false),
    coalesce(known.verified, false),
    known.origin,
    known.status,
    known.norm_version,
    known.next_try_at,
    coalesce(known.attempts, 0)
FROM counted
FULL JOIN tickets.geo_clusters AS known ON known.cluster = counted.cluster
LEFT JOIN spread ON spread.cluster = coalesce(counted.cluster, known.cluster)
ORDER BY coalesce(counted.open, 0) DESC, coalesce(counted.tickets, 0) DESC, 1
