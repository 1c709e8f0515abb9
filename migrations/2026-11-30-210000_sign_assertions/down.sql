-- The version before would send the client secret of these connectors, or nothing that proves the client: they are not to
-- be called.
UPDATE connectors SET enabled = false
    FROM oauth_clients o
    WHERE o.connector_id = connectors.id AND o.authentication IN ('private_key_jwt', 'client_secret_jwt');
UPDATE oauth_clients SET authentication = 'none' WHERE authentication IN ('private_key_jwt', 'client_secret_jwt');
DELETE FROM secrets WHERE field = 'signing_key';
ALTER TABLE oauth_clients
    DROP COLUMN assertion,
    DROP CONSTRAINT oauth_clients_authentication_check,
    ADD CONSTRAINT oauth_clients_authentication_check CHECK (authentication IN ('basic', 'basic_as_typed', 'body', 'none'));
