-- What the numbers are judged by: SLA policies, working calendars and freshness thresholds, each with the instant
-- from which it holds, so that an answer about the past keeps the rule of its day.

CREATE TABLE tickets.sla_calendars (
    calendar text NOT NULL,
    note text,
    CONSTRAINT sla_calendars_pkey PRIMARY KEY (calendar)
);
COMMENT ON TABLE tickets.sla_calendars IS 'Working calendars by name; a policy without one counts around the clock';

CREATE TABLE tickets.sla_calendar_spans (
    calendar text NOT NULL,
    weekday smallint NOT NULL,
    starts_at time NOT NULL,
    ends_at time NOT NULL,
    valid_from date NOT NULL DEFAULT '-infinity',
    valid_until date NOT NULL DEFAULT 'infinity',
    CONSTRAINT sla_calendar_spans_pkey PRIMARY KEY (calendar, weekday, starts_at, valid_from),
    CONSTRAINT sla_calendar_spans_calendar_exists
        FOREIGN KEY (calendar) REFERENCES tickets.sla_calendars (calendar),
    CONSTRAINT sla_calendar_spans_weekday_is_iso CHECK (weekday BETWEEN 1 AND 7),
    CONSTRAINT sla_calendar_spans_ends_after_it_starts CHECK (starts_at < ends_at)
);
COMMENT ON TABLE tickets.sla_calendar_spans IS
    'Working hours (EAT) of a weekday, 1 Monday to 7 Sunday, on the days from valid_from until before valid_until';

CREATE TABLE tickets.sla_holidays (
    calendar text NOT NULL,
    day date NOT NULL,
    note text,
    CONSTRAINT sla_holidays_pkey PRIMARY KEY (calendar, day),
    CONSTRAINT sla_holidays_calendar_exists FOREIGN KEY (calendar) REFERENCES tickets.sla_calendars (calendar)
);
COMMENT ON TABLE tickets.sla_holidays IS 'Days (EAT) on which a calendar does not work';

CREATE TABLE tickets.sla_policies (
    name text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    position integer NOT NULL,
    dataset text,
    cluster text,
    region text,
    status text,
    target_min integer NOT NULL,
    at_risk_min integer NOT NULL,
    calendar text,
    pause_statuses text[],
    effective_from timestamptz NOT NULL DEFAULT '-infinity',
    is_withdrawn boolean NOT NULL DEFAULT false,
    CONSTRAINT sla_policies_pkey PRIMARY KEY (name, version),
    CONSTRAINT sla_policies_calendar_exists FOREIGN KEY (calendar) REFERENCES tickets.sla_calendars (calendar),
    CONSTRAINT sla_policies_dataset_is_known CHECK (dataset IN ('inc', 'crq')),
    CONSTRAINT sla_policies_at_risk_before_target CHECK (at_risk_min >= 0 AND at_risk_min <= target_min),
    CONSTRAINT sla_policies_pauses_are_not_empty CHECK (cardinality(pause_statuses) > 0)
);
COMMENT ON TABLE tickets.sla_policies IS
    'The first match by position counts; null matches all. A change is a new version with its effective_from, never an edit';
COMMENT ON COLUMN tickets.sla_policies.pause_statuses IS 'raw_status values while which the clock stands still';
COMMENT ON COLUMN tickets.sla_policies.is_withdrawn IS 'From effective_from on this policy matches nothing';

INSERT INTO tickets.sla_policies (name, position, dataset, target_min, at_risk_min)
VALUES ('default', 1000, 'inc', 2880, 2160);

CREATE TABLE tickets.thresholds (
    name text NOT NULL,
    dataset text,
    value numeric NOT NULL,
    effective_from timestamptz NOT NULL DEFAULT '-infinity',
    note text,
    CONSTRAINT thresholds_are_set_once UNIQUE NULLS NOT DISTINCT (name, dataset, effective_from)
);
COMMENT ON TABLE tickets.thresholds IS
    'Limits of freshness and quality and other choices; the newest that is effective holds, one of its dataset before null';

