-- Who may do what; applied last, so a new function or view falls under these rules without being named here.
-- A new table of the write path needs its line below: the ingest may touch nothing that has none.
DO $$
DECLARE
    v_schema text;
    v_role text;
    v_command text;
    v_ingest_tables constant text[] := ARRAY[
        ['inc', 'SELECT, INSERT, UPDATE'],
        ['crq', 'SELECT, INSERT, UPDATE'],
        ['alarm_rows', 'SELECT, INSERT, UPDATE'],
        ['import_files', 'SELECT, INSERT, UPDATE'],
        ['import_meta', 'SELECT, INSERT, UPDATE'],
        ['rejected_rows', 'SELECT, INSERT, UPDATE, DELETE'],
        ['quarantine_decisions', 'SELECT, INSERT'],
        ['runs', 'SELECT, INSERT, UPDATE'],
        -- A file that comes late can make a story shorter: its events are told again.
        ['row_versions', 'SELECT, INSERT, UPDATE'],
        ['closure_events', 'SELECT, INSERT, UPDATE, DELETE'],
        ['reopen_events', 'SELECT, INSERT, UPDATE, DELETE'],
        ['exit_events', 'SELECT, INSERT, UPDATE, DELETE'],
        ['open_spells', 'SELECT, INSERT, UPDATE, DELETE'],
        ['inc_daily_snapshot', 'SELECT, INSERT, UPDATE'],
        ['crq_daily_snapshot', 'SELECT, INSERT, UPDATE'],
        ['sla_policies', 'SELECT'],
        ['sla_calendars', 'SELECT'],
        ['sla_calendar_spans', 'SELECT'],
        ['sla_holidays', 'SELECT'],
        ['thresholds', 'SELECT'],
        ['survival', 'SELECT, INSERT, UPDATE, DELETE'],
        ['forecast_runs', 'SELECT, INSERT, UPDATE'],
        ['breach_forecasts', 'SELECT, INSERT, UPDATE'],
        ['alarms', 'SELECT, INSERT, UPDATE'],
        ['revisions', 'SELECT, UPDATE'],
        ['revision_log', 'SELECT, INSERT, DELETE'],
        ['map_features', 'SELECT, INSERT, UPDATE, DELETE'],
        ['geo_clusters', 'SELECT, INSERT, UPDATE'],
        ['geo_locations', 'SELECT, INSERT, UPDATE'],
        ['geo_areas', 'SELECT'],
        ['geo_answers', 'SELECT, INSERT, UPDATE'],
        ['geo_requests', 'SELECT, INSERT, UPDATE'],
        ['geo_decisions', 'SELECT, INSERT, UPDATE'],
        ['geo_name_rules', 'SELECT'],
        ['schema_migrations', 'SELECT']
    ];
