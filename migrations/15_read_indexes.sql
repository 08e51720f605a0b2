-- The reads that must follow the open tickets and the window, not the table.

CREATE INDEX inc_open_cluster_idx ON tickets.inc (cluster) WHERE is_actionable;
CREATE INDEX inc_closed_at_idx ON tickets.inc (closed_at);
CREATE INDEX inc_created_at_service_idx ON tickets.inc (created_at_service);
CREATE INDEX crq_open_cluster_idx ON tickets.crq (cluster) WHERE is_actionable;
CREATE INDEX crq_closed_at_idx ON tickets.crq (closed_at);
CREATE INDEX crq_created_at_service_idx ON tickets.crq (created_at_service);
