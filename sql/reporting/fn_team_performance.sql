-- Closures by team at the time of closing, as JSON: count, repair time (median, p90), within 48 h, reopens, repeats, load.
-- The team is the assigned team, else the owner, else (unassigned), as the event of the closure has it. Where n is small
-- the row says so: it is not for ranking.
CREATE OR REPLACE FUNCTION reporting.fn_team_performance(
    p_window text DEFAULT 'month',
    p_from timestamptz DEFAULT NULL,
    p_to timestamptz DEFAULT NULL,
    p_now timestamptz DEFAULT now(),
    p_cluster text DEFAULT NULL,
    p_dataset text DEFAULT 'inc',
    p_mode text DEFAULT 'known'
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
SET plan_cache_mode = force_custom_plan SET work_mem = '32MB'
AS $$
DECLARE
    c_unassigned CONSTANT text := '(unassigned)';
    v_cluster text := nullif(lower(btrim(p_cluster)), '');
    v_small_n numeric := tickets.threshold('small_n', p_dataset, p_now);
    v_repeat_days integer := tickets.threshold('repeat_days', p_dataset, p_now);
    v_clocks record;
    v_window record;
    v_coverage text;
    v_teams json;
BEGIN
    SELECT * INTO v_clocks FROM tickets.clocks(p_dataset, p_now, p_mode);
    SELECT * INTO v_window FROM reporting.window_bounds(p_window, p_from, p_to, p_now);
    v_coverage := reporting.window_coverage(v_window.starts_at, v_window.ends_at, p_now, v_clocks.content_as_of);

    WITH seen AS MATERIALIZED (
        SELECT
            ticket.ticket_id, ticket.assigned_team, ticket.owner, ticket.mttr, ticket.created_at_service, ticket.closed_at,
            ticket.location_name, ticket.is_actionable,
            tickets.ticket_state(ticket.is_actionable, ticket.closed_at, ticket.bucket) AS state
        FROM tickets.seen(
            p_dataset, p_now, p_mode, coalesce(v_window.starts_at, '-infinity'), coalesce(v_window.ends_at, 'infinity')
        ) AS ticket
        WHERE v_cluster IS NULL OR lower(ticket.cluster) = v_cluster
    ),
    closure AS (
        SELECT
            seen.ticket_id,
            event.closed_at,
            coalesce(event.team, event.owner, c_unassigned) AS team,
            CASE WHEN event.team IS NOT NULL THEN 'assigned_team' WHEN event.owner IS NOT NULL THEN 'owner' ELSE 'none' END
                AS team_source,
            seen.mttr,
            extract(epoch FROM event.closed_at - seen.created_at_service) / 3600 AS hours,
            -- A closure that did not hold: the ticket was seen open again after it.
            EXISTS (
                SELECT FROM tickets.reopen_events AS reopen
                WHERE reopen.dataset = p_dataset AND reopen.ticket_id = event.ticket_id AND NOT reopen.retracted
                    AND reopen.reopened_at > event.closed_at
                    AND (p_mode = 'happened' OR reopen.reopened_at <= p_now)
            ) AS is_reopened
        FROM tickets.closure_events AS event
        JOIN seen ON seen.ticket_id = event.ticket_id
        WHERE event.dataset = p_dataset
            AND event.superseded_by IS NULL
            AND event.closed_at >= coalesce(v_window.starts_at, '-infinity')
            AND event.closed_at < coalesce(v_window.ends_at, 'infinity')
            AND (p_mode = 'happened' OR NOT tickets.is_past(p_dataset, p_now) OR event.observed_at <= p_now)
    ),
    closed AS (
        SELECT
            team,
            count(*) AS closed,
            count(*) FILTER (WHERE team_source = 'assigned_team') AS from_assigned_team,
            count(*) FILTER (WHERE team_source = 'owner') AS from_owner,
            count(mttr) AS mttr_n,
            round((percentile_cont(0.5) WITHIN GROUP (ORDER BY mttr))::numeric, 1) AS mttr_median,
            round((percentile_cont(0.9) WITHIN GROUP (ORDER BY mttr))::numeric, 1) AS mttr_p90,
            count(hours) FILTER (WHERE hours >= 0) AS timed,
            count(*) FILTER (WHERE hours >= 0 AND hours < 48) AS within_48h,
            count(*) FILTER (WHERE is_reopened) AS reopened
        FROM closure
        GROUP BY team
    ),
    repeated AS (
        SELECT repeat.team, count(*) AS repeats
        FROM reporting.repeats(
            p_dataset,
            (
                SELECT coalesce(array_agg(ticket_id), '{}')
                FROM seen
                WHERE location_name IS NOT NULL
                    AND created_at_service >= coalesce(v_window.starts_at, '-infinity')
                    AND created_at_service < coalesce(v_window.ends_at, 'infinity')
            ),
            coalesce(v_window.starts_at, '-infinity'), coalesce(v_window.ends_at, 'infinity'), p_now, p_mode, v_repeat_days
        ) AS repeat
        WHERE repeat.after_days <= v_repeat_days
        GROUP BY repeat.team
    ),
    load AS (
        SELECT coalesce(assigned_team, owner, c_unassigned) AS team, count(*) AS open
        FROM seen
        WHERE state = 'open'
        GROUP BY 1
    ),
    team AS (
        SELECT team FROM closed UNION SELECT team FROM load UNION SELECT team FROM repeated UNION SELECT c_unassigned
    )
    SELECT json_agg(
        json_build_object(
            'team', team.team,
            'closed', coalesce(closed.closed, 0),
            'is_small', coalesce(closed.closed, 0) < v_small_n,
            'from_assigned_team', coalesce(closed.from_assigned_team, 0),
            'from_owner', coalesce(closed.from_owner, 0),
            'mttr', json_build_object('n', coalesce(closed.mttr_n, 0), 'median', closed.mttr_median, 'p90', closed.mttr_p90),
            'within_48h', round(closed.within_48h::numeric / nullif(closed.timed, 0), 4),
            'within_n', coalesce(closed.timed, 0),
            'reopened', coalesce(closed.reopened, 0),
            'repeats', coalesce(repeated.repeats, 0),
            'open', coalesce(load.open, 0)
        )
        ORDER BY coalesce(closed.closed, 0) DESC, team.team COLLATE "C"
    ) INTO v_teams
    FROM team
    LEFT JOIN closed USING (team)
    LEFT JOIN load USING (team)
    LEFT JOIN repeated USING (team);

    RETURN json_build_object(
        'dataset', p_dataset,
        'window', json_build_object(
            'name', v_window.name, 'from', v_window.starts_at, 'to', v_window.ends_at, 'coverage', v_coverage
        ),
        'small_n', v_small_n,
        'teams', CASE WHEN v_coverage <> 'none' THEN v_teams END,
        'freshness', json_build_object(
            'now', p_now, 'run_at', v_clocks.run_at, 'file_ts', v_clocks.file_ts, 'content_as_of', v_clocks.content_as_of
        )
    );
END
$$;

COMMENT ON FUNCTION reporting.fn_team_performance(text, timestamptz, timestamptz, timestamptz, text, text, text)
    IS 'Closures by team at the time of closing, with repair time, reopens, repeats and load';
