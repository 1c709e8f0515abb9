-- When an account was last tried so often from addresses that its person never came from that strangers were slowed down.
CREATE TABLE sign_in_alarms (
    user_id uuid        CONSTRAINT sign_in_alarms_pkey PRIMARY KEY CONSTRAINT sign_in_alarms_user_fkey REFERENCES users ON DELETE CASCADE,
    last_at timestamptz NOT NULL
);
