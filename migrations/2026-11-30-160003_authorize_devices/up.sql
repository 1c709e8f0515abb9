-- The device authorization grant (RFC 8628): where codes are requested, and the request that waits for a person.
ALTER TABLE oauth_clients ADD COLUMN device_url text NOT NULL DEFAULT '';

CREATE TABLE device_requests (
    connector_id          uuid        CONSTRAINT device_requests_pkey PRIMARY KEY CONSTRAINT device_requests_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    attempt               uuid        NOT NULL, -- each press of Authorize has its own
    user_id               uuid        NOT NULL CONSTRAINT device_requests_user_fkey REFERENCES users ON DELETE CASCADE,
    authorization_version integer     NOT NULL, -- of the connector's settings
    sealed                bytea       NOT NULL, -- the codes and the addresses; empty once they are of no more use
    state                 text        NOT NULL CONSTRAINT device_requests_state_check CHECK (state IN ('waiting', 'authorized', 'denied', 'expired', 'failed')),
    message               text        NOT NULL DEFAULT '', -- why the last look failed
    server_words          text        NOT NULL DEFAULT '',
    remedy                text        NOT NULL DEFAULT '',
    interval_seconds      integer     NOT NULL CONSTRAINT device_requests_interval_check CHECK (interval_seconds > 0),
    next_poll_at          timestamptz NOT NULL,
    created_at            timestamptz NOT NULL,
    expires_at            timestamptz NOT NULL
);
CREATE INDEX device_requests_due_idx ON device_requests (next_poll_at) WHERE state = 'waiting';
