ALTER TABLE instances
    DROP COLUMN version,
    DROP COLUMN host,
    DROP COLUMN pid;
