DROP TRIGGER connectors_opened ON connectors;
DROP TABLE connector_rights;
DROP FUNCTION listed_rights(uuid, uuid);
DROP FUNCTION connectors_listing(uuid);
CREATE OR REPLACE FUNCTION effective_permissions(who uuid) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE membership AS (
            SELECT group_id FROM group_users WHERE user_id = who
            UNION
            SELECT g.group_id FROM group_groups g JOIN membership m ON g.member_group_id = m.group_id
        )
        SELECT permission FROM user_permissions WHERE user_id = who
        UNION
        SELECT permission FROM group_permissions WHERE group_id IN (SELECT group_id FROM membership)
    );
END $$;
DROP FUNCTION groups_of(uuid);
ALTER TABLE connectors
    DROP COLUMN open_to_view,
    DROP COLUMN open_rights,
    DROP COLUMN access_version,
    DROP COLUMN access_updated_at,
    DROP COLUMN access_updated_by;
DROP FUNCTION are_rights(text[]);
