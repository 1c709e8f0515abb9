-- Settings that only some data connectors have, in one column: the table is wide enough.
ALTER TABLE authorizations ADD COLUMN options jsonb NOT NULL DEFAULT '{}';
