-- The counts of one grouping, {open: {...}, closed: {...}}, each present; closed is null where the data does not reach.
CREATE OR REPLACE FUNCTION reporting.open_and_closed(p_counts json, p_covered boolean)
RETURNS json LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN json_build_object(
    'open', coalesce(p_counts -> 'open', '{}'),
    'closed', CASE WHEN p_covered THEN coalesce(p_counts -> 'closed', '{}') END
);

COMMENT ON FUNCTION reporting.open_and_closed(json, boolean) IS 'The counts of one grouping, open and closed';
