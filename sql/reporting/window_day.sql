-- The instant whose EAT day is "today": p_now, or with p_anchor 'content' the last moment the data reaches, if that is earlier.
CREATE OR REPLACE FUNCTION reporting.window_day(p_anchor text, p_now timestamptz, p_content_as_of timestamptz)
RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF p_anchor IS NULL OR p_anchor NOT IN ('now', 'content') THEN
        RAISE EXCEPTION 'unknown anchor %: use now or content', quote_nullable(left(p_anchor, 60))
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Data that ends at midnight covers the day before.
    RETURN CASE WHEN p_anchor = 'content' AND p_content_as_of < p_now
        THEN p_content_as_of - interval '1 microsecond' ELSE p_now END;
END
$$;

COMMENT ON FUNCTION reporting.window_day(text, timestamptz, timestamptz) IS 'The instant whose day a window calls today';
