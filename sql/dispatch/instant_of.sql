-- The instant of a tracker's time: ISO 8601 with or without offset, or epoch seconds or milliseconds. Trackers
-- speak UTC: naive is UTC here, unlike in the ticket feed.
CREATE OR REPLACE FUNCTION dispatch.instant_of(p_text text)
RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN p_text ~ '^[ ]*[0-9]{9,10}([.][0-9]{1,9})?[ ]*$' THEN to_timestamp(p_text::double precision)
        WHEN p_text ~ '^[ ]*[0-9]{12,13}[ ]*$' THEN to_timestamp(p_text::double precision / 1000)
        WHEN p_text ~ '(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)[ ]*$' AND p_text ~ '[0-9]:[0-9]' THEN tickets.eat_ts(p_text)
        ELSE tickets.eat_ts(p_text) + interval '3 hours'
    END;
END;

COMMENT ON FUNCTION dispatch.instant_of(text) IS 'The instant of a tracker''s time (naive is UTC), or null';
