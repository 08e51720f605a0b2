-- What two location names must share to be one place: the text without regard to case, outer spaces and underscores.
CREATE OR REPLACE FUNCTION tickets.place_key(p_location_name text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN lower(regexp_replace(btrim(p_location_name), '[\s_]+', ' ', 'g'));

COMMENT ON FUNCTION tickets.place_key(text) IS 'What two location names must share to be one place';
