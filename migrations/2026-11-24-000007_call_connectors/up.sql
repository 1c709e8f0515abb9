-- What a connector is for: its endpoints, the programs that call them, and what became of each call.

-- One action of a connector. Rows of names and values are JSON: [{"name", "value", "required"}], values are templates.
CREATE TABLE endpoints (
    id           uuid        CONSTRAINT endpoints_pkey PRIMARY KEY,
    connector_id uuid        NOT NULL CONSTRAINT endpoints_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    name         text        NOT NULL,
    name_key     text        NOT NULL,
    description  text        NOT NULL DEFAULT '',
    method       text        NOT NULL CONSTRAINT endpoints_method_check CHECK (method IN ('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS')),
    url          text        NOT NULL, -- a template; relative to the connector's base URL, or whole
    parameters   jsonb       NOT NULL DEFAULT '[]', -- of the query
    headers      jsonb       NOT NULL DEFAULT '[]',
    body_kind    text        NOT NULL DEFAULT 'none' CONSTRAINT endpoints_body_kind_check CHECK (body_kind IN ('none', 'json', 'form', 'text', 'xml')),
    body         text        NOT NULL DEFAULT '',   -- a template, for json, text and xml
    form         jsonb       NOT NULL DEFAULT '[]', -- fields, for form
    sample       text        NOT NULL DEFAULT '',   -- sample data, JSON as it was typed
    time_out     integer     CONSTRAINT endpoints_time_out_check CHECK (time_out BETWEEN 1 AND 300), -- seconds; NULL: the connector's
    retries      integer     NOT NULL DEFAULT 0 CONSTRAINT endpoints_retries_check CHECK (retries BETWEEN 0 AND 5),
    version      integer     NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL,
    created_by   text        NOT NULL,
    updated_at   timestamptz NOT NULL,
    updated_by   text        NOT NULL,
    CONSTRAINT endpoints_name_key UNIQUE (connector_id, name_key)
);

-- Another program of the network, which calls APIs with keys of its own.
CREATE TABLE programs (
    id          uuid        CONSTRAINT programs_pkey PRIMARY KEY,
    name        text        NOT NULL,
    name_key    text        NOT NULL CONSTRAINT programs_name_key UNIQUE,
    description text        NOT NULL DEFAULT '',
    searched    text        NOT NULL, -- name and description without case and accents
    active      boolean     NOT NULL DEFAULT true,
    version     integer     NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL,
    created_by  text        NOT NULL,
    updated_at  timestamptz NOT NULL,
    updated_by  text        NOT NULL
);

-- What a caller presents. The key itself is nowhere: SHA-256 of it, and its beginning to tell it by.
CREATE TABLE api_keys (
    id                uuid        CONSTRAINT api_keys_pkey PRIMARY KEY,
    hash              bytea       NOT NULL CONSTRAINT api_keys_hash_key UNIQUE,
    prefix            text        NOT NULL,
    name              text        NOT NULL,
    program_id        uuid        CONSTRAINT api_keys_program_fkey REFERENCES programs ON DELETE CASCADE,
    user_id           uuid        CONSTRAINT api_keys_user_fkey REFERENCES users ON DELETE CASCADE,
    methods           text[],                 -- HTTP methods that it may use; NULL: all
    expires_at        timestamptz,
    created_at        timestamptz NOT NULL,
    created_by        text        NOT NULL,
    last_used_at      timestamptz,
    last_used_address text        NOT NULL DEFAULT '',
    revoked_at        timestamptz,
    revoked_by        text,
    CONSTRAINT api_keys_holder_check CHECK (num_nonnulls(program_id, user_id) = 1)
);
CREATE INDEX api_keys_program_idx ON api_keys (program_id);
CREATE INDEX api_keys_user_idx ON api_keys (user_id);

-- Where a key leads: to one connector, or to all there are and will be (connector_id NULL).
CREATE TABLE api_key_scopes (
    id            uuid    CONSTRAINT api_key_scopes_pkey PRIMARY KEY,
    api_key_id    uuid    NOT NULL CONSTRAINT api_key_scopes_key_fkey REFERENCES api_keys ON DELETE CASCADE,
    connector_id  uuid    CONSTRAINT api_key_scopes_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    all_endpoints boolean NOT NULL DEFAULT true,  -- else those of api_key_endpoints
    proxy         boolean NOT NULL DEFAULT false, -- may use the proxy
    token         boolean NOT NULL DEFAULT false, -- may read the access token itself
    CONSTRAINT api_key_scopes_connector_key UNIQUE NULLS NOT DISTINCT (api_key_id, connector_id)
);
CREATE INDEX api_key_scopes_connector_idx ON api_key_scopes (connector_id);

