-- One document a rule of data quality and dataset, as it stood at %(at)s, else at %(now)s.
SELECT json_build_object(
    'dataset', asked.dataset,
    'rule', rule -> 'rule',
    'meaning', rule -> 'meaning',
    'scope', rule -> 'scope',
    'count', rule -> 'count',
    'of', rule -> 'of',
    'share', rule -> 'share',
    'limit', rule -> 'limit',
    'is_over', rule -> 'is_over',
    'samples', rule -> 'samples'
)
FROM unnest(ARRAY['inc', 'crq']) AS asked (dataset)
CROSS JOIN LATERAL json_array_elements(
    reporting.fn_data_quality(coalesce(%(at)s::timestamptz, %(now)s), asked.dataset) -> 'rules'
) AS rule
WHERE %(dataset)s::text IS NULL OR asked.dataset = %(dataset)s;
