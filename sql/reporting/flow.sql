-- The flow identity of a window as JSON: open_end = open_start + created + reopened - closed - exits + unexplained.
-- The stock is what was known at the two ends, the flow what the events tell; the residual is shown, never hidden.
CREATE OR REPLACE FUNCTION reporting.flow(
    p_dataset text, p_from timestamptz, p_to timestamptz, p_now timestamptz, p_mode text
)
RETURNS json LANGUAGE plpgsql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'Africa/Nairobi'
AS $$
DECLARE
    v_end timestamptz := least(coalesce(p_to, p_now), p_now);
    v_begun timestamptz := (
        SELECT min(file.exported_at)
        FROM tickets.import_files AS file
        WHERE file.dataset = p_dataset AND file.state = 'applied'
    );
    v_open_start bigint;
    v_open_end bigint;
    v_created bigint;
    v_closed bigint;
    v_reopened bigint;
    v_exits bigint;
BEGIN
    IF p_mode <> 'known' OR p_from IS NULL OR v_begun IS NULL OR p_from < v_begun OR p_from >= v_end THEN
        RETURN NULL;
    END IF;
    v_open_start := (SELECT count(*) FROM tickets.open_at(p_dataset, p_from));
    v_open_end := (SELECT count(*) FROM tickets.open_at(p_dataset, v_end));
    v_created := (
        SELECT count(*)
        FROM tickets.all_tickets AS ticket
        WHERE ticket.dataset = p_dataset AND ticket.created_at_service >= p_from AND ticket.created_at_service < v_end
    );
    v_closed := (
        SELECT count(*)
        FROM tickets.closure_events AS closure
        WHERE closure.dataset = p_dataset AND closure.closed_at >= p_from AND closure.closed_at < v_end
            AND closure.superseded_by IS NULL
    );
    v_reopened := (
        SELECT count(*)
        FROM tickets.reopen_events AS reopen
        WHERE reopen.dataset = p_dataset AND reopen.reopened_at >= p_from AND reopen.reopened_at < v_end
            AND NOT reopen.retracted
    );
    v_exits := (
        SELECT count(*)
        FROM tickets.exit_events AS ending
        WHERE ending.dataset = p_dataset AND ending.exited_at >= p_from AND ending.exited_at < v_end
    );
    RETURN json_build_object(
        'open_start', v_open_start, 'created', v_created, 'reopened', v_reopened, 'closed', v_closed, 'exits', v_exits,
        'open_end', v_open_end,
        'unexplained', v_open_end - (v_open_start + v_created + v_reopened - v_closed - v_exits)
    );
END
$$;

COMMENT ON FUNCTION reporting.flow(text, timestamptz, timestamptz, timestamptz, text)
    IS 'The flow identity of a window with its unexplained residual';
