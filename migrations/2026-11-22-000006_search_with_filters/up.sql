-- Over all connectors: PostgreSQL does not combine two partial indexes of the same condition, and a search within one
-- status would read every row of the word or of the status.
DROP INDEX connectors_search_idx;
CREATE INDEX connectors_search_idx ON connectors USING gin (search_text gin_trgm_ops);
