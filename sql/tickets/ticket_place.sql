-- Where a ticket lies, in one row: the feed's own point, else its location's, else its cluster's, else none.
-- A row a person decided holds even without a point (the cluster's point was chosen); any other only with one.
-- The planner inlines it: the merge and the re-resolution share this text and pay two index look-ups a ticket.
CREATE OR REPLACE FUNCTION tickets.ticket_place(
    p_latitude text,
    p_longitude text,
    p_location_name text,
    p_cluster text
)
RETURNS TABLE (geom public.geometry, geo_source text, geo_precision text, geo_verified boolean)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
AS $$
    SELECT
        coalesce(feed.geom, location.geom, cluster.geom),
        CASE
            WHEN feed.geom IS NOT NULL THEN 'feed'
            WHEN location.geom IS NOT NULL THEN 'location'
            WHEN cluster.geom IS NOT NULL THEN 'cluster'
            ELSE 'none'
        END,
        CASE
            WHEN feed.geom IS NOT NULL THEN 'point'
            WHEN location.geom IS NOT NULL THEN coalesce(location.precision, 'place')
            WHEN cluster.geom IS NOT NULL THEN 'area'
        END,
        feed.geom IS NOT NULL OR coalesce(CASE WHEN location.geom IS NOT NULL THEN location.verified ELSE cluster.verified END, false)
    FROM (SELECT tickets.feed_point(p_latitude, p_longitude) AS geom) AS feed
    LEFT JOIN LATERAL (
        SELECT known.geom, known.precision, known.verified
        FROM tickets.geo_locations AS known
        WHERE known.location_name = nullif(btrim(p_location_name), '')
            AND known.cluster IN (coalesce(btrim(p_cluster), ''), '')
            AND (known.geom IS NOT NULL OR known.verified)
        ORDER BY known.cluster DESC
        LIMIT 1
    ) AS location ON true
    LEFT JOIN LATERAL (
        SELECT known.geom, known.verified
        FROM tickets.geo_clusters AS known
        WHERE known.cluster = nullif(btrim(p_cluster), '') AND known.geom IS NOT NULL
        LIMIT 1
    ) AS cluster ON true
$$;

COMMENT ON FUNCTION tickets.ticket_place(text, text, text, text) IS
    'Where a ticket lies by feed, location or cluster, with source, precision and whether it is verified';
