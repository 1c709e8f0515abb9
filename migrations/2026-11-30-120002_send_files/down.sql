UPDATE endpoints SET body_kind = 'none', form = '[]' WHERE body_kind = 'multipart';
ALTER TABLE endpoints
    DROP CONSTRAINT endpoints_body_kind_check,
    ADD CONSTRAINT endpoints_body_kind_check CHECK (body_kind IN ('none', 'json', 'form', 'text', 'xml'));
