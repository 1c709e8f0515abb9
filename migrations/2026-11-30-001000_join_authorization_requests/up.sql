-- One table for browsers on their way to an authorization server and back, whatever for. Requests that wait are lost:
-- what is sealed in them opens in their own table only. They live for ten minutes.
DROP TABLE authorization_attempts;
DROP TABLE sign_in_attempts;

CREATE TABLE authorization_requests (
    id                    uuid        CONSTRAINT authorization_requests_pkey PRIMARY KEY,
    connector_id          uuid        CONSTRAINT authorization_requests_connector_fkey REFERENCES connectors ON DELETE CASCADE, -- null: a sign-in
    user_id               uuid        CONSTRAINT authorization_requests_user_fkey REFERENCES users ON DELETE CASCADE, -- null: nobody has signed in yet
    session_hash          bytea       NOT NULL, -- the browser session that left, which must be the one that comes back
    state_hash            bytea       NOT NULL CONSTRAINT authorization_requests_state_key UNIQUE,
    sealed                bytea       NOT NULL, -- the PKCE verifier and the nonce
    authorization_version integer, -- of the connector's settings
    next                  text, -- the page to go to after a sign-in
    created_at            timestamptz NOT NULL,
    spent_at              timestamptz, -- kept for a while to tell a response that comes again from an unknown one
    CONSTRAINT authorization_requests_purpose_check CHECK (
        CASE WHEN connector_id IS NULL
             THEN next IS NOT NULL AND authorization_version IS NULL
             ELSE next IS NULL AND authorization_version IS NOT NULL AND user_id IS NOT NULL
        END
    )
);
CREATE INDEX authorization_requests_created_idx ON authorization_requests (created_at);
