-- One row a ticket of either dataset, as known now, with the same columns for both. It holds raw, so it opens nothing:
-- whoever reads it needs the right to read both tables.
CREATE OR REPLACE VIEW tickets.all_tickets WITH (security_invoker = true) AS
SELECT
    'inc' AS dataset, ticket_id, raw, normalized_status, raw_status, bucket, is_actionable, cluster, region,
    location_name, assigned_team, owner, sla_status, mttr, created_at_service, scheduled_at, closed_at,
    first_seen_at, last_seen_at, geom, geo_source, source_exported_at AS exported_at,
    geo_precision, geo_verified
FROM tickets.inc
UNION ALL
SELECT
    'crq' AS dataset, ticket_id, raw, normalized_status, raw_status, bucket, is_actionable, cluster, region,
    location_name, assigned_team, owner, sla_status, mttr, created_at_service, scheduled_at, closed_at,
    first_seen_at, last_seen_at, geom, geo_source, source_exported_at AS exported_at, geo_precision, geo_verified
FROM tickets.crq;

COMMENT ON VIEW tickets.all_tickets IS 'One row a ticket of either dataset, as known now';
