-- Signing in through the organisation's OpenID Connect provider: who is whom there, people on their way, groups that a claim
-- fills, and the rule that somebody with a password can always do everything.

-- A person is known by issuer and subject alone: names and addresses change hands.
CREATE TABLE identities (
    id              uuid        CONSTRAINT identities_pkey PRIMARY KEY,
    user_id         uuid        NOT NULL CONSTRAINT identities_user_fkey REFERENCES users ON DELETE CASCADE,
    issuer          text        NOT NULL,
    subject         text        NOT NULL,
    created_at      timestamptz NOT NULL,
    last_sign_in_at timestamptz,
    CONSTRAINT identities_subject_key UNIQUE (issuer, subject),
    CONSTRAINT identities_user_key UNIQUE (user_id, issuer)
);

-- Somebody's way to the provider and back, for the ten minutes in which the answer is taken.
CREATE TABLE sign_in_attempts (
    id           uuid        CONSTRAINT sign_in_attempts_pkey PRIMARY KEY,
    user_id      uuid        CONSTRAINT sign_in_attempts_user_fkey REFERENCES users ON DELETE CASCADE, -- whose account is to be connected
    visitor_hash bytea       NOT NULL, -- the browser that left, which must be the one that comes back
    state_hash   bytea       NOT NULL CONSTRAINT sign_in_attempts_state_key UNIQUE,
    sealed       bytea       NOT NULL, -- the PKCE verifier and the nonce
    next         text        NOT NULL, -- the page that was asked for
    created_at   timestamptz NOT NULL,
    spent_at     timestamptz           -- kept for a while to tell a repeated answer from a foreign one
);
CREATE INDEX sign_in_attempts_created_idx ON sign_in_attempts (created_at);

-- Several groups may take their members from one value.
ALTER TABLE groups ADD COLUMN claim_value text NOT NULL DEFAULT '';
CREATE INDEX groups_claim_idx ON groups (claim_value) WHERE claim_value <> '';

-- Renewed at every sign-in; a membership made by hand stays.
ALTER TABLE group_users ADD COLUMN by_claim boolean NOT NULL DEFAULT false;

-- A super admin who can come in while the provider is down. First the older rule, whose message is the simpler one.
CREATE FUNCTION keep_a_local_super_admin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(x'636f6e6e0002'::bigint);
    IF NOT EXISTS (SELECT 1 FROM users WHERE super_admin AND active) THEN
        RETURN NULL; -- users_keep_a_super_admin refuses it
    END IF;
    IF NOT EXISTS (SELECT 1 FROM users WHERE super_admin AND active AND password_hash IS NOT NULL) THEN
        RAISE EXCEPTION 'one active super admin with a password must remain'
            USING ERRCODE = 'check_violation', TABLE = 'users', CONSTRAINT = 'users_local_super_admin_check';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER users_keep_a_local_super_admin AFTER DELETE OR UPDATE OF super_admin, active, password_hash ON users
    FOR EACH ROW WHEN (OLD.super_admin AND OLD.active AND OLD.password_hash IS NOT NULL) EXECUTE FUNCTION keep_a_local_super_admin();
