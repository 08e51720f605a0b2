-- The dataset's new revision, after its open tickets' features were renewed; listeners hear of it at the commit.
-- Call it once, last in the transaction that changed what a map shows of tickets. p_ticket_ids are those it
-- changed; null means any of them may have changed, an empty array that only the clocks of the dataset did.
CREATE OR REPLACE FUNCTION tickets.advance_revision(p_dataset text, p_ticket_ids text[] DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql
SET timezone = 'Africa/Nairobi' SET jit = off
AS $$
DECLARE
    c_kept CONSTANT bigint := 1000;
    c_most_tickets CONSTANT integer := 5000;
    v_ticket_ids text[] := CASE WHEN cardinality(p_ticket_ids) <= c_most_tickets THEN p_ticket_ids END;
    v_renewed text[];
    v_file_ts timestamptz := (
        SELECT (metadata ->> 'source_max_exported_at')::timestamptz FROM tickets.import_meta WHERE dataset = p_dataset
    );
    v_revision bigint;
BEGIN
    -- The row's lock makes writers of one dataset take turns from here to their commit.
    UPDATE tickets.revisions
    SET revision = revisions.revision + 1, advanced_at = now()
    WHERE revisions.dataset = p_dataset
    RETURNING revisions.revision INTO v_revision;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown dataset %: use inc or crq', quote_nullable(p_dataset)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF v_revision = 1 THEN
        v_ticket_ids := NULL;
    END IF;

    IF v_ticket_ids IS NULL OR cardinality(v_ticket_ids) > 0 THEN
        v_renewed := coalesce(v_ticket_ids, ARRAY(
            SELECT ticket.ticket_id FROM tickets.all_tickets AS ticket WHERE ticket.dataset = p_dataset AND ticket.is_actionable
        ));
        WITH renewed AS MATERIALIZED (
            SELECT ticket.ticket_id, built.feature::text AS feature
            FROM (SELECT DISTINCT unnest(v_renewed) AS ticket_id) AS named
            -- LIMIT keeps this a look-up a ticket, whatever the planner believes of their number.
            CROSS JOIN LATERAL (
                SELECT known.*
                FROM tickets.all_tickets AS known
                WHERE known.dataset = p_dataset AND known.ticket_id = named.ticket_id AND known.is_actionable
                LIMIT 1
            ) AS ticket
            CROSS JOIN LATERAL tickets.map_feature(
                p_dataset, ticket.ticket_id, ticket.normalized_status, ticket.raw_status, ticket.bucket,
                ticket.is_actionable, ticket.cluster, ticket.region, ticket.location_name, ticket.assigned_team, ticket.owner,
                ticket.created_at_service, ticket.first_seen_at, ticket.scheduled_at, ticket.closed_at,
                ticket.geom, ticket.geo_source, ticket.geo_precision, ticket.geo_verified, NULL, v_file_ts
            ) AS built
        ),
        written AS (
            INSERT INTO tickets.map_features AS kept (dataset, ticket_id, feature)
            SELECT p_dataset, renewed.ticket_id, renewed.feature
            FROM renewed
            ORDER BY renewed.ticket_id COLLATE "C"
            ON CONFLICT (dataset, ticket_id) DO UPDATE SET feature = excluded.feature
            WHERE kept.feature <> excluded.feature
        )
        DELETE FROM tickets.map_features AS kept
        WHERE kept.dataset = p_dataset
            AND (v_ticket_ids IS NULL OR kept.ticket_id = ANY (v_ticket_ids))
            AND NOT EXISTS (SELECT FROM renewed WHERE renewed.ticket_id COLLATE "C" = kept.ticket_id);
    END IF;

    INSERT INTO tickets.revision_log (dataset, revision, ticket_ids) VALUES (p_dataset, v_revision, v_ticket_ids);
    DELETE FROM tickets.revision_log WHERE dataset = p_dataset AND revision <= v_revision - c_kept;
    PERFORM pg_notify('fleettickets', p_dataset || ':' || v_revision);
    RETURN v_revision;
END
$$;

COMMENT ON FUNCTION tickets.advance_revision(text, text[])
    IS 'Advances a dataset''s revision, renews the features of the tickets named and tells the listeners';
