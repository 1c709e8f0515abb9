-- The fields of a record's form are in the order of the schema's text.
ALTER TABLE collections ALTER COLUMN schema TYPE json;

-- Files of records that were imported, or not. The records and the state `done` are one transaction.
CREATE TABLE imports (
    id            uuid        CONSTRAINT imports_pkey PRIMARY KEY,
    collection_id uuid        NOT NULL CONSTRAINT imports_collection_fkey REFERENCES collections ON DELETE CASCADE,
    file_name     text        NOT NULL,
    size          bigint      NOT NULL, -- in bytes
    state         text        NOT NULL CONSTRAINT imports_state_check CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
    is_cancelled  boolean     NOT NULL DEFAULT false, -- a person has asked for it
    bytes_read    bigint      NOT NULL DEFAULT 0,
    records_read  bigint      NOT NULL DEFAULT 0,
    problems      text[]      NOT NULL DEFAULT '{}', -- why it failed
    created_at    timestamptz NOT NULL,
    created_by    text        NOT NULL,
    updated_at    timestamptz NOT NULL -- of the last progress
);
CREATE INDEX imports_collection_idx ON imports (collection_id, created_at);
