ALTER TABLE api_key_scopes
    DROP COLUMN version,
    DROP COLUMN updated_at,
    DROP COLUMN updated_by;
ALTER TABLE api_keys
    DROP COLUMN version,
    DROP COLUMN updated_at,
    DROP COLUMN updated_by;
