-- The value of a threshold at an instant: the dataset's own before the common one, the newest that is effective.
CREATE OR REPLACE FUNCTION tickets.threshold(p_name text, p_dataset text DEFAULT NULL, p_at timestamptz DEFAULT NULL)
RETURNS numeric LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT threshold.value
    FROM tickets.thresholds AS threshold
    WHERE threshold.name = p_name
        AND (threshold.dataset IS NULL OR threshold.dataset = p_dataset)
        AND threshold.effective_from <= coalesce(p_at, 'infinity')
    ORDER BY threshold.dataset NULLS LAST, threshold.effective_from DESC
    LIMIT 1;
END;

COMMENT ON FUNCTION tickets.threshold(text, text, timestamptz) IS 'The value of a threshold at an instant';
