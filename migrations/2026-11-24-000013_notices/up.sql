-- What people are told of: a row for each time that a connector began to expire, to fail or to need a person.
CREATE TABLE notice_events (
    id           uuid        CONSTRAINT notice_events_pkey PRIMARY KEY,
    connector_id uuid        NOT NULL CONSTRAINT notice_events_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    health       text        NOT NULL COLLATE "C" CONSTRAINT notice_events_health_check CHECK (health IN ('expiring', 'failing', 'needs_reauthorization')),
    began_at     timestamptz NOT NULL,            -- connectors.status_since, which makes it one event however often it is looked at
    expires_at   timestamptz,                     -- of the token
    message      text        NOT NULL DEFAULT '', -- what went wrong, in Connectory's own words
    remedy       text        NOT NULL DEFAULT '',
    ended_at     timestamptz,
    CONSTRAINT notice_events_key UNIQUE (connector_id, health, began_at)
);
-- A connector has one health at a time.
CREATE UNIQUE INDEX notice_events_open_key ON notice_events (connector_id) WHERE ended_at IS NULL;
CREATE INDEX notice_events_began_idx ON notice_events (began_at DESC, id DESC);
CREATE INDEX notice_events_ended_idx ON notice_events (ended_at) WHERE ended_at IS NOT NULL;

-- A message about an event to one recipient: that it began, or that it is over.
CREATE TABLE notice_deliveries (
    id          uuid        CONSTRAINT notice_deliveries_pkey PRIMARY KEY, -- the message's id, the same at each attempt
    event_id    uuid        NOT NULL CONSTRAINT notice_deliveries_event_fkey REFERENCES notice_events ON DELETE CASCADE,
    occasion    text        NOT NULL COLLATE "C" CONSTRAINT notice_deliveries_occasion_check CHECK (occasion IN ('began', 'ended')),
    channel     text        NOT NULL COLLATE "C" CONSTRAINT notice_deliveries_channel_check CHECK (channel IN ('email', 'webhook')),
    recipient   text        NOT NULL COLLATE "C", -- an e-mail address; empty for the webhook
    since       timestamptz NOT NULL,             -- when that began which it tells of
    state       text        NOT NULL DEFAULT 'waiting' COLLATE "C"
        CONSTRAINT notice_deliveries_state_check CHECK (state IN ('waiting', 'sent', 'over', 'given_up')), -- over: before anybody was told
    due_at      timestamptz NOT NULL,             -- the next attempt
    attempts    integer     NOT NULL DEFAULT 0,
    problem     text        NOT NULL DEFAULT '',  -- of the last attempt
    sent_at     timestamptz,
    lease_id    uuid,                             -- whoever sends it now, until …
    lease_until timestamptz,
    CONSTRAINT notice_deliveries_key UNIQUE (event_id, occasion, channel, recipient)
);
CREATE INDEX notice_deliveries_due_idx ON notice_deliveries (channel, due_at) WHERE state = 'waiting';

-- Receivers that have said that they want no more (410 Gone), until another one is set.
CREATE TABLE notice_stops (
    channel    text        CONSTRAINT notice_stops_pkey PRIMARY KEY,
    receiver   bytea       NOT NULL, -- SHA-256 of the address, which may hold a secret
    stopped_at timestamptz NOT NULL
);

-- Background work asks every few seconds which connectors are in trouble.
CREATE INDEX connectors_trouble_idx ON connectors (id) WHERE status IN ('expiring', 'failing', 'needs_reauthorization') AND deleted_at IS NULL;
