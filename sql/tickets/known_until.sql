-- The time of the newest file that history holds of a dataset, or null: what is asked of a later instant is the present.
CREATE OR REPLACE FUNCTION tickets.known_until(p_dataset text)
RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT (metadata ->> 'history_max_exported_at')::timestamptz
    FROM tickets.import_meta WHERE dataset = p_dataset
);

COMMENT ON FUNCTION tickets.known_until(text) IS 'The time of the newest file that history holds of a dataset';
