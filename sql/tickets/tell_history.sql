-- Nothing; after the versions of one file are kept: moves history's watermark, notes from which instant on the backlogs
-- of days are to be taken again (tickets.capture_history does it) and retells the tickets named.
CREATE OR REPLACE FUNCTION tickets.tell_history(
    p_dataset text,
    p_key text,
    p_exported_at timestamptz,
    p_modified timestamptz,
    p_etag text,
    p_content_as_of timestamptz,
    p_ticket_ids text[]
)
RETURNS void LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_metadata jsonb;
    v_first jsonb := jsonb_build_object('exported_at', p_exported_at, 'modified', p_modified, 'etag', p_etag);
    v_known jsonb;
BEGIN
    SELECT metadata INTO STRICT v_metadata FROM tickets.import_meta WHERE dataset = p_dataset;
    v_known := v_metadata -> 'history_first';

    IF v_known IS NULL OR (p_exported_at, p_modified, p_etag COLLATE "C") < (
        (v_known ->> 'exported_at')::timestamptz, (v_known ->> 'modified')::timestamptz, v_known ->> 'etag'
    ) THEN
        v_metadata := v_metadata || jsonb_build_object('history_first', v_first);
    END IF;
    IF p_exported_at > coalesce((v_metadata ->> 'history_max_exported_at')::timestamptz, '-infinity') THEN
        v_metadata := v_metadata
            || jsonb_build_object('history_max_key', p_key, 'history_max_exported_at', p_exported_at);
    END IF;
    IF p_exported_at < coalesce((v_metadata ->> 'history_days_due')::timestamptz, 'infinity') THEN
        v_metadata := v_metadata || jsonb_build_object('history_days_due', p_exported_at);
    END IF;
    UPDATE tickets.import_meta SET metadata = v_metadata WHERE dataset = p_dataset AND metadata <> v_metadata;

    UPDATE tickets.import_files
    SET content_as_of = p_content_as_of
    WHERE dataset = p_dataset AND key = p_key AND etag = p_etag AND last_modified = p_modified
        AND p_content_as_of > coalesce(content_as_of, '-infinity');

    PERFORM tickets.fold_history(p_dataset, p_ticket_ids);
END
$$;

COMMENT ON FUNCTION tickets.tell_history(text, text, timestamptz, timestamptz, text, timestamptz, text[])
    IS 'Moves the watermark of history past one file and retells the tickets named';
