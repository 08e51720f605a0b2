-- Where the vehicles are, where they have been, who is planned to go where, and afterwards who closed what.

CREATE SCHEMA IF NOT EXISTS dispatch;
COMMENT ON SCHEMA dispatch IS 'Vehicles, their positions and stays, plans, and the attribution of closures';

CREATE TABLE dispatch.vehicle (
    vehicle_id text NOT NULL,
    label text NOT NULL,
    team text,
    skills text[] NOT NULL DEFAULT '{}',
    capacity integer,
    shift_start time NOT NULL DEFAULT '08:00',
    shift_end time NOT NULL DEFAULT '17:00',
    home public.geometry(Point, 4326),
    is_active boolean NOT NULL DEFAULT true,
    source text NOT NULL,
    CONSTRAINT vehicle_pkey PRIMARY KEY (vehicle_id),
    CONSTRAINT vehicle_shift_begins_before_it_ends CHECK (shift_start < shift_end),
    CONSTRAINT vehicle_capacity_is_not_negative CHECK (capacity >= 0)
);
COMMENT ON TABLE dispatch.vehicle IS
    'One row a tracker; label is what people call it (the plate). What a person edits here, no feed of positions overwrites';
COMMENT ON COLUMN dispatch.vehicle.capacity IS 'The most stops a shift; null: as many as fit';

CREATE TABLE dispatch.vehicle_position (
    vehicle_id text NOT NULL,
    fixed_at timestamptz NOT NULL,
    heartbeat_at timestamptz,
    geom public.geometry(Point, 4326) NOT NULL,
    geog public.geography(Point, 4326) GENERATED ALWAYS AS (geom::public.geography) STORED,
    speed_km_per_h real,
    heading_deg real,
    ignition boolean,
    source text NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT vehicle_position_pkey PRIMARY KEY (vehicle_id)
);
COMMENT ON TABLE dispatch.vehicle_position IS 'The newest fix of each vehicle; an older one never replaces it';
COMMENT ON COLUMN dispatch.vehicle_position.heartbeat_at IS
    'When the tracker last spoke: a parked vehicle sends no fix, and its position is as fresh as its heartbeat';

CREATE TABLE dispatch.vehicle_track (
    vehicle_id text NOT NULL,
    fixed_at timestamptz NOT NULL,
    geom public.geometry(Point, 4326) NOT NULL,
    speed_km_per_h real,
    ignition boolean,
    CONSTRAINT vehicle_track_pkey PRIMARY KEY (vehicle_id, fixed_at)
) PARTITION BY RANGE (fixed_at);
CREATE TABLE dispatch.vehicle_track_rest PARTITION OF dispatch.vehicle_track DEFAULT;
COMMENT ON TABLE dispatch.vehicle_track IS 'Every fix, a partition a month (UTC); dispatch.keep_tracks makes and drops them';

CREATE TABLE dispatch.rejected_position (
    rejected_id bigint GENERATED ALWAYS AS IDENTITY,
    source text NOT NULL,
    reason text NOT NULL,
    record jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT rejected_position_pkey PRIMARY KEY (rejected_id)
);
COMMENT ON TABLE dispatch.rejected_position IS 'Fixes that could not be used, with the reason';

CREATE TABLE dispatch.stay (
    vehicle_id text NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    geom public.geometry(Point, 4326) NOT NULL,
    geog public.geography(Point, 4326) GENERATED ALWAYS AS (geom::public.geography) STORED,
    fixes integer NOT NULL,
    rule_version integer NOT NULL,
    CONSTRAINT stay_pkey PRIMARY KEY (vehicle_id, began_at),
    CONSTRAINT stay_begins_before_it_ends CHECK (began_at <= ended_at)
);
CREATE INDEX stay_began_at_idx ON dispatch.stay (began_at);
COMMENT ON TABLE dispatch.stay IS 'Where a vehicle stood still, worked out from its track';

CREATE TABLE dispatch.plan (
    plan_id bigint GENERATED ALWAYS AS IDENTITY,
    revision integer NOT NULL DEFAULT 1,
    state text NOT NULL DEFAULT 'draft',
    planned_for timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    committed_at timestamptz,
    committed_by text,
    based_on bigint,
    settings jsonb NOT NULL,
    locks jsonb NOT NULL DEFAULT '{}',
    document jsonb NOT NULL,
    CONSTRAINT plan_pkey PRIMARY KEY (plan_id),
    CONSTRAINT plan_state_is_known CHECK (state IN ('draft', 'committed', 'superseded'))
);
CREATE UNIQUE INDEX plan_one_is_committed_idx ON dispatch.plan (state) WHERE state = 'committed';
COMMENT ON TABLE dispatch.plan IS 'A plan of a shift; at most one is committed, and committing it supersedes the one before';
COMMENT ON COLUMN dispatch.plan.based_on IS 'The plan that was committed when this one was made: another one meanwhile is a conflict';

CREATE TABLE dispatch.assignment (
    plan_id bigint NOT NULL,
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    vehicle_id text NOT NULL,
    position integer NOT NULL,
    begins_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'planned',
    CONSTRAINT assignment_pkey PRIMARY KEY (plan_id, ticket_id),
    CONSTRAINT assignment_state_is_known CHECK (state IN ('planned', 'under_way', 'done', 'closed_before'))
);
CREATE INDEX assignment_ticket_idx ON dispatch.assignment (ticket_id);
COMMENT ON TABLE dispatch.assignment IS 'The stops of committed plans';

CREATE TABLE dispatch.attribution (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    seq integer NOT NULL,
    verdict text NOT NULL,
    vehicle_id text,
    p double precision,
    runner_up text,
    runner_up_p double precision,
    distance_m double precision,
    dwell_s integer,
    gap_s integer,
    rule_version integer NOT NULL,
    scored_at timestamptz NOT NULL,
    CONSTRAINT attribution_pkey PRIMARY KEY (dataset, ticket_id, seq),
    CONSTRAINT attribution_verdict_is_known CHECK (verdict IN ('attributed', 'probable', 'unattributed', 'no_track')),
    CONSTRAINT attribution_p_is_a_probability CHECK (p BETWEEN 0 AND 1)
);
COMMENT ON TABLE dispatch.attribution IS 'Which vehicle was there when a ticket was closed, as the tracks tell, with its probability';
