-- Whose session it was, for a day after its end: a form that was typed in it and comes too late belongs to that user.
CREATE TABLE session_users (
    id_hash   bytea       CONSTRAINT session_users_pkey PRIMARY KEY, -- as in sessions
    csrf_hash bytea       NOT NULL CONSTRAINT session_users_csrf_hash_key UNIQUE, -- SHA-256 of the token in its forms
    user_id   uuid        NOT NULL CONSTRAINT session_users_user_fkey REFERENCES users ON DELETE CASCADE,
    forget_at timestamptz NOT NULL
);
CREATE INDEX session_users_user_idx ON session_users (user_id);
CREATE INDEX session_users_forget_idx ON session_users (forget_at);

-- Forms that came after the end of their session, until their user has signed in again.
CREATE TABLE drafts (
    id         uuid        CONSTRAINT drafts_pkey PRIMARY KEY,
    user_id    uuid        NOT NULL CONSTRAINT drafts_user_fkey REFERENCES users ON DELETE CASCADE,
    sealed     bytea       NOT NULL, -- the fields without secrets, where they were sent to and on which page they stood
    created_at timestamptz NOT NULL
);
CREATE INDEX drafts_user_idx ON drafts (user_id, created_at);
CREATE INDEX drafts_created_idx ON drafts (created_at);
