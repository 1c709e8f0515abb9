-- Whoever changes an API key, or where it leads, sees what others have changed meanwhile. Defaults for instances of the version before,
-- which may still make keys while this one starts.
ALTER TABLE api_keys
    ADD COLUMN version    integer NOT NULL DEFAULT 1, -- moves with every change of the key and of where it leads
    ADD COLUMN updated_at timestamptz,                -- NULL: not changed since it was made
    ADD COLUMN updated_by text    NOT NULL DEFAULT '';
ALTER TABLE api_key_scopes
    ADD COLUMN version    integer NOT NULL DEFAULT 1, -- that of the key when this was saved, so that no number comes back
    ADD COLUMN updated_at timestamptz,                -- NULL: not changed since the key was made
    ADD COLUMN updated_by text    NOT NULL DEFAULT '';
