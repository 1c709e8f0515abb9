-- Links are authenticated with a key that is not in the database, made from a data key. Links from before keep their SHA-256.
ALTER TABLE audit_links ADD COLUMN data_key integer; -- whose key; null for SHA-256 alone

-- The last link without a key, authenticated: behind it every link must have one.
CREATE TABLE audit_transition (
    one      boolean CONSTRAINT audit_transition_pkey PRIMARY KEY DEFAULT true CONSTRAINT audit_transition_one_check CHECK (one),
    seq      bigint  NOT NULL, -- 0: every link has a key
    hash     bytea   NOT NULL,
    data_key integer NOT NULL,
    mac      bytea   NOT NULL
);
CREATE TRIGGER audit_transition_append_only BEFORE UPDATE OR DELETE ON audit_transition FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_transition_no_truncate BEFORE TRUNCATE ON audit_transition FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

-- An instance of an earlier version that still runs leaves linking to the newer ones.
CREATE FUNCTION refuse_link_without_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'links of the audit log need a key: this program is of an earlier version';
END $$;
CREATE TRIGGER audit_links_keyed BEFORE INSERT ON audit_links FOR EACH ROW
    WHEN (NEW.data_key IS NULL) EXECUTE FUNCTION refuse_link_without_key();
