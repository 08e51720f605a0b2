-- Above which share of the tickets it looks at a quality rule fails the gate; a rule without a limit is only shown.

INSERT INTO tickets.thresholds (name, value, note)
SELECT 'max_share ' || rule, share, 'share of tickets above which the quality gate fails'
FROM (
    VALUES
        ('bad_created_at_service', 0.01), ('bad_first_seen_at', 0.01), ('bad_closed_at', 0.01),
        ('bad_is_actionable', 0.01), ('bad_mttr', 0.01), ('future_created_at_service', 0.01),
        ('future_closed_at', 0.01), ('ancient_created_at_service', 0.01), ('created_after_closed', 0.02),
        ('open_with_closed_at', 0.05), ('open_but_bucket_closed', 0.05), ('closed_undated', 0.05),
        ('no_clock', 0.05), ('no_cluster', 0.02), ('off_centroid', 0.02)
) AS limits (rule, share);
