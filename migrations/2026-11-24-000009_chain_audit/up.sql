-- The audit log can be proved: every line gets a number and a hash over itself and the line before. The links stand beside the
-- lines, so that a line is never touched again once it is written.
CREATE TABLE audit_links (
    seq           bigint   CONSTRAINT audit_links_pkey PRIMARY KEY, -- from 1, without a gap
    event_id      uuid     NOT NULL CONSTRAINT audit_links_event_key UNIQUE,
    format        smallint NOT NULL, -- which encoding was hashed
    previous_hash bytea    NOT NULL, -- of the link before; 32 zero bytes for the first
    hash          bytea    NOT NULL  -- SHA-256
);

-- The end of the chain. Whoever appends a link holds this row.
CREATE TABLE audit_chain (
    one  boolean CONSTRAINT audit_chain_pkey PRIMARY KEY DEFAULT true CONSTRAINT audit_chain_one_check CHECK (one),
    seq  bigint  NOT NULL,
    hash bytea   NOT NULL
);
INSERT INTO audit_chain (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- Lines that are committed and not linked yet: for a second at most while the program runs.
CREATE TABLE audit_queue (
    event_id uuid CONSTRAINT audit_queue_pkey PRIMARY KEY
);
INSERT INTO audit_queue (event_id) SELECT id FROM audit_events;

CREATE FUNCTION queue_audit_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_queue (event_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER audit_events_queue AFTER INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION queue_audit_event();

CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_links_append_only BEFORE UPDATE OR DELETE ON audit_links FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_links_no_truncate BEFORE TRUNCATE ON audit_links FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

CREATE FUNCTION refuse_shorter_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.seq > OLD.seq THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the audit chain only grows';
END $$;
CREATE TRIGGER audit_chain_grows BEFORE UPDATE OR DELETE ON audit_chain FOR EACH ROW EXECUTE FUNCTION refuse_shorter_chain();
CREATE TRIGGER audit_chain_no_truncate BEFORE TRUNCATE ON audit_chain FOR EACH STATEMENT EXECUTE FUNCTION refuse_shorter_chain();

-- Reading: the newest first, whatever narrows it.
DROP INDEX audit_events_subject_idx;
CREATE INDEX audit_events_at_idx ON audit_events (at DESC, id DESC);
CREATE INDEX audit_events_subject_idx ON audit_events (subject_id, at DESC, id DESC);
CREATE INDEX audit_events_subject_name_idx ON audit_events (subject_name, at DESC, id DESC);
CREATE INDEX audit_events_actor_idx ON audit_events (actor_name, at DESC, id DESC);
CREATE INDEX audit_events_kind_idx ON audit_events (kind, at DESC, id DESC);

-- The names that lines hold, each once, so that a part of a name finds the lines without reading them. Filled with the links.
CREATE TABLE audit_names (
    role        text NOT NULL CONSTRAINT audit_names_role_check CHECK (role IN ('actor', 'subject')),
    name        text NOT NULL,
    search_text text NOT NULL COLLATE "C", -- folded words
    CONSTRAINT audit_names_pkey PRIMARY KEY (role, name)
);
CREATE INDEX audit_names_search_idx ON audit_names USING gin (search_text gin_trgm_ops);
