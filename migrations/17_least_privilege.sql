-- Two more roles and limits for the readers. fleettickets_reader owns the SECURITY DEFINER functions, so that they
-- can read and nothing else; fleettickets_ingest is what a run of ingest needs. A database user who may not create
-- roles goes on without and is told: docs/deploy-coolify.md has the lines for the administrator.

DO $$
DECLARE
    v_role text;
    v_limit record;
    v_owns_database boolean := (
        SELECT pg_catalog.pg_has_role(current_user, datdba, 'USAGE')
        FROM pg_catalog.pg_database
        WHERE datname = current_database()
    );
BEGIN
    FOREACH v_role IN ARRAY ARRAY['fleettickets_reader', 'fleettickets_ingest'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = v_role) THEN
            IF (SELECT rolcreaterole OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
            ELSE
                RAISE WARNING 'role % is missing and % may not create it', v_role, current_user;
            END IF;
        END IF;
    END LOOP;

    -- What an administrator has set already stays as it is.
    FOR v_limit IN
        SELECT reader.rolname, wanted.command
        FROM pg_catalog.pg_roles AS reader
        CROSS JOIN (
            VALUES
                ('', 'CONNECTION LIMIT 20'),
                ('statement_timeout', 'SET statement_timeout = ''5s'''),
                ('lock_timeout', 'SET lock_timeout = ''2s'''),
                ('idle_in_transaction_session_timeout', 'SET idle_in_transaction_session_timeout = ''15s'''),
                ('work_mem', 'SET work_mem = ''16MB'''),
                ('default_transaction_read_only', 'SET default_transaction_read_only = on')
        ) AS wanted (setting, command)
        WHERE reader.rolname IN ('dashboard_ro', 'grafana_ro')
            AND CASE
                WHEN wanted.setting = '' THEN reader.rolconnlimit = -1
                ELSE NOT EXISTS (
                    SELECT FROM unnest(reader.rolconfig) AS known (pair)
                    WHERE split_part(known.pair, '=', 1) = wanted.setting
                )
            END
    LOOP
        BEGIN
            EXECUTE format('ALTER ROLE %I ', v_limit.rolname) || v_limit.command;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'role % has no limit yet and % may not say: ALTER ROLE % %',
                v_limit.rolname, current_user, v_limit.rolname, v_limit.command;
        END;
    END LOOP;

    -- Temporary tables are for the ingest; objects in public could pose as PostGIS functions.
    IF v_owns_database THEN
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
        IF (
            SELECT pg_catalog.pg_has_role(current_user, nspowner, 'USAGE')
            FROM pg_catalog.pg_namespace
            WHERE nspname = 'public'
        ) THEN
            REVOKE CREATE ON SCHEMA public FROM PUBLIC;
        END IF;
    ELSE
        RAISE WARNING 'everybody may create temporary tables here and % may not change it: REVOKE TEMPORARY ON DATABASE % FROM PUBLIC',
            current_user, quote_ident(current_database());
    END IF;
END
$$;

ALTER TABLE tickets.import_files
    ADD COLUMN discarded_at timestamptz,
    ADD COLUMN discarded_by text;
ALTER TABLE tickets.rejected_rows
    ADD COLUMN discarded_at timestamptz,
    ADD COLUMN discarded_by text;
COMMENT ON COLUMN tickets.import_files.discarded_at IS 'When somebody decided that this quarantined file is of no use';
COMMENT ON COLUMN tickets.rejected_rows.discarded_at IS 'When somebody decided that this rejected row is of no use';
