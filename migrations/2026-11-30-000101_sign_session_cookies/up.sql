-- The key that signs session cookies: one row, sealed, the same for all instances. A start makes it if it is missing.
CREATE TABLE cookie_keys (
    id         uuid        CONSTRAINT cookie_keys_pkey PRIMARY KEY,
    sealed     bytea       NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX cookie_keys_one_row_idx ON cookie_keys ((true));

-- Cookies of earlier versions have no signature and open no session any more: everybody signs in once.
DELETE FROM sessions;
