DROP TABLE drafts;
DROP TABLE session_users;
