-- Who may do what with one connector, beyond what permissions say. What stands in open_rights is for everybody who has the permission
-- for it; the rest only for the users and groups that connector_rights lists. Whoever may do anything with a connector may view it.

CREATE FUNCTION are_rights(codes text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT codes <@ '{view,call,edit,authorize}' AND (codes = '{}' OR 'view' = ANY (codes))
$$;

ALTER TABLE connectors
    ADD COLUMN open_rights       text[]      NOT NULL DEFAULT '{view,call,edit,authorize}' CONSTRAINT connectors_open_rights_check CHECK (are_rights(open_rights)),
    ADD COLUMN open_to_view      boolean     GENERATED ALWAYS AS ('view' = ANY (open_rights)) STORED,
    ADD COLUMN access_version    integer     NOT NULL DEFAULT 1, -- of open_rights and connector_rights
    ADD COLUMN access_updated_at timestamptz,
    ADD COLUMN access_updated_by text        NOT NULL DEFAULT '';

-- Few are closed; while there is none, no list asks who sees what. The second finds the open ones where nearly all are closed.
CREATE INDEX connectors_closed_idx ON connectors (id) WHERE NOT open_to_view;
CREATE INDEX connectors_open_idx ON connectors (id) WHERE open_to_view AND deleted_at IS NULL;

CREATE TABLE connector_rights (
    id           uuid   CONSTRAINT connector_rights_pkey PRIMARY KEY,
    connector_id uuid   NOT NULL CONSTRAINT connector_rights_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    user_id      uuid   CONSTRAINT connector_rights_user_fkey REFERENCES users ON DELETE CASCADE,
    group_id     uuid   CONSTRAINT connector_rights_group_fkey REFERENCES groups ON DELETE CASCADE,
    rights       text[] NOT NULL CONSTRAINT connector_rights_rights_check CHECK (are_rights(rights) AND rights <> '{}'),
    CONSTRAINT connector_rights_holder_check CHECK (num_nonnulls(user_id, group_id) = 1),
    CONSTRAINT connector_rights_holder_key UNIQUE NULLS NOT DISTINCT (connector_id, user_id, group_id)
);
CREATE INDEX connector_rights_user_idx ON connector_rights (user_id);
CREATE INDEX connector_rights_group_idx ON connector_rights (group_id);

-- The groups that a user is in, directly or through others. In PL/pgSQL, like what follows: plans are kept for the connection.
CREATE FUNCTION groups_of(who uuid) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE membership AS (
            SELECT group_id FROM group_users WHERE user_id = who
            UNION
            SELECT g.group_id FROM group_groups g JOIN membership m ON g.member_group_id = m.group_id
        )
        SELECT group_id FROM membership
    );
END $$;

CREATE OR REPLACE FUNCTION effective_permissions(who uuid) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    mine CONSTANT uuid[] := groups_of(who);
BEGIN
    RETURN ARRAY(
        SELECT permission FROM user_permissions WHERE user_id = who
        UNION
        SELECT permission FROM group_permissions WHERE group_id = ANY (mine)
    );
END $$;

-- The connectors that list a user, directly or through a group.
CREATE FUNCTION connectors_listing(who uuid) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    mine CONSTANT uuid[] := groups_of(who);
BEGIN
    RETURN ARRAY(SELECT connector_id FROM connector_rights WHERE user_id = who OR group_id = ANY (mine));
END $$;

-- The rights for which a connector lists a user. They add up.
CREATE FUNCTION listed_rights(connector uuid, who uuid) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    mine CONSTANT uuid[] := groups_of(who);
BEGIN
    RETURN ARRAY(
        SELECT DISTINCT unnest(rights) FROM connector_rights
        WHERE connector_id = connector AND (user_id = who OR group_id = ANY (mine))
    );
END $$;

-- Keys are kept in memory with what their holders may do, and connectors with what is open to everybody.
CREATE TRIGGER connector_rights_changed AFTER INSERT OR UPDATE OR DELETE ON connector_rights FOR EACH STATEMENT EXECUTE FUNCTION keys_changed();
CREATE TRIGGER connectors_opened AFTER UPDATE OF open_rights ON connectors FOR EACH ROW EXECUTE FUNCTION connector_changed();
