DROP TRIGGER audit_links_keyed ON audit_links;
DROP FUNCTION refuse_link_without_key();
DROP TABLE audit_transition;
ALTER TABLE audit_links DROP COLUMN data_key;
