-- How much of a window the data reaches at p_now: none, partial or full.
CREATE OR REPLACE FUNCTION reporting.window_coverage(
    p_from timestamptz, p_to timestamptz, p_now timestamptz, p_content_as_of timestamptz
)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN p_content_as_of IS NULL OR p_content_as_of <= p_from THEN 'none'
    WHEN p_content_as_of >= least(p_to, p_now) THEN 'full'
    ELSE 'partial'
END;

COMMENT ON FUNCTION reporting.window_coverage(timestamptz, timestamptz, timestamptz, timestamptz)
    IS 'How much of a window the data reaches: none, partial or full';
