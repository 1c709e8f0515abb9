DROP TRIGGER groups_delete_owner ON groups;
DROP TRIGGER users_delete_owner ON users;
DROP FUNCTION hold_counts_for_owner();
DROP TRIGGER groups_rename_owner ON groups;
DROP TRIGGER users_rename_owner ON users;
DROP FUNCTION rename_owner();
DROP TRIGGER connectors_fold_owner ON connectors;
DROP TRIGGER connectors_fold_owner_of_new ON connectors;
DROP FUNCTION fold_owner();
DROP FUNCTION folded_name(text, text);
ALTER TABLE connectors DROP COLUMN search_text;
ALTER TABLE connectors ADD COLUMN search_text text COLLATE "C" NOT NULL GENERATED ALWAYS AS (own_folded || ' ' || category_names_folded) STORED;
CREATE INDEX connectors_search_idx ON connectors USING gin (search_text gin_trgm_ops) WITH (gin_pending_list_limit = 64);
ALTER TABLE connectors
    DROP COLUMN owner_user_id,
    DROP COLUMN owner_group_id,
    DROP COLUMN contact,
    DROP COLUMN documentation_url,
    DROP COLUMN notes,
    DROP COLUMN owner_folded;
