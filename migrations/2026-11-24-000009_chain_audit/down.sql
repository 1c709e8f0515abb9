DROP TABLE audit_names;
DROP INDEX audit_events_kind_idx, audit_events_actor_idx, audit_events_subject_name_idx, audit_events_subject_idx, audit_events_at_idx;
CREATE INDEX audit_events_subject_idx ON audit_events (subject_id, id DESC);
DROP TRIGGER audit_events_no_truncate ON audit_events;
DROP TRIGGER audit_events_queue ON audit_events;
DROP FUNCTION queue_audit_event;
DROP TABLE audit_queue, audit_chain, audit_links;
DROP FUNCTION refuse_shorter_chain;
CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_events is append-only';
END $$;
