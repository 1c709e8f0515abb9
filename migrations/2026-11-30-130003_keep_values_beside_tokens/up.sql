-- What stands beside a token and is kept with it, such as instance_url: names and texts, nothing secret.
ALTER TABLE oauth_clients ADD COLUMN kept_names text NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN kept jsonb NOT NULL DEFAULT '{}';
