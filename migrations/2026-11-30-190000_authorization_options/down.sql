-- The version before does not know these settings: these connectors are not to be called.
UPDATE connectors SET enabled = false
    FROM authorizations a
    WHERE a.connector_id = connectors.id AND a.options <> '{}';
ALTER TABLE authorizations DROP COLUMN options;
