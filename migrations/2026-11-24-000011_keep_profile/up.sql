-- What the profile page keeps for a person, and an id by which an address can name a session without its hash.

ALTER TABLE users ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC'; -- of the IANA database
ALTER TABLE sessions ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT sessions_id_key UNIQUE;
