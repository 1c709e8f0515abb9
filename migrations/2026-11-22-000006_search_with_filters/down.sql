DROP INDEX connectors_search_idx;
CREATE INDEX connectors_search_idx ON connectors USING gin (search_text gin_trgm_ops) WHERE deleted_at IS NULL;
