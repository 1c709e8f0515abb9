-- Whether a connector's own CA certificates are trusted besides the machine's or instead of them. Those that are stored
-- were instead of them.
ALTER TABLE authorizations
    ADD COLUMN ca_trust text NOT NULL DEFAULT 'besides' CONSTRAINT authorizations_ca_trust_check CHECK (ca_trust IN ('besides', 'only'));
UPDATE authorizations SET ca_trust = 'only' WHERE ca_certificate <> '';
