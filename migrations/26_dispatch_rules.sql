-- What a plan assumes: how long a job takes, how long an uncertain place costs, which skill it needs; editable.

CREATE TABLE dispatch.service_time (
    dataset text NOT NULL,
    minutes integer NOT NULL,
    CONSTRAINT service_time_pkey PRIMARY KEY (dataset),
    CONSTRAINT service_time_is_positive CHECK (minutes > 0)
);
INSERT INTO dispatch.service_time (dataset, minutes) VALUES ('inc', 45), ('crq', 90);
COMMENT ON TABLE dispatch.service_time IS 'Minutes at the customer, by kind of ticket';

CREATE TABLE dispatch.search_time (
    geo_source text NOT NULL,
    minutes integer NOT NULL,
    CONSTRAINT search_time_pkey PRIMARY KEY (geo_source),
    CONSTRAINT search_time_is_not_negative CHECK (minutes >= 0)
);
INSERT INTO dispatch.search_time (geo_source, minutes) VALUES ('feed', 0), ('location', 5), ('cluster', 20);
COMMENT ON TABLE dispatch.search_time IS 'Minutes a crew loses finding the customer, by how well the place is known';

CREATE TABLE dispatch.skill_rule (
    rule_id integer GENERATED ALWAYS AS IDENTITY,
    dataset text,
    raw_status text,
    skill text NOT NULL,
    CONSTRAINT skill_rule_pkey PRIMARY KEY (rule_id)
);
COMMENT ON TABLE dispatch.skill_rule IS
    'A ticket needs the skill when dataset and raw_status are its own (null: any); none until somebody writes one';

CREATE TABLE dispatch.road (
    router text NOT NULL,
    from_place text NOT NULL,
    to_place text NOT NULL,
    duration_s integer NOT NULL,
    distance_m integer NOT NULL,
    asked_at timestamptz NOT NULL,
    CONSTRAINT road_pkey PRIMARY KEY (router, from_place, to_place)
);
COMMENT ON TABLE dispatch.road IS 'What a road router answered for two places (4 decimals, about 11 m), so that it is asked once';
