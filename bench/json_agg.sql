-- The same features as one json_agg over a table that holds nothing but the open tickets.
SELECT json_build_object('type', 'FeatureCollection', 'features', json_agg(json_build_object(
    'type', 'Feature', 'id', ticket.ticket_id, 'geometry', public.st_asgeojson(ticket.geom, 6)::json,
    'properties', (
        SELECT row_to_json(property)
        FROM (
            SELECT ticket.ticket_id, ticket.dataset, ticket.status, ticket.raw_status, ticket.bucket, ticket.cluster,
                ticket.region, ticket.location_name, ticket.assigned_team, ticket.owner, ticket.opened_at,
                ticket.scheduled_at, ticket.closed_at, ticket.sla_at_risk_at, ticket.sla_due_at, ticket.age_bound,
                ticket.geo_source, ticket.geo_precision, ticket.geo_verified
        ) AS property
    )
) ORDER BY ticket.dataset DESC, ticket.ticket_id))::text
FROM bench.open_tickets AS ticket
