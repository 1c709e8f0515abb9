-- People: users, nested groups, permissions and sessions.
-- *_key columns hold the case-folded NFC form that decides whether two names are the same.

CREATE TABLE users (
    id            uuid        CONSTRAINT users_pkey PRIMARY KEY,
    username      text        NOT NULL,
    username_key  text        NOT NULL COLLATE "C" CONSTRAINT users_username_key UNIQUE,
    name          text        NOT NULL,
    password_hash text,
    super_admin   boolean     NOT NULL DEFAULT false,
    active        boolean     NOT NULL DEFAULT true,
    theme         text        NOT NULL DEFAULT 'auto' CONSTRAINT users_theme_check CHECK (theme IN ('auto', 'light', 'dark')),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

CREATE TABLE user_permissions (
    user_id    uuid NOT NULL CONSTRAINT user_permissions_user_fkey REFERENCES users ON DELETE CASCADE,
    permission text NOT NULL,
    CONSTRAINT user_permissions_pkey PRIMARY KEY (user_id, permission)
);

CREATE TABLE groups (
    id         uuid        CONSTRAINT groups_pkey PRIMARY KEY,
    name       text        NOT NULL,
    name_key   text        NOT NULL COLLATE "C" CONSTRAINT groups_name_key UNIQUE,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE group_permissions (
    group_id   uuid NOT NULL CONSTRAINT group_permissions_group_fkey REFERENCES groups ON DELETE CASCADE,
    permission text NOT NULL,
    CONSTRAINT group_permissions_pkey PRIMARY KEY (group_id, permission)
);

CREATE TABLE group_users (
    group_id uuid NOT NULL CONSTRAINT group_users_group_fkey REFERENCES groups ON DELETE CASCADE,
    user_id  uuid NOT NULL CONSTRAINT group_users_user_fkey REFERENCES users ON DELETE CASCADE,
    CONSTRAINT group_users_pkey PRIMARY KEY (user_id, group_id)
);
CREATE INDEX group_users_group_idx ON group_users (group_id);

-- A group that is a member of another has the other's permissions too.
CREATE TABLE group_groups (
    group_id        uuid NOT NULL CONSTRAINT group_groups_group_fkey REFERENCES groups ON DELETE CASCADE,
    member_group_id uuid NOT NULL CONSTRAINT group_groups_member_fkey REFERENCES groups ON DELETE CASCADE,
    CONSTRAINT group_groups_pkey PRIMARY KEY (member_group_id, group_id),
    CONSTRAINT group_groups_self_check CHECK (group_id <> member_group_id)
);
CREATE INDEX group_groups_group_idx ON group_groups (group_id);

-- What a user may do: own permissions and those of all groups, nested ones included.
-- In PL/pgSQL because its plans are kept for the connection: this runs on every request.
CREATE FUNCTION effective_permissions(who uuid) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE membership AS (
            SELECT group_id FROM group_users WHERE user_id = who
            UNION
            SELECT g.group_id FROM group_groups g JOIN membership m ON g.member_group_id = m.group_id
        )
        SELECT permission FROM user_permissions WHERE user_id = who
        UNION
        SELECT permission FROM group_permissions WHERE group_id IN (SELECT group_id FROM membership)
    );
END $$;

-- Only the SHA-256 of the session token is kept, so a dump holds no live session.
CREATE TABLE sessions (
    id_hash      bytea       CONSTRAINT sessions_pkey PRIMARY KEY,
    user_id      uuid        NOT NULL CONSTRAINT sessions_user_fkey REFERENCES users ON DELETE CASCADE,
    address      text        NOT NULL,
    user_agent   text        NOT NULL,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX sessions_user_idx ON sessions (user_id);
CREATE INDEX sessions_expires_idx ON sessions (expires_at);
