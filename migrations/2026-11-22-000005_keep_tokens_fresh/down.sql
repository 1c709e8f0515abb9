DROP TRIGGER tokens_went ON tokens;
DROP TRIGGER tokens_came ON tokens;
DROP FUNCTION token_went();
DROP FUNCTION token_came();
DROP TABLE renewals;
DROP TABLE authorization_attempts;
DROP TABLE oauth_clients;
ALTER TABLE authorizations
    DROP COLUMN proxy_url,
    DROP COLUMN time_out,
    DROP COLUMN expired_statuses,
    DROP COLUMN expired_body;
