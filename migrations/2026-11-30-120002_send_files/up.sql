-- The parts of a multipart body stand in the column of the form fields.
ALTER TABLE endpoints
    DROP CONSTRAINT endpoints_body_kind_check,
    ADD CONSTRAINT endpoints_body_kind_check CHECK (body_kind IN ('none', 'json', 'form', 'multipart', 'text', 'xml'));
