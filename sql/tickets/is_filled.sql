-- Whether a source value says anything: not null, not blank, not one of the export's words for nothing.
CREATE OR REPLACE FUNCTION tickets.is_filled(p_text text)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_text IS NOT NULL AND lower(btrim(p_text)) NOT IN ('', 'null', 'none', 'n/a', 'na', '-', 'nan', 'nat');

COMMENT ON FUNCTION tickets.is_filled(text) IS 'Whether a source value says anything';