INSERT INTO tickets.thresholds (name, value, note)
VALUES
    ('active_from_h', 6, 'hour of the EAT day at which the feed begins to be expected'),
    ('active_until_h', 20, 'hour of the EAT day at which it ends'),
    ('feed_warn_h', 3, 'active hours since the newest file'),
    ('feed_error_h', 6, 'active hours since the newest file'),
    ('feed_stopped_h', 14, 'active hours since the newest file'),
    ('run_warn_min', 60, 'active minutes since the last successful run'),
    ('run_error_min', 120, 'active minutes since the last successful run'),
    ('content_warn_h', 60, 'hours from the newest instant in the data to the newest file'),
    ('content_error_h', 72, 'hours from the newest instant in the data to the newest file'),
    ('recent_files', 14, 'how many of the newest files an alarm about files looks at'),
    ('rejected_warn_share', 0.01, 'share of rejected rows among the rows of the recent files'),
    ('rows_learned_files', 50, 'files needed before the usual number of rows a file is known'),
    ('week_start', 1, 'first day of the week, 1 Monday to 7 Sunday'),
    ('repeat_days', 30, 'a fault this many days after a closure at the same place is a repeat'),
    ('small_n', 20, 'figures over fewer are marked small'),
    ('survival_min_n', 200, 'closures a cluster needs for a survival curve of its own'),
    ('survival_days', 180, 'days of tickets the survival curves are made of'),
    ('outage_p', 0.001, 'corrected p-value below which an accumulation is called an outage'),
    ('outage_history_days', 28, 'days of a place''s own history an accumulation is judged by');

-- The alarms that stand: one row a cause and dataset from its raising to its recovery.
CREATE TABLE tickets.alarms (
    alarm_id bigint GENERATED ALWAYS AS IDENTITY,
    dataset text NOT NULL,
    cause text NOT NULL,
    severity text NOT NULL,
    detail text NOT NULL,
    raised_at timestamptz NOT NULL,
    cleared_at timestamptz,
    CONSTRAINT alarms_pkey PRIMARY KEY (alarm_id),
    CONSTRAINT alarms_severity_is_known CHECK (severity IN ('warn', 'error', 'stopped', 'unknown'))
);
CREATE UNIQUE INDEX alarms_stand_once_idx ON tickets.alarms (dataset, cause) WHERE cleared_at IS NULL;
COMMENT ON TABLE tickets.alarms IS 'Freshness and quality alarms: raised once, until they change or clear';

-- Survival of tickets by age in whole hours: cluster '' is the curve of all.
CREATE TABLE tickets.survival (
    dataset text NOT NULL,
    cluster text NOT NULL,
    age_h integer NOT NULL,
    survival double precision NOT NULL,
    CONSTRAINT survival_pkey PRIMARY KEY (dataset, cluster, age_h),
    CONSTRAINT survival_is_a_probability CHECK (survival BETWEEN 0 AND 1)
);
COMMENT ON TABLE tickets.survival IS 'Kaplan-Meier: share of tickets still open at an age; refreshed after ingest';

CREATE TABLE tickets.breach_forecasts (
    dataset text NOT NULL,
    ticket_id text NOT NULL,
    day date NOT NULL,
    predicted_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    p_breach double precision NOT NULL,
    breached boolean,
    scored_at timestamptz,
    CONSTRAINT breach_forecasts_pkey PRIMARY KEY (dataset, ticket_id, day),
    CONSTRAINT breach_forecasts_is_a_probability CHECK (p_breach BETWEEN 0 AND 1),
    CONSTRAINT breach_forecasts_scored_with_its_outcome CHECK ((breached IS NULL) = (scored_at IS NULL))
);
CREATE INDEX breach_forecasts_unscored_idx ON tickets.breach_forecasts (dataset, ticket_id) WHERE breached IS NULL;
COMMENT ON TABLE tickets.breach_forecasts IS 'Each day''s forecast of an open ticket, and what became of it';

-- Neither open nor closed with a date: few, counted on every dashboard.
CREATE INDEX inc_undated_idx ON tickets.inc (ticket_id) WHERE is_actionable IS NOT TRUE AND closed_at IS NULL;
CREATE INDEX crq_undated_idx ON tickets.crq (ticket_id) WHERE is_actionable IS NOT TRUE AND closed_at IS NULL;

-- Their signatures change: one rule in one place now.
DROP FUNCTION IF EXISTS reporting.open_sla(text, timestamptz, timestamptz, timestamptz);
DROP FUNCTION IF EXISTS reporting.fn_tickets_for_map(text, text, text, boolean, double precision[], timestamptz);
DROP FUNCTION IF EXISTS reporting.fn_tickets_for_map(text, text, text, boolean, double precision[], timestamptz, text[]);
DROP FUNCTION IF EXISTS reporting.fn_freshness(text);
DROP FUNCTION IF EXISTS tickets.active_time(timestamptz, timestamptz);
