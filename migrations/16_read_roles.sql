-- Roles that read reporting and write nothing. A database user who may not create roles goes on without:
-- the administrator creates dashboard_ro and grafana_ro, and the next migration run grants to them.

DO $$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['dashboard_ro', 'grafana_ro'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = v_role) THEN
            IF (SELECT rolcreaterole OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
            ELSE
                RAISE NOTICE 'role % is missing and % may not create it', v_role, current_user;
            END IF;
        END IF;
    END LOOP;
END
$$;
