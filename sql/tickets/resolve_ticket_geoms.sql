-- How many tickets a dataset moved to where the gazetteers now say. Given names or clusters, only tickets that
-- carry one of them are looked at; without any, all. Rows that already lie right are not written. Readers hear of it.
-- It waits for a load that is under way: such a load may have read the gazetteers before they changed.
CREATE OR REPLACE FUNCTION tickets.resolve_ticket_geoms(
    p_location_names text[] DEFAULT NULL,
    p_clusters text[] DEFAULT NULL
)
RETURNS TABLE (dataset text, moved bigint) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_all boolean := p_location_names IS NULL AND p_clusters IS NULL;
    v_names text[] := coalesce(p_location_names, '{}');
    v_clusters text[] := coalesce(p_clusters, '{}');
    v_inc bigint;
    v_crq bigint;
    v_open_inc text[];
    v_open_crq text[];
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('fleettickets:write:inc', 0));
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('fleettickets:write:crq', 0));
    WITH inc_touched AS (
        SELECT inc.ticket_id FROM tickets.inc
        WHERE pg_catalog.hashtextextended(inc.location_name, 0) IN (SELECT pg_catalog.hashtextextended(name, 0) FROM unnest(v_names) AS name)
            AND inc.location_name = ANY (v_names)
        UNION
        SELECT inc.ticket_id FROM tickets.inc WHERE cardinality(v_clusters) > 0 AND inc.cluster = ANY (v_clusters)
        UNION
        SELECT inc.ticket_id FROM tickets.inc WHERE v_all
    ),
    inc_moved AS (
        UPDATE tickets.inc AS ticket
        SET geom = place.geom, geo_source = place.geo_source, geo_precision = place.geo_precision, geo_verified = place.geo_verified
        FROM inc_touched
        JOIN tickets.inc AS seen ON seen.ticket_id = inc_touched.ticket_id
        CROSS JOIN LATERAL tickets.ticket_place(
            seen.raw ->> 'latitude', seen.raw ->> 'longitude', seen.location_name, seen.cluster
        ) AS place
        WHERE ticket.ticket_id = inc_touched.ticket_id
            AND (ticket.geo_source, ticket.geo_precision, ticket.geo_verified, ticket.geom::text)
                IS DISTINCT FROM (place.geo_source, place.geo_precision, place.geo_verified, place.geom::text)
        RETURNING ticket.ticket_id, ticket.is_actionable
    ),
    crq_touched AS (
        SELECT crq.ticket_id FROM tickets.crq
        WHERE pg_catalog.hashtextextended(crq.location_name, 0) IN (SELECT pg_catalog.hashtextextended(name, 0) FROM unnest(v_names) AS name)
            AND crq.location_name = ANY (v_names)
        UNION
        SELECT crq.ticket_id FROM tickets.crq WHERE cardinality(v_clusters) > 0 AND crq.cluster = ANY (v_clusters)
        UNION
        SELECT crq.ticket_id FROM tickets.crq WHERE v_all
    ),
    crq_moved AS (
        UPDATE tickets.crq AS ticket
        SET geom = place.geom, geo_source = place.geo_source, geo_precision = place.geo_precision, geo_verified = place.geo_verified
        FROM crq_touched
        JOIN tickets.crq AS seen ON seen.ticket_id = crq_touched.ticket_id
        CROSS JOIN LATERAL tickets.ticket_place(
            seen.raw ->> 'latitude', seen.raw ->> 'longitude', seen.location_name, seen.cluster
        ) AS place
        WHERE ticket.ticket_id = crq_touched.ticket_id
            AND (ticket.geo_source, ticket.geo_precision, ticket.geo_verified, ticket.geom::text)
                IS DISTINCT FROM (place.geo_source, place.geo_precision, place.geo_verified, place.geom::text)
        RETURNING ticket.ticket_id, ticket.is_actionable
    )
    SELECT inc.n, inc.open_ids, crq.n, crq.open_ids
    INTO v_inc, v_open_inc, v_crq, v_open_crq
    FROM (SELECT count(*) AS n, coalesce(array_agg(ticket_id) FILTER (WHERE is_actionable), '{}') AS open_ids FROM inc_moved) AS inc
    CROSS JOIN (SELECT count(*) AS n, coalesce(array_agg(ticket_id) FILTER (WHERE is_actionable), '{}') AS open_ids FROM crq_moved) AS crq;
    IF v_inc > 0 THEN
        PERFORM tickets.advance_revision('inc', v_open_inc);
    END IF;
    IF v_crq > 0 THEN
        PERFORM tickets.advance_revision('crq', v_open_crq);
    END IF;
    RETURN QUERY VALUES ('inc', v_inc), ('crq', v_crq);
END
$$;

COMMENT ON FUNCTION tickets.resolve_ticket_geoms(text[], text[]) IS
    'Moves the tickets of the given names and clusters (or all) to where the gazetteers now say; how many a dataset';
