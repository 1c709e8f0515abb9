DROP TABLE authorization_requests;

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

CREATE TABLE sign_in_attempts (
    id           uuid        CONSTRAINT sign_in_attempts_pkey PRIMARY KEY,
    user_id      uuid        CONSTRAINT sign_in_attempts_user_fkey REFERENCES users ON DELETE CASCADE, -- whose account is to be connected
    visitor_hash bytea       NOT NULL, -- the browser that left, which must be the one that comes back
    state_hash   bytea       NOT NULL CONSTRAINT sign_in_attempts_state_key UNIQUE,
    sealed       bytea       NOT NULL, -- the PKCE verifier and the nonce
    next         text        NOT NULL, -- the page that was asked for
    created_at   timestamptz NOT NULL,
    spent_at     timestamptz           -- kept for a while to tell a repeated answer from a foreign one
);
CREATE INDEX sign_in_attempts_created_idx ON sign_in_attempts (created_at);
