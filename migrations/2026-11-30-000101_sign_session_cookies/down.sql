DELETE FROM sessions;
DROP TABLE cookie_keys;