CREATE TABLE api_key_endpoints (
    scope_id    uuid CONSTRAINT api_key_endpoints_scope_fkey REFERENCES api_key_scopes ON DELETE CASCADE,
    endpoint_id uuid CONSTRAINT api_key_endpoints_endpoint_fkey REFERENCES endpoints ON DELETE CASCADE,
    CONSTRAINT api_key_endpoints_pkey PRIMARY KEY (scope_id, endpoint_id)
);
CREATE INDEX api_key_endpoints_endpoint_idx ON api_key_endpoints (endpoint_id);

-- The call log: a partition for each day (UTC), made ahead by the program, and dropped whole when its time is over. Names stand as
-- they were, so that a line outlives what it tells of. No query, header or body: nothing of it can hold a secret.
CREATE TABLE calls (
    id             uuid        NOT NULL,
    at             timestamptz NOT NULL,
    kind           text        NOT NULL, -- endpoint, proxy, token, run
    connector_id   uuid        NOT NULL,
    connector_name text        NOT NULL,
    endpoint_id    uuid,
    endpoint_name  text        NOT NULL DEFAULT '',
    caller_kind    text        NOT NULL, -- program, user
    caller_id      uuid        NOT NULL,
    caller_name    text        NOT NULL,
    api_key_id     uuid,
    address        text        NOT NULL DEFAULT '',
    method         text        NOT NULL,
    target         text        NOT NULL DEFAULT '', -- an endpoint's URL before values are put in; of the proxy host and path
    outcome        text        NOT NULL, -- answered, refused, failed, cancelled
    status         smallint,             -- of the API's answer
    problem        text        NOT NULL DEFAULT '', -- the code of what went wrong here
    detail         text        NOT NULL DEFAULT '',
    attempts       smallint    NOT NULL DEFAULT 0,
    queue_us       bigint      NOT NULL DEFAULT 0,
    connect_us     bigint      NOT NULL DEFAULT 0,
    first_byte_us  bigint      NOT NULL DEFAULT 0,
    total_us       bigint      NOT NULL DEFAULT 0,
    sent_bytes     bigint      NOT NULL DEFAULT 0,
    received_bytes bigint      NOT NULL DEFAULT 0,
    request_id     text        NOT NULL DEFAULT '',
    CONSTRAINT calls_pkey PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX calls_connector_idx ON calls (connector_id, at DESC, id DESC);
CREATE INDEX calls_caller_idx ON calls (caller_id, at DESC, id DESC);
CREATE INDEX calls_endpoint_idx ON calls (endpoint_id, at DESC, id DESC);
-- Whoever looks into the log looks for what went wrong, which is rare.
CREATE INDEX calls_unusual_idx ON calls (at DESC, id DESC) INCLUDE (connector_id, caller_id, outcome, status) WHERE outcome <> 'answered' OR status NOT BETWEEN 200 AND 299;
CREATE INDEX calls_connector_unusual_idx ON calls (connector_id, at DESC, id DESC) INCLUDE (caller_id, outcome, status) WHERE outcome <> 'answered' OR status NOT BETWEEN 200 AND 299;

-- The same counted by hour, for charts and who uses a connector: reading it costs the same however many calls there were. Rows without
-- a caller or without a connector (the nil UUID) are totals: of a connector, of a caller, or of all.
CREATE TABLE call_hours (
    hour         timestamptz NOT NULL,
    connector_id uuid        NOT NULL,
    endpoint_id  uuid        NOT NULL, -- the nil UUID for calls without an endpoint
    caller_id    uuid        NOT NULL,
    caller_kind  text        NOT NULL,
    caller_name  text        NOT NULL,
    calls        bigint      NOT NULL,
    errors       bigint      NOT NULL,
    latencies    bigint[]    NOT NULL, -- calls by their total time, see the program's list of upper bounds
    last_at      timestamptz NOT NULL,
    last_status  smallint,
    last_problem text        NOT NULL DEFAULT '',
    CONSTRAINT call_hours_pkey PRIMARY KEY (connector_id, hour, endpoint_id, caller_id)
);
CREATE INDEX call_hours_hour_idx ON call_hours (hour);
CREATE INDEX call_hours_caller_idx ON call_hours (caller_id, hour);
CREATE INDEX call_hours_totals_idx ON call_hours (connector_id, hour) WHERE caller_id = '00000000-0000-0000-0000-000000000000';

-- A server that fails again and again is left alone for a while.
CREATE TABLE breakers (
    connector_id uuid        CONSTRAINT breakers_pkey PRIMARY KEY CONSTRAINT breakers_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    since        timestamptz NOT NULL,
    open_until   timestamptz NOT NULL,
    message      text        NOT NULL
);

-- When the person last entered their own password in this session, for what asks for it again.
ALTER TABLE sessions ADD COLUMN confirmed_at timestamptz;

ALTER TABLE authorizations
    ADD COLUMN concurrency integer CONSTRAINT authorizations_concurrency_check CHECK (concurrency BETWEEN 1 AND 1000); -- calls at once; NULL: the program's own

-- Every instance keeps definitions and keys in memory, and hears here when to drop them.
CREATE FUNCTION connector_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed uuid;
BEGIN
    IF TG_TABLE_NAME = 'connectors' THEN
        changed := CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END;
    ELSE
        changed := CASE TG_OP WHEN 'DELETE' THEN OLD.connector_id ELSE NEW.connector_id END;
    END IF;
    PERFORM pg_notify('connectory_changed', 'connector ' || changed);
    RETURN NULL;
END $$;
CREATE TRIGGER connectors_changed AFTER INSERT OR DELETE OR UPDATE OF key, name, display_name, base_url, method, verify_certificates, enabled, deleted_at
    ON connectors FOR EACH ROW EXECUTE FUNCTION connector_changed();
CREATE TRIGGER authorizations_changed AFTER UPDATE OR DELETE ON authorizations FOR EACH ROW EXECUTE FUNCTION connector_changed();
CREATE TRIGGER oauth_clients_changed AFTER INSERT OR UPDATE OR DELETE ON oauth_clients FOR EACH ROW EXECUTE FUNCTION connector_changed();
CREATE TRIGGER secrets_changed AFTER INSERT OR UPDATE OR DELETE ON secrets FOR EACH ROW EXECUTE FUNCTION connector_changed();
CREATE TRIGGER tokens_changed AFTER INSERT OR DELETE OR UPDATE OF access_token ON tokens FOR EACH ROW EXECUTE FUNCTION connector_changed();
CREATE TRIGGER endpoints_changed AFTER INSERT OR UPDATE OR DELETE ON endpoints FOR EACH ROW EXECUTE FUNCTION connector_changed();

-- Who may call what: rare changes of small tables, so whoever keeps keys in memory drops all of them.
CREATE FUNCTION keys_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('connectory_changed', 'keys');
    RETURN NULL;
END $$;
CREATE TRIGGER programs_changed AFTER UPDATE OR DELETE ON programs FOR EACH STATEMENT EXECUTE FUNCTION keys_changed();
CREATE TRIGGER api_keys_changed AFTER INSERT OR DELETE OR UPDATE OF hash, methods, expires_at, revoked_at ON api_keys FOR EACH STATEMENT EXECUTE FUNCTION keys_changed();
CREATE TRIGGER api_key_scopes_changed AFTER INSERT OR UPDATE OR DELETE ON api_key_scopes FOR EACH STATEMENT EXECUTE FUNCTION keys_changed();
CREATE TRIGGER api_key_endpoints_changed AFTER INSERT OR UPDATE OR DELETE ON api_key_endpoints FOR EACH STATEMENT EXECUTE FUNCTION keys_changed();
CREATE TRIGGER users_changed AFTER DELETE OR UPDATE OF name, active, super_admin ON users FOR EACH STATEMENT EXECUTE FUNCTION keys_changed();
CREATE TRIGGER user_permissions_changed AFTER INSERT OR UPDATE OR DELETE ON user_permissions FOR EACH STATEMENT EXECUTE FUNCTION keys_changed();
CREATE TRIGGER group_permissions_changed AFTER INSERT OR UPDATE OR DELETE ON group_permissions FOR EACH STATEMENT EXECUTE FUNCTION keys_changed();
CREATE TRIGGER group_users_changed AFTER INSERT OR UPDATE OR DELETE ON group_users FOR EACH STATEMENT EXECUTE FUNCTION keys_changed();
CREATE TRIGGER group_groups_changed AFTER INSERT OR UPDATE OR DELETE ON group_groups FOR EACH STATEMENT EXECUTE FUNCTION keys_changed();
