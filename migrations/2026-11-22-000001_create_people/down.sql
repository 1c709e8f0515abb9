DROP FUNCTION effective_permissions;
DROP TABLE sessions, group_groups, group_users, group_permissions, groups, user_permissions, users;
