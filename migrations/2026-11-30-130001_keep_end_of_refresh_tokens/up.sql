-- When a refresh token expires and only a person can get another one, and since when that is known; NULL where the server
-- does not say.
ALTER TABLE tokens ADD COLUMN refresh_from timestamptz, ADD COLUMN refresh_expires_at timestamptz;
ALTER TABLE tokens ADD CONSTRAINT tokens_refresh_check CHECK ((refresh_from IS NULL) = (refresh_expires_at IS NULL));
