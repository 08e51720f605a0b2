-- The GeoJSON feature of one ticket on the map, the only place where it is built. Without p_now nothing in it depends on the
-- clock; a policy is then chosen by p_file_ts, the newest file. Inlined into its query: keep it SQL.
CREATE OR REPLACE FUNCTION tickets.map_feature(
    p_dataset text,
    p_ticket_id text,
    p_normalized_status text,
    p_raw_status text,
    p_bucket text,
    p_is_actionable boolean,
    p_cluster text,
    p_region text,
    p_location_name text,
    p_assigned_team text,
    p_owner text,
    p_created_at_service timestamptz,
    p_first_seen_at timestamptz,
    p_scheduled_at timestamptz,
    p_closed_at timestamptz,
    p_geom public.geometry,
    p_geo_source text,
    p_geo_precision text,
    p_geo_verified boolean,
    p_now timestamptz,
    p_file_ts timestamptz
)
RETURNS TABLE (feature json)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT json_build_object(
        'type', 'Feature',
        'id', property.ticket_id,
        'geometry', public.st_asgeojson(p_geom, 6)::json,
        'properties', CASE
            WHEN p_now IS NULL THEN row_to_json(property)
            ELSE (
                SELECT row_to_json(timed)
                FROM (
                    SELECT
                        property.*,
                        sla.sla_state,
                        sla.hours_open
                ) AS timed
            )
        END
    )
    FROM tickets.sla_sum(
        p_dataset, p_ticket_id, tickets.ticket_state(p_is_actionable, p_closed_at, p_bucket),
        p_created_at_service, p_first_seen_at, p_closed_at, p_cluster, p_region, p_normalized_status, p_now, p_file_ts
    ) AS sla
    CROSS JOIN LATERAL (
        SELECT
            p_ticket_id AS ticket_id, p_dataset AS dataset, p_normalized_status AS status, p_raw_status AS raw_status,
            p_bucket AS bucket, p_cluster AS cluster, p_region AS region, p_location_name AS location_name,
            p_assigned_team AS assigned_team, p_owner AS owner, sla.opened_at, p_scheduled_at AS scheduled_at,
            p_closed_at AS closed_at, sla.at_risk_at AS sla_at_risk_at, sla.due_at AS sla_due_at, sla.age_bound,
            p_geo_source AS geo_source, p_geo_precision AS geo_precision, p_geo_verified AS geo_verified
    ) AS property;
END;

COMMENT ON FUNCTION tickets.map_feature(
    text, text, text, text, text, boolean, text, text, text, text, text,
    timestamptz, timestamptz, timestamptz, timestamptz, public.geometry, text, text, boolean, timestamptz, timestamptz
) IS 'The GeoJSON feature of one ticket on the map';
