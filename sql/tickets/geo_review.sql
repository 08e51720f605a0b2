-- What waits for a person: one row a place (all its spellings) or a cluster's own point, with how many tickets it touches.
-- reason: far, ambiguous, no_match, suspect_centroid (also a centre known by another name only, unconfirmed), new_code_token.
CREATE OR REPLACE VIEW tickets.geo_review AS
WITH place AS (
    SELECT
        CASE WHEN location.status = 'nothing' THEN 'new_code_token' WHEN location.status = 'refused' THEN 'far' ELSE location.status END AS reason,
        location.decision_key,
        location.cluster,
        array_agg(location.location_name ORDER BY location.location_name) AS names,
        min(location.place) AS place,
        min(location.query) AS query,
        min(location.provider) AS provider,
        min(location.name_sim) AS similarity,
        min(location.dist_m) AS dist_m,
        (array_agg(location.proposed_geom ORDER BY location.updated_at DESC))[1] AS proposed_geom,
        min(location.note) AS note,
        (array_agg(location.candidates ORDER BY location.updated_at DESC))[1] AS candidates
    FROM tickets.geo_locations AS location
    WHERE NOT location.verified
        AND (
            location.status IN ('far', 'refused', 'ambiguous', 'no_match')
            -- Letters that look like a code of the network and stand in no table: a rule may be missing.
            OR (
                location.status = 'nothing' AND location.note = 'code_only'
                AND EXISTS (
                    SELECT FROM regexp_split_to_table(upper(location.location_name), '[^A-Z]+') AS token
                    WHERE token ~ '^.{2,6}$'
                        AND NOT EXISTS (SELECT FROM tickets.geo_name_rules AS rule WHERE rule.pattern = token)
                )
            )
        )
    GROUP BY 1, 2, 3
)
SELECT
    place.reason,
    'location' AS kind,
    place.cluster,
    place.decision_key,
    coalesce(place.place, place.names[1]) AS place,
    place.names[1:5] AS sample,
    touched.tickets,
    touched.open,
    public.st_y(place.proposed_geom) AS lat,
    public.st_x(place.proposed_geom) AS lon,
    place.dist_m,
    place.similarity,
    place.provider,
    place.query,
    place.note,
    place.candidates,
    touched.moves,
    centre.lat AS centre_lat,
    centre.lon AS centre_lon
FROM place
CROSS JOIN LATERAL (
    SELECT
        count(*) AS tickets,
        count(*) FILTER (WHERE ticket.is_actionable) AS open,
        -- A point of the feed stays, whatever is decided.
        count(*) FILTER (WHERE ticket.geo_source <> 'feed') AS moves
    FROM (
        SELECT inc.is_actionable, inc.geo_source FROM unnest(place.names) AS name
        JOIN tickets.inc ON hashtextextended(inc.location_name, 0) = hashtextextended(name, 0)
            AND inc.location_name = name AND coalesce(inc.cluster, '') = place.cluster
        UNION ALL
        SELECT crq.is_actionable, crq.geo_source FROM unnest(place.names) AS name
        JOIN tickets.crq ON hashtextextended(crq.location_name, 0) = hashtextextended(name, 0)
            AND crq.location_name = name AND coalesce(crq.cluster, '') = place.cluster
    ) AS ticket
) AS touched
LEFT JOIN tickets.geo_clusters AS centre ON centre.cluster = place.cluster
UNION ALL
SELECT
    CASE WHEN area.suspect OR area.geom IS NOT NULL THEN 'suspect_centroid' WHEN area.status IN ('ambiguous', 'no_match') THEN area.status ELSE 'far' END,
    'cluster',
    area.cluster,
    NULL,
    coalesce(area.alias, area.cluster),
    ARRAY[area.cluster],
    touched.tickets,
    touched.open,
    public.st_y(coalesce(area.proposed_geom, area.geom)),
    public.st_x(coalesce(area.proposed_geom, area.geom)),
    public.st_distance(area.geom::public.geography, area.proposed_geom::public.geography),
    area.name_sim,
    area.provider,
    area.query,
    area.note,
    area.candidates,
    touched.moves,
    area.lat,
    area.lon
FROM tickets.geo_clusters AS area
CROSS JOIN LATERAL (
    SELECT
        count(*) AS tickets,
        count(*) FILTER (WHERE ticket.is_actionable) AS open,
        count(*) FILTER (WHERE ticket.geo_source IN ('cluster', 'none')) AS moves
    FROM (
        SELECT inc.is_actionable, inc.geo_source FROM tickets.inc WHERE inc.cluster = area.cluster
        UNION ALL
        SELECT crq.is_actionable, crq.geo_source FROM tickets.crq WHERE crq.cluster = area.cluster
    ) AS ticket
) AS touched
WHERE NOT area.verified AND (area.suspect OR area.alias IS NOT NULL OR area.geom IS NULL);

COMMENT ON VIEW tickets.geo_review IS 'Places and cluster points that wait for a person, with the tickets each touches';
