-- The newest activated key seals; all of them open. A retired one is kept: a value that was sealed with it may turn up in a backup.
ALTER TABLE data_keys
    ADD COLUMN activated_at timestamptz,
    ADD COLUMN retired_at   timestamptz;
UPDATE data_keys SET activated_at = created_at;

-- The programs that serve this database, and the data keys that each has: a key must not seal before all of them can open it.
CREATE TABLE instances (
    id          uuid        CONSTRAINT instances_pkey PRIMARY KEY,
    address     text        NOT NULL, -- on which it listens
    started_at  timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL,
    newest_key  integer     NOT NULL, -- it opens
    sealing_key integer     NOT NULL  -- it seals with
);

-- Sealing a stored token anew brings no token: whoever renews it meanwhile goes on, and what has failed has still failed.
DROP TRIGGER tokens_came ON tokens;
CREATE TRIGGER tokens_came AFTER INSERT OR UPDATE OF access_token ON tokens FOR EACH ROW
    WHEN (current_setting('connectory.resealing', true) IS DISTINCT FROM 'yes') EXECUTE FUNCTION token_came();
