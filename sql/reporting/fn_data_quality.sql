-- What is odd in the tickets, one entry a rule as JSON: count, share of the tickets it looks at, samples with what the
-- feed wrote, and the last 30 days. Looked at are open tickets, those without a date, and those created or closed in the
-- last p_days before the data ends.
CREATE OR REPLACE FUNCTION reporting.fn_data_quality(
    p_now timestamptz DEFAULT now(), p_dataset text DEFAULT 'inc', p_days integer DEFAULT 30, p_mode text DEFAULT 'known'
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
SET plan_cache_mode = force_custom_plan SET work_mem = '32MB'
AS $$
DECLARE
    c_samples CONSTANT integer := 5;
    c_far_m CONSTANT double precision := 25000;
    v_clocks record;
    v_from timestamptz;
    v_answer json;
BEGIN
    IF p_days IS NULL OR p_days NOT BETWEEN 1 AND 400 THEN
        RAISE EXCEPTION 'days must be from 1 to 400, not %', quote_nullable(p_days::text)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO v_clocks FROM tickets.clocks(p_dataset, p_now, p_mode);
    v_from := coalesce(v_clocks.content_as_of, p_now) - make_interval(days => p_days);

    WITH ticket AS MATERIALIZED (
        SELECT
            seen.ticket_id, life.state, seen.cluster, seen.assigned_team, seen.created_at_service, seen.first_seen_at,
            seen.closed_at, seen.geom, seen.geo_source,
            (seen.exported_at AT TIME ZONE interval '03:00')::date AS told_on,
            upper(btrim(seen.sla_status)) AS sla_source, sla.derived_sla, sla.sla_basis,
            tickets.ticket_flags(
                seen.raw, life.state, seen.bucket, seen.created_at_service, seen.first_seen_at, seen.closed_at, p_now
            ) || CASE WHEN seen.geo_source <> 'feed'
                    AND (tickets.is_filled(seen.raw ->> 'latitude') OR tickets.is_filled(seen.raw ->> 'longitude'))
                THEN ARRAY['bad_coordinates'] ELSE '{}' END AS flags
        FROM tickets.seen(p_dataset, p_now, p_mode, v_from, 'infinity') AS seen
        CROSS JOIN LATERAL (
            SELECT tickets.ticket_state(seen.is_actionable, seen.closed_at, seen.bucket) AS state
        ) AS life
        CROSS JOIN LATERAL tickets.sla_sum(
            p_dataset, seen.ticket_id, life.state, seen.created_at_service, seen.first_seen_at, seen.closed_at,
            seen.cluster, seen.region, seen.normalized_status, p_now, v_clocks.content_as_of
        ) AS sla
    ),
    -- The rules, of which tickets they speak and what of a ticket shows it, so that one nobody breaks shows as 0.
    rule AS (
        SELECT * FROM (VALUES
            ('bad_created_at_service', 'all', 'created_at_service is no time', '{created_at_service}'),
            ('bad_first_seen_at', 'all', 'first_seen_at is no time', '{first_seen_at}'),
            ('bad_closed_at', 'all', 'closed_at is no time', '{closed_at}'),
            ('bad_scheduled_at', 'all', 'scheduled_at is no time', '{scheduled_at}'),
            ('bad_last_seen_at', 'all', 'last_seen_at is no time', '{last_seen_at}'),
            ('bad_created_at', 'all', 'created_at is no time', '{created_at}'),
            ('bad_updated_at', 'all', 'updated_at is no time', '{updated_at}'),
            ('bad_is_actionable', 'all', 'is_actionable is neither true nor false', '{is_actionable}'),
            ('future_created_at_service', 'all', 'created_at_service is still to come', '{created_at_service}'),
            ('future_first_seen_at', 'open', 'first_seen_at is still to come', '{first_seen_at}'),
            ('future_closed_at', 'closed', 'closed_at is still to come', '{closed_at}'),
            ('ancient_created_at_service', 'all', 'created_at_service is before 2000', '{created_at_service}'),
            ('ancient_first_seen_at', 'open', 'first_seen_at is before 2000', '{first_seen_at}'),
            ('open_with_closed_at', 'open', 'open and yet with a closing time', '{is_actionable, closed_at}'),
            ('open_but_bucket_closed', 'open', 'open and yet in the bucket closed', '{is_actionable, bucket}'),
            ('closed_undated', 'closed', 'closed without a closing time: in no window', '{normalized_status, bucket, closed_at}'),
            ('closed_at_but_bucket_pending', 'closed', 'closed and yet in the bucket pending', '{closed_at, bucket}'),
            ('created_after_closed', 'closed', 'created after it was closed', '{created_at_service, closed_at}'),
            ('bad_mttr', 'all', 'mttr is no duration', '{mttr}'),
            ('mttr_on_open', 'open', 'a repair time while the ticket is open', '{is_actionable, mttr}'),
            ('no_clock', 'open', 'neither created_at_service nor first_seen_at can be used: SLA unknown', '{created_at_service, first_seen_at}'),
            ('no_created_at_service', 'open', 'only first_seen_at is known: the age is a lower bound', '{first_seen_at}'),
            ('no_team', 'open', 'no assigned team', '{assigned_team, owner}'),
            ('no_cluster', 'all', 'no cluster', '{cluster, region}'),
            ('no_place', 'open', 'not on the map', '{cluster, region}'),
            ('bad_coordinates', 'all', 'coordinates of the feed that are none', '{latitude, longitude}'),
            ('off_centroid', 'all', 'coordinates of the feed more than 25 km from the cluster''s point', '{latitude, longitude, cluster}')
        ) AS named (rule, scope, meaning, columns)
    ),
    broken AS (
        SELECT flag AS rule, ticket.ticket_id, ticket.told_on FROM ticket CROSS JOIN LATERAL unnest(ticket.flags) AS flag
        UNION ALL
        SELECT check_of.rule, ticket.ticket_id, ticket.told_on
        FROM ticket
        CROSS JOIN LATERAL (
            VALUES
                ('no_clock', ticket.state = 'open' AND ticket.sla_basis IS NULL),
                ('no_created_at_service', ticket.state = 'open' AND ticket.created_at_service IS NULL),
                ('no_team', ticket.state = 'open' AND ticket.assigned_team IS NULL),
                ('no_cluster', ticket.cluster IS NULL),
                ('no_place', ticket.state = 'open' AND ticket.geo_source = 'none')
        ) AS check_of (rule, is_broken)
        WHERE check_of.is_broken
        UNION ALL
        SELECT 'off_centroid', ticket.ticket_id, ticket.told_on
        FROM ticket
        JOIN tickets.geo_clusters AS area ON lower(area.cluster) = lower(ticket.cluster)
        WHERE ticket.geo_source = 'feed'
            AND NOT public.st_dwithin(ticket.geom::public.geography, area.geom::public.geography, c_far_m)
    ),
    looked AS (
        SELECT
            count(*) AS all,
            count(*) FILTER (WHERE state = 'open') AS open,
            count(*) FILTER (WHERE state = 'closed') AS closed
        FROM ticket
    ),
    counted AS (
        SELECT
            broken.rule,
            count(*) AS n,
            (array_agg(broken.ticket_id ORDER BY broken.told_on DESC, broken.ticket_id COLLATE "C"))[1:c_samples] AS samples
        FROM broken
        GROUP BY broken.rule
    ),
    -- What the feed wrote in the columns that the rule is about.
    shown AS (
        SELECT
            counted.rule,
            json_agg(
                json_build_object(
                    'ticket_id', sample.ticket_id,
                    'cluster', seen.cluster,
                    'exported_at', seen.exported_at,
                    'values', (SELECT json_object_agg(name, seen.raw ->> name) FROM unnest(rule.columns::text[]) AS name)
                )
                ORDER BY sample.at
            ) AS rows
        FROM counted
        JOIN rule USING (rule)
        CROSS JOIN LATERAL unnest(counted.samples) WITH ORDINALITY AS sample (ticket_id, at)
        CROSS JOIN LATERAL tickets.ticket_seen(
            p_dataset, sample.ticket_id, CASE WHEN p_mode = 'known' THEN p_now END, 'known'
        ) AS seen
        GROUP BY counted.rule
    ),
    spark AS (
        SELECT by_day.rule, json_object_agg(by_day.told_on, by_day.n ORDER BY by_day.told_on) AS days
        FROM (SELECT rule, told_on, count(*) AS n FROM broken WHERE told_on >= v_from::date GROUP BY rule, told_on) AS by_day
        GROUP BY by_day.rule
    ),
    matrix AS (
        SELECT coalesce(sla_source, '(none)') AS source, coalesce(derived_sla, '(none)') AS derived, count(*) AS n
        FROM ticket
        WHERE state = 'closed' AND closed_at >= v_from
        GROUP BY 1, 2
    )
    SELECT json_build_object(
        'dataset', p_dataset,
        'days', p_days,
        'looked_at', (SELECT row_to_json(looked) FROM looked),
        'rules', (
            SELECT json_agg(
                json_build_object(
                    'rule', rule.rule,
                    'meaning', rule.meaning,
                    'scope', rule.scope,
                    'count', coalesce(counted.n, 0),
                    'of', scope.n,
                    'share', round(coalesce(counted.n, 0)::numeric / nullif(scope.n, 0), 4),
                    'limit', allowed.share,
                    'is_over', coalesce(counted.n::numeric / nullif(scope.n, 0) > allowed.share, false),
                    'samples', coalesce(to_json(counted.samples), '[]'),
                    'sample_rows', coalesce(shown.rows, '[]'),
                    'by_day', coalesce(spark.days, '{}')
                )
                ORDER BY coalesce(counted.n, 0) DESC, rule.rule
            )
            FROM rule
            CROSS JOIN looked
            CROSS JOIN LATERAL (
                SELECT CASE rule.scope WHEN 'open' THEN looked.open WHEN 'closed' THEN looked.closed ELSE looked.all END AS n
            ) AS scope
            CROSS JOIN LATERAL (
                SELECT tickets.threshold('max_share ' || rule.rule, p_dataset, p_now) AS share
            ) AS allowed
            LEFT JOIN counted USING (rule)
            LEFT JOIN shown USING (rule)
            LEFT JOIN spark USING (rule)
        ),
        'sla_matrix', (SELECT coalesce(json_agg(matrix ORDER BY source, derived), '[]') FROM matrix),
        'rejected_rows', (
            SELECT coalesce(json_object_agg(reason, n ORDER BY reason), '{}')
            FROM (
                SELECT split_part(reason, ':', 1) AS reason, count(*) AS n
                FROM tickets.rejected_rows
                WHERE dataset = p_dataset
                GROUP BY 1
            ) AS by_reason
        ),
        'freshness', json_build_object(
            'now', p_now, 'run_at', v_clocks.run_at, 'file_ts', v_clocks.file_ts, 'content_as_of', v_clocks.content_as_of
        )
    ) INTO v_answer;
    RETURN v_answer;
END
$$;

COMMENT ON FUNCTION reporting.fn_data_quality(timestamptz, text, integer, text) IS 'What is odd in the tickets, one entry a rule';
