-- A display name is chosen by its person, who can take somebody else's. The user name beside it is not.
ALTER TABLE audit_events ADD COLUMN actor_username text; -- empty: a program, or nobody who was signed in; null: not recorded at that time
CREATE INDEX audit_events_actor_id_idx ON audit_events (actor_id, at DESC, id DESC);
