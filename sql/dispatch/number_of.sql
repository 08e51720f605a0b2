-- The finite number a text names, or null.
CREATE OR REPLACE FUNCTION dispatch.number_of(p_text text)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN p_text ~ '^[ ]*[+-]?([0-9]{1,15}([.][0-9]{0,30})?|[.][0-9]{1,30})(e[+-]?[0-9]{1,2})?[ ]*$'
        THEN p_text::double precision
    END;
END;

COMMENT ON FUNCTION dispatch.number_of(text) IS 'The finite number a text names, or null';
