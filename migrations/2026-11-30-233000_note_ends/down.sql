ALTER TABLE authorizations DROP COLUMN secrets_end_on, DROP COLUMN client_certificate_ends_at;
