-- Who looks after a connector: a user or a group, and what people need to know besides.
ALTER TABLE connectors
    ADD COLUMN owner_user_id     uuid CONSTRAINT connectors_owner_user_fkey REFERENCES users ON DELETE SET NULL,
    ADD COLUMN owner_group_id    uuid CONSTRAINT connectors_owner_group_fkey REFERENCES groups ON DELETE SET NULL,
    ADD COLUMN contact           text NOT NULL DEFAULT '',
    ADD COLUMN documentation_url text NOT NULL DEFAULT '',
    ADD COLUMN notes             text NOT NULL DEFAULT '',
    -- The owner's name as it is searched. Set by the triggers below.
    ADD COLUMN owner_folded      text COLLATE "C" NOT NULL DEFAULT '',
    ADD CONSTRAINT connectors_owner_check CHECK (num_nonnulls(owner_user_id, owner_group_id) <= 1);

CREATE INDEX connectors_owner_user_idx  ON connectors (owner_user_id)  WHERE owner_user_id IS NOT NULL;
CREATE INDEX connectors_owner_group_idx ON connectors (owner_group_id) WHERE owner_group_id IS NOT NULL;
CREATE INDEX connectors_ownerless_idx   ON connectors (id) WHERE deleted_at IS NULL AND owner_user_id IS NULL AND owner_group_id IS NULL;

-- The search finds the key, the base URL's host with its port, and the owner, too. Dropping the column drops its index.
ALTER TABLE connectors DROP COLUMN search_text;
ALTER TABLE connectors ADD COLUMN search_text text COLLATE "C" NOT NULL GENERATED ALWAYS AS (
    own_folded || ' ' || category_names_folded || ' ' || key || ' '
    || coalesce(lower(substring(base_url COLLATE "C" FROM '^[^:]+://([^/?#]+)')), '') || owner_folded
) STORED;
CREATE INDEX connectors_search_idx ON connectors USING gin (search_text gin_trgm_ops) WITH (gin_pending_list_limit = 64);

-- A group's search_text begins with the words of its name, and goes on with its description.
CREATE FUNCTION folded_name(words text, name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT array_to_string((string_to_array(words, ' '))[1:1 + cardinality(string_to_array(name, ' '))], ' ')
$$;

CREATE FUNCTION fold_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.owner_folded := CASE
        WHEN NEW.owner_user_id IS NOT NULL THEN coalesce((SELECT search_text FROM users WHERE id = NEW.owner_user_id), '')
        WHEN NEW.owner_group_id IS NOT NULL THEN coalesce((SELECT folded_name(search_text, name) FROM groups WHERE id = NEW.owner_group_id), '')
        ELSE ''
    END;
    RETURN NEW;
END $$;
CREATE TRIGGER connectors_fold_owner_of_new BEFORE INSERT ON connectors
    FOR EACH ROW WHEN (NEW.owner_user_id IS NOT NULL OR NEW.owner_group_id IS NOT NULL) EXECUTE FUNCTION fold_owner();
CREATE TRIGGER connectors_fold_owner BEFORE UPDATE OF owner_user_id, owner_group_id ON connectors
    FOR EACH ROW WHEN (NEW.owner_user_id IS DISTINCT FROM OLD.owner_user_id OR NEW.owner_group_id IS DISTINCT FROM OLD.owner_group_id)
    EXECUTE FUNCTION fold_owner();

-- A change of many connectors at once locks the counts first (see categories::lock_counts), so that no two wait for each other.
CREATE FUNCTION rename_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'users' AND EXISTS (SELECT FROM connectors WHERE owner_user_id = NEW.id) THEN
        PERFORM FROM connector_total FOR UPDATE;
        UPDATE connectors SET owner_folded = NEW.search_text WHERE owner_user_id = NEW.id;
    ELSIF TG_TABLE_NAME = 'groups' AND EXISTS (SELECT FROM connectors WHERE owner_group_id = NEW.id) THEN
        PERFORM FROM connector_total FOR UPDATE;
        UPDATE connectors SET owner_folded = folded_name(NEW.search_text, NEW.name) WHERE owner_group_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER users_rename_owner AFTER UPDATE OF search_text ON users
    FOR EACH ROW WHEN (OLD.search_text IS DISTINCT FROM NEW.search_text) EXECUTE FUNCTION rename_owner();
CREATE TRIGGER groups_rename_owner AFTER UPDATE OF search_text ON groups
    FOR EACH ROW WHEN (OLD.search_text IS DISTINCT FROM NEW.search_text) EXECUTE FUNCTION rename_owner();

CREATE FUNCTION hold_counts_for_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM connectors WHERE owner_user_id = OLD.id) OR EXISTS (SELECT FROM connectors WHERE owner_group_id = OLD.id) THEN
        PERFORM FROM connector_total FOR UPDATE;
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER users_delete_owner BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION hold_counts_for_owner();
CREATE TRIGGER groups_delete_owner BEFORE DELETE ON groups FOR EACH ROW EXECUTE FUNCTION hold_counts_for_owner();
