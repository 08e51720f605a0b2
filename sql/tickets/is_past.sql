-- Whether what was known at p_at differs from what is known now: a newer file has been read since.
CREATE OR REPLACE FUNCTION tickets.is_past(p_dataset text, p_at timestamptz)
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(p_at < tickets.known_until(p_dataset), false) $$;

COMMENT ON FUNCTION tickets.is_past(text, timestamptz) IS 'Whether a newer file than p_at has been read';
