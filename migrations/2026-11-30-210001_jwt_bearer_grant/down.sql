COMMENT ON COLUMN oauth_clients.assertion IS NULL;
DELETE FROM oauth_clients WHERE connector_id IN (SELECT id FROM connectors WHERE method = 'oauth_jwt_bearer');
UPDATE oauth_clients SET assertion = assertion - 'issuer' - 'subject' - 'claims';
UPDATE connectors SET method = 'no_auth', enabled = false WHERE method = 'oauth_jwt_bearer';
