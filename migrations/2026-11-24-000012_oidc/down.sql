DROP TRIGGER users_keep_a_local_super_admin ON users;
DROP FUNCTION keep_a_local_super_admin;
ALTER TABLE group_users DROP COLUMN by_claim;
ALTER TABLE groups DROP COLUMN claim_value;
DROP TABLE sign_in_attempts;
DROP TABLE identities;