BEGIN
    -- Everybody: nothing, today and for functions that are still to come.
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    FOR v_schema IN SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname IN ('tickets', 'reporting', 'dispatch') LOOP
        EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', v_schema);
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM PUBLIC', v_schema);
        EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA %I FROM PUBLIC', v_schema);
        FOR v_role IN
            SELECT rolname
            FROM pg_catalog.pg_roles
            WHERE rolname IN ('fleettickets_reader', 'fleettickets_ingest', 'dashboard_ro', 'grafana_ro')
        LOOP
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', v_schema, v_role);
            EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA %I FROM %I', v_schema, v_role);
        END LOOP;
    END LOOP;

    -- Functions: only the ingest may call what can write, and only in tickets. The readers need the pure ones of
    -- tickets because a view calls its functions with the rights of whoever reads it.
    FOR v_command IN
        SELECT format('GRANT EXECUTE ON ROUTINE %s TO %I', proc.oid::regprocedure, role.rolname)
        FROM pg_catalog.pg_proc AS proc
        JOIN pg_catalog.pg_namespace AS ns ON ns.oid = proc.pronamespace
        CROSS JOIN pg_catalog.pg_roles AS role
        WHERE ns.nspname IN ('tickets', 'reporting', 'dispatch')
            AND CASE role.rolname
                WHEN 'fleettickets_reader' THEN proc.provolatile <> 'v'
                WHEN 'fleettickets_ingest' THEN ns.nspname = 'tickets' OR proc.provolatile <> 'v'
                WHEN 'dashboard_ro' THEN proc.provolatile = 'i' OR (proc.provolatile = 's' AND ns.nspname <> 'tickets')
                WHEN 'grafana_ro' THEN proc.provolatile = 'i' OR (proc.provolatile = 's' AND ns.nspname <> 'tickets')
                ELSE false
            END
        ORDER BY 1
    LOOP
        EXECUTE v_command;
    END LOOP;

    -- Readers: every view, and what reporting keeps. The owner of the SECURITY DEFINER functions: every table.
    FOR v_command IN
        SELECT format('GRANT SELECT ON %s TO %I', rel.oid::regclass, role.rolname)
        FROM pg_catalog.pg_class AS rel
        JOIN pg_catalog.pg_namespace AS ns ON ns.oid = rel.relnamespace
        CROSS JOIN pg_catalog.pg_roles AS role
        WHERE ns.nspname IN ('tickets', 'reporting', 'dispatch')
            AND CASE role.rolname
                WHEN 'fleettickets_reader' THEN rel.relkind IN ('r', 'p', 'v', 'm')
                WHEN 'fleettickets_ingest' THEN rel.relkind = 'v'
                WHEN 'dashboard_ro' THEN rel.relkind = 'v' OR (rel.relkind IN ('r', 'p', 'm') AND ns.nspname = 'reporting')
                WHEN 'grafana_ro' THEN rel.relkind = 'v' OR (rel.relkind IN ('r', 'p', 'm') AND ns.nspname = 'reporting')
                ELSE false
            END
        ORDER BY 1
    LOOP
        EXECUTE v_command;
    END LOOP;

    -- The ingest: its tables, its staging table, and no DDL.
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'fleettickets_ingest') THEN
        FOR v_command IN
            SELECT format(
                'GRANT %s ON TABLE tickets.%I TO fleettickets_ingest', v_ingest_tables[at][2], v_ingest_tables[at][1]
            )
            FROM generate_subscripts(v_ingest_tables, 1) AS at
        LOOP
            EXECUTE v_command;
        END LOOP;
        IF (
            SELECT pg_catalog.pg_has_role(current_user, datdba, 'USAGE')
            FROM pg_catalog.pg_database
            WHERE datname = current_database()
        ) THEN
            EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO fleettickets_ingest', current_database());
        ELSIF NOT pg_catalog.has_database_privilege('fleettickets_ingest', current_database(), 'TEMPORARY') THEN
            RAISE WARNING 'fleettickets_ingest may not create its staging table: GRANT TEMPORARY ON DATABASE % TO fleettickets_ingest',
                quote_ident(current_database());
        END IF;
    END IF;

    -- SECURITY DEFINER functions belong to a role that may read and nothing else. Its membership lets the migrating
    -- user hand a function over and replace it later; the right to create is needed for the moment of the change.
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'fleettickets_reader') THEN
        BEGIN
            IF NOT pg_catalog.pg_has_role(current_user, 'fleettickets_reader', 'USAGE') THEN
                EXECUTE format('GRANT fleettickets_reader TO %I', current_user);
            END IF;
            FOR v_schema, v_command IN
                SELECT ns.nspname, format('ALTER ROUTINE %s OWNER TO fleettickets_reader', proc.oid::regprocedure)
                FROM pg_catalog.pg_proc AS proc
                JOIN pg_catalog.pg_namespace AS ns ON ns.oid = proc.pronamespace
                WHERE ns.nspname IN ('tickets', 'reporting', 'dispatch')
                    AND proc.prosecdef
                    AND proc.proowner <> 'fleettickets_reader'::regrole
                ORDER BY 1, 2
            LOOP
                EXECUTE format('GRANT CREATE ON SCHEMA %I TO fleettickets_reader', v_schema);
                EXECUTE v_command;
                EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM fleettickets_reader', v_schema);
            END LOOP;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'SECURITY DEFINER functions stay with %: % (an administrator types: GRANT fleettickets_reader TO %)',
                current_user, SQLERRM, quote_ident(current_user);
        END;
    ELSE
        RAISE WARNING 'SECURITY DEFINER functions stay with %, because role fleettickets_reader is missing', current_user;
    END IF;
END
$$;
