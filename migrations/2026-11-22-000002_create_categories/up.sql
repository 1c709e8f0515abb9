CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE categories (
    id          uuid        CONSTRAINT categories_pkey PRIMARY KEY,
    name        text        NOT NULL COLLATE "und-x-icu",
    name_key    text        NOT NULL COLLATE "C" CONSTRAINT categories_name_key UNIQUE,
    name_folded text        NOT NULL COLLATE "C",
    status      text        NOT NULL COLLATE "C" CONSTRAINT categories_status_check CHECK (status IN ('active', 'inactive')),
    built_in    text        CONSTRAINT categories_built_in_key UNIQUE
                            CONSTRAINT categories_built_in_check CHECK (built_in IN ('uncategorized', 'generated')),
    connectors  bigint      NOT NULL DEFAULT 0, -- live connectors in it, kept by triggers
    version     integer     NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    updated_by  text        NOT NULL
);
CREATE INDEX categories_name_idx ON categories (name, id);
CREATE INDEX categories_status_idx ON categories (status, id);
CREATE INDEX categories_connectors_idx ON categories (connectors, id);
CREATE INDEX categories_created_idx ON categories (created_at, id);
CREATE INDEX categories_updated_idx ON categories (updated_at, id);
CREATE INDEX categories_search_idx ON categories USING gin (name_folded gin_trgm_ops);

INSERT INTO categories (id, name, name_key, name_folded, status, built_in, created_at, updated_at, updated_by) VALUES
    ('00000000-0000-7000-8000-000000000001', 'Uncategorized', 'uncategorized', 'uncategorized', 'active', 'uncategorized', now(), now(), 'Connectory'),
    ('00000000-0000-7000-8000-000000000002', 'Generated', 'generated', 'generated', 'active', 'generated', now(), now(), 'Connectory');
