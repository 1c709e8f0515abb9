-- The version before would send such a credential elsewhere: these connectors are not to be called.
UPDATE connectors SET enabled = false
    FROM authorizations a
    WHERE a.connector_id = connectors.id
        AND (a.api_key_place NOT IN ('header', 'query') OR a.basic_charset <> 'utf-8' OR a.access_token_place <> 'header'
            OR a.access_token_name <> 'Authorization' OR a.access_token_prefix <> 'Bearer');
UPDATE authorizations SET api_key_place = 'header' WHERE api_key_place NOT IN ('header', 'query');
ALTER TABLE authorizations
    DROP CONSTRAINT authorizations_api_key_place_check,
    ADD CONSTRAINT authorizations_api_key_place_check CHECK (api_key_place IN ('header', 'query')),
    DROP COLUMN basic_charset,
    DROP COLUMN access_token_place,
    DROP COLUMN access_token_name,
    DROP COLUMN access_token_prefix;
