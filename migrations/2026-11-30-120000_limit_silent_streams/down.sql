ALTER TABLE authorizations DROP COLUMN stream_idle;
