-- What holds for every request of a connector, to its API and to token servers alike.
ALTER TABLE authorizations
    ADD COLUMN proxy_url        text    NOT NULL DEFAULT '',
    ADD COLUMN time_out         integer CONSTRAINT authorizations_time_out_check CHECK (time_out BETWEEN 1 AND 300), -- seconds; NULL: the program's own
    -- Which answers of the API say that the token has ended.
    ADD COLUMN expired_statuses text    NOT NULL DEFAULT '401',
    ADD COLUMN expired_body     text    NOT NULL DEFAULT '';

-- What a connector is as a client of an authorization server (RFC 6749), and how that server wants to be spoken to.
-- Nothing secret. A row for each connector with an OAuth method.
CREATE TABLE oauth_clients (
    connector_id         uuid    CONSTRAINT oauth_clients_pkey PRIMARY KEY CONSTRAINT oauth_clients_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    issuer               text    NOT NULL DEFAULT '',
    iss_required         boolean NOT NULL DEFAULT false, -- the server says that its answers always name the issuer (RFC 9207)
    authorize_url        text    NOT NULL DEFAULT '',
    token_url            text    NOT NULL DEFAULT '',
    refresh_url          text    NOT NULL DEFAULT '',    -- empty: token_url
    revocation_url       text    NOT NULL DEFAULT '',
    client_id            text    NOT NULL DEFAULT '',
    authentication       text    NOT NULL DEFAULT 'basic' CONSTRAINT oauth_clients_authentication_check CHECK (authentication IN ('basic', 'body', 'none')),
    user_name            text    NOT NULL DEFAULT '',
    scope                text    NOT NULL DEFAULT '',
    scope_separator      text    NOT NULL DEFAULT 'space' CONSTRAINT oauth_clients_scope_separator_check CHECK (scope_separator IN ('space', 'comma')),
    resources            text    NOT NULL DEFAULT '',    -- one a line
    audience             text    NOT NULL DEFAULT '',
    pkce                 boolean NOT NULL DEFAULT true,
    body_format          text    NOT NULL DEFAULT 'form' CONSTRAINT oauth_clients_body_format_check CHECK (body_format IN ('form', 'json')),
    authorize_parameters text    NOT NULL DEFAULT '',    -- name=value, one a line
    token_parameters     text    NOT NULL DEFAULT '',
    refresh_parameters   text    NOT NULL DEFAULT '',
    lifetime             integer CONSTRAINT oauth_clients_lifetime_check CHECK (lifetime > 0) -- seconds; for servers that do not say
);

-- Somebody's way to an authorization server and back, for the ten minutes in which the answer is taken.
CREATE TABLE authorization_attempts (
    id                    uuid        CONSTRAINT authorization_attempts_pkey PRIMARY KEY,
    connector_id          uuid        NOT NULL CONSTRAINT authorization_attempts_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    user_id               uuid        NOT NULL CONSTRAINT authorization_attempts_user_fkey REFERENCES users ON DELETE CASCADE,
    session_hash          bytea       NOT NULL, -- the session that left, which must be the one that comes back
    state_hash            bytea       NOT NULL CONSTRAINT authorization_attempts_state_key UNIQUE,
    sealed                bytea       NOT NULL, -- the PKCE verifier
    authorization_version integer     NOT NULL,
    created_at            timestamptz NOT NULL,
    spent_at              timestamptz            -- kept for a while to tell a repeated answer from a foreign one
);
CREATE INDEX authorization_attempts_created_idx ON authorization_attempts (created_at);

-- Who renews a connector's token, what came of the last tries, and when it is due. A row once there has been a token.
CREATE TABLE renewals (
    connector_id    uuid        CONSTRAINT renewals_pkey PRIMARY KEY CONSTRAINT renewals_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    token_version   bigint      NOT NULL DEFAULT 0, -- moves with every token that comes or goes
    lease_id        uuid,                           -- whoever renews now, until …
    lease_until     timestamptz,
    failures        integer     NOT NULL DEFAULT 0, -- since the last token
    failed_at       timestamptz,
    is_final        boolean     NOT NULL DEFAULT false, -- the server's no; asking again is pointless
    message         text        NOT NULL DEFAULT '',
    server_words    text        NOT NULL DEFAULT '',
    remedy          text        NOT NULL DEFAULT '',
    next_attempt_at timestamptz,
    last_used_at    timestamptz,
    due_at          timestamptz                     -- when background work looks after the token
);
CREATE INDEX renewals_due_idx ON renewals (due_at) WHERE due_at IS NOT NULL;

-- Whatever stores or forgets a token ends the lease and clears the failures, so that nobody who asked for a token before that
-- can store the answer after it.
CREATE FUNCTION token_came() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The first token counts as a use, so that its connector is not called idle at once; a renewal does not.
    INSERT INTO renewals AS r (connector_id, token_version, last_used_at) VALUES (NEW.connector_id, 1, NEW.obtained_at)
    ON CONFLICT (connector_id) DO UPDATE
    SET token_version = r.token_version + 1, lease_id = NULL, lease_until = NULL, failures = 0, failed_at = NULL, is_final = false,
        message = '', server_words = '', remedy = '', next_attempt_at = NULL, due_at = NULL,
        last_used_at = coalesce(r.last_used_at, excluded.last_used_at);
    RETURN NULL;
END $$;
CREATE TRIGGER tokens_came AFTER INSERT OR UPDATE OF access_token ON tokens FOR EACH ROW EXECUTE FUNCTION token_came();

CREATE FUNCTION token_went() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE renewals
    SET token_version = token_version + 1, lease_id = NULL, lease_until = NULL, failures = 0, failed_at = NULL, is_final = false,
        message = '', server_words = '', remedy = '', next_attempt_at = NULL, due_at = NULL
    WHERE connector_id = OLD.connector_id;
    RETURN NULL;
END $$;
CREATE TRIGGER tokens_went AFTER DELETE ON tokens FOR EACH ROW EXECUTE FUNCTION token_went();

INSERT INTO renewals (connector_id, token_version, last_used_at) SELECT connector_id, 1, obtained_at FROM tokens;
-- Tokens that are kept fresh are looked after from now on.
UPDATE renewals SET due_at = t.expires_at FROM tokens t JOIN authorizations a USING (connector_id)
WHERE renewals.connector_id = t.connector_id AND a.keep_fresh AND t.expires_at IS NOT NULL;
