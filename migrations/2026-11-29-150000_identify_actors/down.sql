DROP INDEX audit_events_actor_id_idx;
ALTER TABLE audit_events DROP COLUMN actor_username;
