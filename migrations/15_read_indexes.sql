-- The reads that must follow the open tickets and the window, not the table. No index holds free text of the
-- feed: a cell of 9,000 characters would make its file fail.

CREATE INDEX inc_open_idx ON tickets.inc (ticket_id) WHERE is_actionable;
CREATE INDEX inc_closed_at_idx ON tickets.inc (closed_at);
CREATE INDEX inc_created_at_service_idx ON tickets.inc (created_at_service);
CREATE INDEX crq_open_idx ON tickets.crq (ticket_id) WHERE is_actionable;
CREATE INDEX crq_closed_at_idx ON tickets.crq (closed_at);
CREATE INDEX crq_created_at_service_idx ON tickets.crq (created_at_service);
