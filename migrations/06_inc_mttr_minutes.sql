-- Repair time: the feed gives decimal hours, people count minutes.

-- Whole minutes (half up) of decimal hours; null for text, a negative, or more than 9,999,999 hours.
CREATE OR REPLACE FUNCTION tickets.mttr_minutes(p_text text)
RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN p_text ~ '^[ \t\n\r]*([0-9]{1,7}(\.[0-9]{0,60})?|\.[0-9]{1,60})[ \t\n\r]*$'
    THEN round(btrim(p_text)::numeric * 60)::integer
END;
COMMENT ON FUNCTION tickets.mttr_minutes(text) IS 'Whole minutes (half up) of decimal hours, or null';

ALTER TABLE tickets.inc
    ADD COLUMN IF NOT EXISTS mttr integer
        GENERATED ALWAYS AS (
            CASE
                WHEN tickets.to_bool(raw ->> 'is_actionable') THEN NULL
                ELSE tickets.mttr_minutes(raw ->> 'mttr')
            END
        ) STORED;
