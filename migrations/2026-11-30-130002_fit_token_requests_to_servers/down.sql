ALTER TABLE authorizations DROP COLUMN token_user_field, DROP COLUMN token_password_field;
UPDATE oauth_clients SET authentication = 'basic' WHERE authentication = 'basic_as_typed';
UPDATE oauth_clients SET body_format = 'form' WHERE body_format = 'query';
ALTER TABLE oauth_clients
    DROP CONSTRAINT oauth_clients_refresh_scope_check,
    DROP CONSTRAINT oauth_clients_authentication_check,
    ADD CONSTRAINT oauth_clients_authentication_check CHECK (authentication IN ('basic', 'body', 'none')),
    DROP CONSTRAINT oauth_clients_body_format_check,
    ADD CONSTRAINT oauth_clients_body_format_check CHECK (body_format IN ('form', 'json')),
    DROP COLUMN token_pointer, DROP COLUMN refresh_scope, DROP COLUMN client_id_name, DROP COLUMN client_secret_name,
    DROP COLUMN authorize_fragment;
