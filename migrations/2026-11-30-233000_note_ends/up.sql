-- When what is stored of a connector ends: the day on which its typed secrets do, as a person has entered it, and the end of its client certificate.
ALTER TABLE authorizations
    ADD COLUMN secrets_end_on             date,
    ADD COLUMN client_certificate_ends_at timestamptz; -- of rows that have a certificate already, it is read at the next start

CREATE INDEX authorizations_secrets_end_idx ON authorizations (secrets_end_on) WHERE secrets_end_on IS NOT NULL;
CREATE INDEX authorizations_certificate_end_idx ON authorizations (client_certificate_ends_at) WHERE client_certificate_ends_at IS NOT NULL;
