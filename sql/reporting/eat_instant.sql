-- The instant a person or a URL wrote: naive text is East Africa Time, a date its midnight, an offset is honoured;
-- blank is null, anything else an error that says so.
CREATE OR REPLACE FUNCTION reporting.eat_instant(p_text text)
RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_instant timestamptz := tickets.eat_ts(p_text);
BEGIN
    IF v_instant IS NULL AND btrim(p_text) <> '' THEN
        RAISE EXCEPTION '% is no time: write 2026-06-23 or 2026-06-23T12:00', quote_literal(left(p_text, 60))
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN v_instant;
END
$$;

COMMENT ON FUNCTION reporting.eat_instant(text) IS 'The instant a person wrote: naive text is East Africa Time';
