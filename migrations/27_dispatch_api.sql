-- Trackers get tokens that may tell positions and do nothing else; a job to plan knows its chance to be open still.

ALTER TABLE tickets.api_tokens DROP CONSTRAINT api_tokens_scopes_are_known;
ALTER TABLE tickets.api_tokens ADD CONSTRAINT api_tokens_scopes_are_known
    CHECK (scopes <@ ARRAY['read', 'pii', 'review', 'dispatch', 'positions', 'admin'] AND cardinality(scopes) > 0);

-- It gains a column (p_still_open).
DROP FUNCTION IF EXISTS dispatch.open_jobs(timestamptz, text[]);
