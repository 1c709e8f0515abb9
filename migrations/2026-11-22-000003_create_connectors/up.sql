CREATE TABLE connectors (
    id                    uuid        CONSTRAINT connectors_pkey PRIMARY KEY,
    key                   text        NOT NULL COLLATE "C" CONSTRAINT connectors_key_key UNIQUE,
    name                  text        NOT NULL,
    name_key              text        NOT NULL COLLATE "C",
    display_name          text        NOT NULL DEFAULT '',
    description           text        NOT NULL,
    base_url              text,
    method                text        NOT NULL COLLATE "C",
    verify_certificates   boolean     NOT NULL DEFAULT true,
    enabled               boolean     NOT NULL DEFAULT true,
    -- What the list shows, sorts and filters by; product words, see connectors::Health.
    status                text        NOT NULL COLLATE "C",
    status_since          timestamptz NOT NULL,
    -- Names of the categories, joined: kept here so that sorting and searching need no join.
    category_names        text        NOT NULL COLLATE "und-x-icu",
    category_names_folded text        NOT NULL COLLATE "C",
    -- Name, display name and description without case and accents, a space before each word, for the search.
    own_folded            text        NOT NULL COLLATE "C",
    version               integer     NOT NULL DEFAULT 1,
    created_at            timestamptz NOT NULL,
    created_by            text        NOT NULL,
    updated_at            timestamptz NOT NULL,
    updated_by            text        NOT NULL,
    deleted_at            timestamptz,
    deleted_by            text,
    label                 text        COLLATE "und-x-icu" NOT NULL GENERATED ALWAYS AS (coalesce(nullif(display_name, ''), name)) STORED,
    -- A B-tree entry must fit a page, so long texts are ordered by their beginning.
    description_start     text        COLLATE "und-x-icu" NOT NULL GENERATED ALWAYS AS (left(description, 100)) STORED,
    categories_start      text        COLLATE "und-x-icu" NOT NULL GENERATED ALWAYS AS (left(category_names, 200)) STORED,
    search_text           text        COLLATE "C" NOT NULL GENERATED ALWAYS AS (own_folded || ' ' || category_names_folded) STORED
);

-- A name is free again once its connector is in the trash; restoring asks for another if it was taken.
CREATE UNIQUE INDEX connectors_name_key ON connectors (name_key) WHERE deleted_at IS NULL;

-- One index for each order of the list, each ending in the id that makes the order total.
CREATE INDEX connectors_label_idx       ON connectors (label, id)             WHERE deleted_at IS NULL;
CREATE INDEX connectors_description_idx ON connectors (description_start, id) WHERE deleted_at IS NULL;
CREATE INDEX connectors_categories_idx  ON connectors (categories_start, id)  WHERE deleted_at IS NULL;
CREATE INDEX connectors_method_idx      ON connectors (method, id)            WHERE deleted_at IS NULL;
CREATE INDEX connectors_status_idx      ON connectors (status, id)            WHERE deleted_at IS NULL;
CREATE INDEX connectors_updated_idx     ON connectors (updated_at, id)        WHERE deleted_at IS NULL;
CREATE INDEX connectors_created_idx     ON connectors (created_at, id)        WHERE deleted_at IS NULL;
CREATE INDEX connectors_search_idx      ON connectors USING gin (search_text gin_trgm_ops) WHERE deleted_at IS NULL;
CREATE INDEX connectors_trash_idx       ON connectors (deleted_at, id)        WHERE deleted_at IS NOT NULL;

CREATE TABLE connector_categories (
    connector_id uuid NOT NULL CONSTRAINT connector_categories_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    category_id  uuid NOT NULL CONSTRAINT connector_categories_category_fkey REFERENCES categories,
    CONSTRAINT connector_categories_pkey PRIMARY KEY (connector_id, category_id)
);
CREATE INDEX connector_categories_category_idx ON connector_categories (category_id, connector_id);

-- The number of live connectors, one row: counting 100,000 rows takes 28 ms, reading this one none.
CREATE TABLE connector_total (
    one   boolean CONSTRAINT connector_total_pkey PRIMARY KEY DEFAULT true CONSTRAINT connector_total_one_check CHECK (one),
    total bigint  NOT NULL
);
INSERT INTO connector_total (total) VALUES (0);

