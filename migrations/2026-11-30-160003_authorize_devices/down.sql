DROP TABLE device_requests;
DELETE FROM oauth_clients WHERE connector_id IN (SELECT id FROM connectors WHERE method = 'oauth_device');
UPDATE connectors SET method = 'no_auth' WHERE method = 'oauth_device';
ALTER TABLE oauth_clients DROP COLUMN device_url;
