DROP TRIGGER group_groups_refuse_circle ON group_groups;
DROP TRIGGER users_keep_a_super_admin ON users;
DROP FUNCTION refuse_group_circle(), keep_a_super_admin();
DROP TABLE invitations;
ALTER TABLE groups DROP COLUMN description, DROP COLUMN search_text, DROP COLUMN version, DROP COLUMN created_by, DROP COLUMN updated_by;
DROP INDEX groups_name_idx;
ALTER TABLE users DROP COLUMN search_text, DROP COLUMN last_sign_in_at, DROP COLUMN version, DROP COLUMN created_by, DROP COLUMN updated_by;
DROP INDEX users_name_idx;
