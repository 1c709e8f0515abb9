-- Keys and tokens stand where the API reads them: APIs with a header, a prefix or a Basic user of their own.
ALTER TABLE authorizations
    DROP CONSTRAINT authorizations_api_key_place_check,
    ADD CONSTRAINT authorizations_api_key_place_check CHECK (api_key_place IN ('header', 'query', 'basic_user', 'basic_password')),
    ADD COLUMN basic_charset text NOT NULL DEFAULT 'utf-8'
        CONSTRAINT authorizations_basic_charset_check CHECK (basic_charset IN ('utf-8', 'iso-8859-1')),
    ADD COLUMN access_token_place text NOT NULL DEFAULT 'header'
        CONSTRAINT authorizations_access_token_place_check CHECK (access_token_place IN ('header', 'query', 'basic_user', 'basic_password')),
    ADD COLUMN access_token_name text NOT NULL DEFAULT 'Authorization',
    ADD COLUMN access_token_prefix text NOT NULL DEFAULT 'Bearer';
