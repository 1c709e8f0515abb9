-- From which networks each person has come in. While somebody guesses at the same address, they are not held up.
CREATE TABLE sign_in_places (
    user_id uuid        NOT NULL CONSTRAINT sign_in_places_user_fkey REFERENCES users ON DELETE CASCADE,
    network text        NOT NULL, -- an IPv4 address, or the first address of an IPv6 /64
    last_at timestamptz NOT NULL,
    CONSTRAINT sign_in_places_pkey PRIMARY KEY (user_id, network)
);
CREATE INDEX sign_in_places_last_at_idx ON sign_in_places (last_at);
