-- Tickets as the feed delivers them, and the two gazetteers that give them a place.

CREATE EXTENSION IF NOT EXISTS postgis;

CREATE SCHEMA IF NOT EXISTS tickets;
CREATE SCHEMA IF NOT EXISTS reporting;

COMMENT ON SCHEMA tickets IS 'What the feed said and what was derived from it';
COMMENT ON SCHEMA reporting IS 'What people and programs read';

CREATE TABLE IF NOT EXISTS tickets.inc (
    ticket_id text NOT NULL,
    raw jsonb NOT NULL,
    ingested_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inc_pkey PRIMARY KEY (ticket_id)
);
COMMENT ON TABLE tickets.inc IS 'Customer faults: one row a ticket, raw is the source of truth';

CREATE TABLE IF NOT EXISTS tickets.crq (
    ticket_id text NOT NULL,
    raw jsonb NOT NULL,
    ingested_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT crq_pkey PRIMARY KEY (ticket_id)
);
COMMENT ON TABLE tickets.crq IS 'New installations: one row a ticket, raw is the source of truth';

CREATE TABLE IF NOT EXISTS tickets.geo_clusters (
    cluster text NOT NULL,
    geom public.geometry(Point, 4326),
    CONSTRAINT geo_clusters_pkey PRIMARY KEY (cluster)
);
COMMENT ON TABLE tickets.geo_clusters IS 'One point a cluster: the coarse gazetteer';

CREATE TABLE IF NOT EXISTS tickets.geo_locations (
    location_name text NOT NULL,
    geom public.geometry(Point, 4326),
    CONSTRAINT geo_locations_pkey PRIMARY KEY (location_name)
);
COMMENT ON TABLE tickets.geo_locations IS 'One point a location name: the fine gazetteer';
