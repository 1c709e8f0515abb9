ALTER TABLE authorization_requests DROP COLUMN brought_token;
