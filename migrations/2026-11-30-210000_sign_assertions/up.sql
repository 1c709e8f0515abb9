-- Clients that prove themselves by signed assertions (RFC 7523 section 2.2), and how these are made.
ALTER TABLE oauth_clients
    ADD COLUMN assertion jsonb NOT NULL DEFAULT '{}',
    DROP CONSTRAINT oauth_clients_authentication_check,
    ADD CONSTRAINT oauth_clients_authentication_check
        CHECK (authentication IN ('basic', 'basic_as_typed', 'body', 'none', 'private_key_jwt', 'client_secret_jwt'));
