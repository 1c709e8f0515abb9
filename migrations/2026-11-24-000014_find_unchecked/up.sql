-- For the home page, which names the connectors whose certificates are not checked.
CREATE INDEX connectors_unchecked_idx ON connectors (id) WHERE deleted_at IS NULL AND NOT verify_certificates;