-- The counts follow the rows by triggers, so that whatever changes the tables keeps them true.
CREATE FUNCTION count_new_connectors() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE connector_total SET total = total + (SELECT count(*) FROM new_rows WHERE deleted_at IS NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER connectors_count_new AFTER INSERT ON connectors
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_new_connectors();

CREATE FUNCTION count_trashed_connector() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    step integer := CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END;
BEGIN
    UPDATE connector_total SET total = total + step;
    UPDATE categories SET connectors = connectors + step
        WHERE id IN (SELECT category_id FROM connector_categories WHERE connector_id = NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER connectors_count_trashed AFTER UPDATE OF deleted_at ON connectors
    FOR EACH ROW WHEN ((OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)) EXECUTE FUNCTION count_trashed_connector();

-- Rows leave by way of the trash only, where they no longer count.
CREATE FUNCTION refuse_live_connector_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'connector % is not in the trash', OLD.id;
END $$;
CREATE TRIGGER connectors_delete_from_trash BEFORE DELETE ON connectors
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL) EXECUTE FUNCTION refuse_live_connector_delete();

CREATE FUNCTION count_new_links() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE categories SET connectors = connectors + links.n
    FROM (SELECT r.category_id, count(*) AS n FROM new_rows r JOIN connectors c ON c.id = r.connector_id
          WHERE c.deleted_at IS NULL GROUP BY r.category_id) AS links
    WHERE categories.id = links.category_id;
    RETURN NULL;
END $$;
CREATE TRIGGER connector_categories_count_new AFTER INSERT ON connector_categories
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_new_links();

-- Links of a connector that is gone or in the trash do not count any more.
CREATE FUNCTION count_old_links() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE categories SET connectors = connectors - links.n
    FROM (SELECT r.category_id, count(*) AS n FROM old_rows r JOIN connectors c ON c.id = r.connector_id
          WHERE c.deleted_at IS NULL GROUP BY r.category_id) AS links
    WHERE categories.id = links.category_id;
    RETURN NULL;
END $$;
CREATE TRIGGER connector_categories_count_old AFTER DELETE ON connector_categories
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION count_old_links();

CREATE TABLE authorizations (
    connector_id        uuid    CONSTRAINT authorizations_pkey PRIMARY KEY CONSTRAINT authorizations_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    user_name           text    NOT NULL DEFAULT '',
    api_key_place       text    NOT NULL DEFAULT 'header' CONSTRAINT authorizations_api_key_place_check CHECK (api_key_place IN ('header', 'query')),
    api_key_name        text    NOT NULL DEFAULT '',
    api_key_prefix      text    NOT NULL DEFAULT '',
    ca_certificate      text    NOT NULL DEFAULT '',
    client_certificate  text    NOT NULL DEFAULT '',
    -- How the bearer token was requested, kept so that it can be renewed.
    keep_fresh          boolean NOT NULL DEFAULT false,
    token_url           text    NOT NULL DEFAULT '',
    token_user          text    NOT NULL DEFAULT '',
    token_client_id     text    NOT NULL DEFAULT '',
    token_scope         text    NOT NULL DEFAULT '',
    token_request_style text    NOT NULL DEFAULT 'form',
    token_pointer       text    NOT NULL DEFAULT '',
    version             integer NOT NULL DEFAULT 1,
    updated_at          timestamptz NOT NULL,
    updated_by          text    NOT NULL
);

-- What a person typed and nobody may read again; sealed with row and field as associated data.
CREATE TABLE secrets (
    connector_id uuid        NOT NULL CONSTRAINT secrets_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    field        text        NOT NULL,
    sealed       bytea       NOT NULL,
    set_at       timestamptz NOT NULL,
    set_by       text        NOT NULL,
    CONSTRAINT secrets_pkey PRIMARY KEY (connector_id, field)
);

-- The access token in use: pasted by a person or issued by a token server.
CREATE TABLE tokens (
    connector_id  uuid        CONSTRAINT tokens_pkey PRIMARY KEY CONSTRAINT tokens_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    access_token  bytea       NOT NULL, -- sealed
    refresh_token bytea,                -- sealed
    token_type    text        NOT NULL,
    scope         text        NOT NULL DEFAULT '',
    obtained_at   timestamptz NOT NULL,
    expires_at    timestamptz,
    set_by        text        NOT NULL,
    -- When the connector's status next changes by the passing of time alone.
    status_due_at timestamptz
);
CREATE INDEX tokens_status_due_idx ON tokens (status_due_at) WHERE status_due_at IS NOT NULL;

-- The answer to one press of Get Access Token, for the ten minutes in which it can be taken over.
CREATE TABLE token_requests (
    id           uuid        CONSTRAINT token_requests_pkey PRIMARY KEY,
    connector_id uuid        NOT NULL CONSTRAINT token_requests_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    user_id      uuid        NOT NULL CONSTRAINT token_requests_user_fkey REFERENCES users ON DELETE CASCADE,
    sealed       bytea       NOT NULL,
    created_at   timestamptz NOT NULL
);
CREATE INDEX token_requests_created_idx ON token_requests (created_at);
