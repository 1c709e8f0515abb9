ALTER TABLE tokens DROP COLUMN kept;
ALTER TABLE oauth_clients DROP COLUMN kept_names;
