-- Data keys, wrapped under the master key that never enters the database.
CREATE TABLE data_keys (
    id            integer     CONSTRAINT data_keys_pkey PRIMARY KEY,
    master_key_id text        NOT NULL,
    wrapped       bytea       NOT NULL,
    created_at    timestamptz NOT NULL
);

CREATE TABLE audit_events (
    id           uuid        CONSTRAINT audit_events_pkey PRIMARY KEY, -- version 7: ordered by time
    at           timestamptz NOT NULL,
    actor_id     uuid,                    -- no foreign key: the record outlives the person
    actor_name   text        NOT NULL,
    address      text        NOT NULL,    -- where the request came from; empty for the command line
    request_id   text        NOT NULL,
    kind         text        NOT NULL,    -- thing.happening, such as connector.saved
    subject_id   uuid,
    subject_name text        NOT NULL,
    changes      jsonb       NOT NULL     -- [{"field", "from", "to"}]; secrets only as "changed"
);
CREATE INDEX audit_events_subject_idx ON audit_events (subject_id, id DESC);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_events is append-only';
END $$;
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
