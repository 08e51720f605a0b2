-- The user and what it lacks of the rights of fleettickets_ingest, which sql/grants.sql gives: 'INSERT ON tickets.inc'.
WITH granted AS (
    SELECT rel.oid, rel.oid::regclass::text AS name, grants.privilege_type AS privilege
    FROM pg_catalog.pg_class AS rel
    CROSS JOIN LATERAL pg_catalog.aclexplode(rel.relacl) AS grants
    WHERE
        rel.relnamespace = 'tickets'::regnamespace
        AND grants.grantee = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = 'fleettickets_ingest')
),
lacking AS (
    SELECT format('%s ON %s', privilege, name) AS what
    FROM granted
    WHERE NOT pg_catalog.has_table_privilege(oid, privilege)
    UNION ALL
    SELECT format('EXECUTE ON %s', proc.oid::regprocedure)
    FROM pg_catalog.pg_proc AS proc
    WHERE proc.pronamespace = 'tickets'::regnamespace AND NOT pg_catalog.has_function_privilege(proc.oid, 'EXECUTE')
    UNION ALL
    SELECT format('TEMPORARY ON DATABASE %I', current_database())
    WHERE NOT pg_catalog.has_database_privilege(current_database(), 'TEMPORARY')
    UNION ALL
    SELECT 'USAGE ON SCHEMA tickets'
    WHERE NOT pg_catalog.has_schema_privilege('tickets', 'USAGE')
)
SELECT current_user::text, coalesce(array_agg(what ORDER BY what), '{}')
FROM lacking;
