ALTER TABLE authorizations DROP COLUMN ca_trust;
