-- Templates that people make of their connectors. No secret is in them.
CREATE TABLE connector_templates (
    id         uuid        CONSTRAINT connector_templates_pkey PRIMARY KEY,
    name       text        NOT NULL,
    name_key   text        NOT NULL CONSTRAINT connector_templates_name_key UNIQUE,
    method     text        NOT NULL,
    base_url   text        NOT NULL,
    variables  jsonb       NOT NULL,
    settings   jsonb       NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text        NOT NULL
);
