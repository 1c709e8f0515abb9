ALTER TABLE tokens DROP CONSTRAINT tokens_refresh_check, DROP COLUMN refresh_from, DROP COLUMN refresh_expires_at;
