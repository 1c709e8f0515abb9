-- What the pages for people need: searching and ordering them, telling two edits apart, links by which somebody sets a
-- password, and two rules that hold whoever changes the tables: a super admin remains, and groups do not go round in circles.

ALTER TABLE users
    ADD COLUMN search_text     text        COLLATE "C" NOT NULL DEFAULT '', -- folded words of user name and name
    ADD COLUMN last_sign_in_at timestamptz,
    ADD COLUMN version         integer     NOT NULL DEFAULT 1,
    ADD COLUMN created_by      text        NOT NULL DEFAULT '',
    ADD COLUMN updated_by      text        NOT NULL DEFAULT '';
CREATE INDEX users_name_idx ON users (name COLLATE "und-x-icu", id);

ALTER TABLE groups
    ADD COLUMN description text    NOT NULL DEFAULT '',
    ADD COLUMN search_text text    COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN version     integer NOT NULL DEFAULT 1,
    ADD COLUMN created_by  text    NOT NULL DEFAULT '',
    ADD COLUMN updated_by  text    NOT NULL DEFAULT '';
CREATE INDEX groups_name_idx ON groups (name COLLATE "und-x-icu", id);

-- Nearly what the program folds; a row is folded exactly when it is saved next.
UPDATE users SET search_text = ' ' || regexp_replace(normalize(lower(username || ' ' || name), NFKD), U&'[\0300-\036F]', '', 'g');
UPDATE groups SET search_text = ' ' || regexp_replace(normalize(lower(name), NFKD), U&'[\0300-\036F]', '', 'g');

-- A link by which somebody sets a password, once. The SHA-256 of its secret part is kept, so a dump opens nothing.
CREATE TABLE invitations (
    id         uuid        CONSTRAINT invitations_pkey PRIMARY KEY,
    user_id    uuid        NOT NULL CONSTRAINT invitations_user_fkey REFERENCES users ON DELETE CASCADE,
    token_hash bytea       NOT NULL CONSTRAINT invitations_token_key UNIQUE,
    created_at timestamptz NOT NULL,
    created_by text        NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX invitations_user_idx ON invitations (user_id);
CREATE INDEX invitations_expires_idx ON invitations (expires_at);

-- The lock lets those who take a super admin away decide one after the other: each sees what the one before has done.
CREATE FUNCTION keep_a_super_admin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(x'636f6e6e0002'::bigint);
    IF NOT EXISTS (SELECT 1 FROM users WHERE super_admin AND active) THEN
        RAISE EXCEPTION 'one active super admin must remain'
            USING ERRCODE = 'check_violation', TABLE = 'users', CONSTRAINT = 'users_super_admin_check';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER users_keep_a_super_admin AFTER DELETE OR UPDATE OF super_admin, active ON users
    FOR EACH ROW WHEN (OLD.super_admin AND OLD.active) EXECUTE FUNCTION keep_a_super_admin();

-- The same for two who would close a circle of groups from both ends.
CREATE FUNCTION refuse_group_circle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(x'636f6e6e0003'::bigint);
    IF EXISTS (
        WITH RECURSIVE above AS (
            SELECT NEW.group_id AS id
            UNION
            SELECT g.group_id FROM group_groups g JOIN above a ON g.member_group_id = a.id
        )
        SELECT 1 FROM above WHERE id = NEW.member_group_id
    ) THEN
        RAISE EXCEPTION 'a group cannot be in itself'
            USING ERRCODE = 'check_violation', TABLE = 'group_groups', CONSTRAINT = 'group_groups_circle_check';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER group_groups_refuse_circle BEFORE INSERT OR UPDATE ON group_groups
    FOR EACH ROW EXECUTE FUNCTION refuse_group_circle();
