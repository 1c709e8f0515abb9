-- Checks that a person has started together: of one data connector, of several, or of all.
CREATE TABLE check_runs (
    id           uuid        CONSTRAINT check_runs_pkey PRIMARY KEY,
    started_at   timestamptz NOT NULL,
    started_by   text        NOT NULL,
    connectors   integer     NOT NULL, -- how many were to be checked
    cancelled_at timestamptz,
    cancelled_by text        NOT NULL DEFAULT ''
);
CREATE INDEX check_runs_started_idx ON check_runs (started_at, id);

-- Each check, waiting or done: the queue and the history.
CREATE TABLE checks (
    id           uuid        CONSTRAINT checks_pkey PRIMARY KEY,
    connector_id uuid        NOT NULL CONSTRAINT checks_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    run_id       uuid        CONSTRAINT checks_run_fkey REFERENCES check_runs ON DELETE CASCADE, -- NULL: by the schedule
    requested_at timestamptz NOT NULL,
    leased_until timestamptz, -- an instance is at it until then
    finished_at  timestamptz,
    outcome      text        CONSTRAINT checks_outcome_check CHECK (outcome IN ('works', 'warning', 'failed', 'skipped')),
    message      text        NOT NULL DEFAULT '',
    remedy       text        NOT NULL DEFAULT '',
    duration_ms  integer,
    CONSTRAINT checks_finished_check CHECK ((finished_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX checks_waiting_idx   ON checks (requested_at, id) WHERE finished_at IS NULL;
CREATE INDEX checks_finished_idx  ON checks (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX checks_connector_idx ON checks (connector_id, requested_at, id);
CREATE INDEX checks_run_idx       ON checks (run_id) WHERE run_id IS NOT NULL;

-- Data connectors that are checked again and again; those without a row are not.
CREATE TABLE check_schedules (
    connector_id uuid        CONSTRAINT check_schedules_pkey PRIMARY KEY CONSTRAINT check_schedules_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    schedule     text        NOT NULL CONSTRAINT check_schedules_schedule_check CHECK (schedule IN ('hourly', 'daily')),
    next_at      timestamptz NOT NULL
);
CREATE INDEX check_schedules_next_idx ON check_schedules (next_at);
