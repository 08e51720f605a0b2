-- Who may read what; applied last. Nobody but the owner may run a new function until it is granted here.
DO $$
DECLARE
    v_role text;
BEGIN
    REVOKE ALL ON SCHEMA tickets, reporting FROM PUBLIC;
    REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA tickets, reporting FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    FOR v_role IN
        SELECT rolname FROM pg_catalog.pg_roles WHERE rolname IN ('dashboard_ro', 'grafana_ro')
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA reporting TO %I', v_role);
        EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA reporting TO %I', v_role);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA reporting TO %I', v_role);
    END LOOP;
END
$$;
