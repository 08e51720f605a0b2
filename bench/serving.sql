-- As many tickets open as wanted, with an open ticket's cells, each at the middle of its cluster or beside it.
UPDATE tickets.inc SET raw = raw - 'closed_at' - 'mttr' || jsonb_build_object('is_actionable', 'true', 'bucket', 'pending', 'raw_status', 'ACCEPTED', 'normalized_status', 'ACCEPTED')
WHERE ticket_id IN (SELECT ticket_id FROM tickets.inc WHERE is_actionable IS NOT TRUE ORDER BY md5(ticket_id) LIMIT greatest(0, %(half)s - (SELECT count(*) FROM tickets.inc WHERE is_actionable)));
UPDATE tickets.crq SET raw = raw - 'closed_at' - 'mttr' || jsonb_build_object('is_actionable', 'true', 'bucket', 'pending', 'raw_status', 'ACCEPTED', 'normalized_status', 'ACCEPTED')
WHERE ticket_id IN (SELECT ticket_id FROM tickets.crq WHERE is_actionable IS NOT TRUE ORDER BY md5(ticket_id) LIMIT greatest(0, %(half)s - (SELECT count(*) FROM tickets.crq WHERE is_actionable)));
UPDATE tickets.inc SET geo_source = 'location', geom = public.st_setsrid(public.st_makepoint(36.7 + abs(hashtext(cluster)) %% 2000 / 1e4 + hashtext(location_name) %% 9973 / 997300.0, -1.4 + abs(hashtext(cluster || 'y')) %% 3000 / 1e4 + hashtext(location_name || 'y') %% 9973 / 997300.0), 4326)
WHERE is_actionable;
UPDATE tickets.crq SET geo_source = 'location', geom = public.st_setsrid(public.st_makepoint(36.7 + abs(hashtext(cluster)) %% 2000 / 1e4 + hashtext(location_name) %% 9973 / 997300.0, -1.4 + abs(hashtext(cluster || 'y')) %% 3000 / 1e4 + hashtext(location_name || 'y') %% 9973 / 997300.0), 4326)
WHERE is_actionable;
CREATE SCHEMA bench;
CREATE TABLE bench.open_tickets AS
SELECT ticket.ticket_id, ticket.dataset, ticket.normalized_status AS status, ticket.raw_status, ticket.bucket, ticket.cluster, ticket.region,
    ticket.location_name, ticket.assigned_team, ticket.owner, ticket.created_at_service AS opened_at, ticket.scheduled_at, ticket.closed_at,
    ticket.created_at_service + interval '36 hours' AS sla_at_risk_at, ticket.created_at_service + interval '48 hours' AS sla_due_at,
    'exact' AS age_bound, ticket.geo_source, 'place' AS geo_precision, false AS geo_verified, ticket.geom
FROM tickets.all_tickets AS ticket
WHERE ticket.is_actionable;
ALTER TABLE bench.open_tickets ADD PRIMARY KEY (ticket_id);
CREATE INDEX ON bench.open_tickets USING gist (geom);
ANALYZE bench.open_tickets;
ANALYZE tickets.inc;
ANALYZE tickets.crq
