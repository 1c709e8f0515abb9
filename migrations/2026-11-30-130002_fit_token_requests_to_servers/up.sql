-- What servers want of token requests that differs from OAuth 2.0. An empty text is a setting that is not made.
ALTER TABLE oauth_clients
    ADD COLUMN token_pointer      text NOT NULL DEFAULT '',
    ADD COLUMN refresh_scope      text NOT NULL DEFAULT 'if_wanted',
    ADD COLUMN client_id_name     text NOT NULL DEFAULT '',
    ADD COLUMN client_secret_name text NOT NULL DEFAULT '',
    ADD COLUMN authorize_fragment text NOT NULL DEFAULT '',
    ADD CONSTRAINT oauth_clients_refresh_scope_check CHECK (refresh_scope IN ('if_wanted', 'never', 'granted', 'asked')),
    DROP CONSTRAINT oauth_clients_authentication_check,
    ADD CONSTRAINT oauth_clients_authentication_check CHECK (authentication IN ('basic', 'basic_as_typed', 'body', 'none')),
    DROP CONSTRAINT oauth_clients_body_format_check,
    ADD CONSTRAINT oauth_clients_body_format_check CHECK (body_format IN ('form', 'json', 'query'));

-- Names of user and password in the body of Request token.
ALTER TABLE authorizations
    ADD COLUMN token_user_field     text NOT NULL DEFAULT '',
    ADD COLUMN token_password_field text NOT NULL DEFAULT '';
