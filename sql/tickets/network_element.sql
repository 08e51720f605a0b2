-- The distribution point named in a location, as FDT12, or null: FDT 12, FDT-12, FDT#12 and fdt012 are the same.
CREATE OR REPLACE FUNCTION tickets.network_element(p_location_name text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'FDT' || substring(upper(p_location_name) FROM '(?:^|[^A-Z])FDT[ _#-]*0*([0-9]{1,6})(?![0-9])');

COMMENT ON FUNCTION tickets.network_element(text) IS 'The distribution point named in a location, as FDT12';
