-- A collection is a connector with records: its name, description, rights and place in the trash are the connector's.
ALTER TABLE connectors ADD COLUMN is_collection boolean NOT NULL DEFAULT false;

CREATE TABLE collections (
    connector_id uuid        CONSTRAINT collections_pkey PRIMARY KEY CONSTRAINT collections_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    schema       jsonb, -- a JSON Schema that every record fits; null: any JSON object is a record
    members      text[]      NOT NULL DEFAULT '{}', -- by which records can be sorted and filtered
    token_hash   bytea       NOT NULL CONSTRAINT collections_token_key UNIQUE, -- SHA-256 of the token with which the connector calls the records' API
    version      integer     NOT NULL DEFAULT 1,
    updated_at   timestamptz NOT NULL,
    updated_by   text        NOT NULL,
    CONSTRAINT collections_members_check CHECK (cardinality(members) <= 8)
);

CREATE TABLE records (
    collection_id uuid        NOT NULL CONSTRAINT records_collection_fkey REFERENCES collections ON DELETE CASCADE,
    id            uuid        NOT NULL,
    data          jsonb       NOT NULL CONSTRAINT records_data_check CHECK (jsonb_typeof(data) = 'object'),
    version       integer     NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL,
    created_by    text        NOT NULL,
    updated_at    timestamptz NOT NULL,
    updated_by    text        NOT NULL,
    CONSTRAINT records_pkey PRIMARY KEY (collection_id, id)
);
CREATE INDEX records_created_idx ON records (collection_id, created_at, id);
CREATE INDEX records_updated_idx ON records (collection_id, updated_at, id);

-- Earlier states of records. They go with the record.
CREATE TABLE record_versions (
    collection_id uuid        NOT NULL,
    record_id     uuid        NOT NULL,
    version       integer     NOT NULL,
    data          jsonb       NOT NULL,
    saved_at      timestamptz NOT NULL,
    saved_by      text        NOT NULL,
    CONSTRAINT record_versions_pkey PRIMARY KEY (collection_id, record_id, version),
    CONSTRAINT record_versions_record_fkey FOREIGN KEY (collection_id, record_id) REFERENCES records ON DELETE CASCADE
);

-- The values of a collection's members, one row for each record and member, in the order of sort_key. So any collection
-- is sorted and filtered by an index without an index of its own.
CREATE TABLE record_members (
    collection_id uuid NOT NULL,
    member        text NOT NULL,
    sort_key      text COLLATE "C" NOT NULL,
    record_id     uuid NOT NULL,
    CONSTRAINT record_members_pkey PRIMARY KEY (collection_id, member, sort_key, record_id),
    CONSTRAINT record_members_record_fkey FOREIGN KEY (collection_id, record_id) REFERENCES records ON DELETE CASCADE
);
CREATE INDEX record_members_record_idx ON record_members (collection_id, record_id);

-- The text by whose bytes values are in order: nothing, false, true, numbers by size, texts without regard to case,
-- then arrays and objects. A number is its float8 in hexadecimal, with the bits turned so that the order is kept.
CREATE FUNCTION record_sort_key(value jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    number numeric;
    bits   bit(64);
BEGIN
    CASE coalesce(jsonb_typeof(value), 'null')
        WHEN 'null' THEN RETURN '0';
        WHEN 'boolean' THEN RETURN CASE WHEN value = 'true' THEN '2' ELSE '1' END;
        WHEN 'number' THEN
            number := least(greatest((value #>> '{}')::numeric, -1e308), 1e308);
            IF abs(number) < 1e-300 THEN
                number := 0;
            END IF;
            bits := ('x' || encode(float8send(number::float8), 'hex'))::bit(64);
            bits := CASE WHEN get_bit(bits, 0) = 1 THEN ~bits ELSE set_bit(bits, 0, 1) END;
            RETURN '3' || lpad(to_hex(bits::bigint), 16, '0');
        WHEN 'string' THEN RETURN '4' || left(lower(normalize(value #>> '{}', NFKC)), 200);
        ELSE RETURN '5';
    END CASE;
END
$$;

-- A JSON Merge Patch (RFC 7396), here because numbers keep their digits.
CREATE FUNCTION merge_patch(target jsonb, patch jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF jsonb_typeof(patch) <> 'object' THEN
        RETURN patch;
    END IF;
    IF jsonb_typeof(target) IS DISTINCT FROM 'object' THEN
        target := '{}';
    END IF;
    RETURN (SELECT coalesce(jsonb_object_agg(key, CASE WHEN p.value IS NULL THEN t.value ELSE merge_patch(t.value, p.value) END), '{}')
        FROM jsonb_each(target) t FULL JOIN jsonb_each(patch) p USING (key)
        WHERE p.value IS DISTINCT FROM 'null');
END
$$;

CREATE FUNCTION index_records() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    -- A change of the members waits for this transaction, or it sees the new ones.
    PERFORM FROM collections WHERE connector_id IN (SELECT collection_id FROM changed) FOR SHARE;
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM record_members m USING changed c WHERE m.collection_id = c.collection_id AND m.record_id = c.id;
    END IF;
    INSERT INTO record_members (collection_id, member, sort_key, record_id)
        SELECT c.collection_id, name, record_sort_key(c.data -> name), c.id
        FROM changed c JOIN collections k ON k.connector_id = c.collection_id CROSS JOIN unnest(k.members) AS name;
    RETURN NULL;
END
$$;
CREATE TRIGGER records_inserted AFTER INSERT ON records
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION index_records();
CREATE TRIGGER records_updated AFTER UPDATE ON records
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION index_records();

-- Other members to sort by: those that are new get their rows, others lose theirs.
CREATE FUNCTION index_collection() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM record_members WHERE collection_id = NEW.connector_id AND NOT member = ANY (NEW.members);
    INSERT INTO record_members (collection_id, member, sort_key, record_id)
        SELECT r.collection_id, name, record_sort_key(r.data -> name), r.id
        FROM records r CROSS JOIN unnest(NEW.members) AS name
        WHERE r.collection_id = NEW.connector_id AND NOT name = ANY (OLD.members);
    RETURN NULL;
END
$$;
CREATE TRIGGER collections_members_changed AFTER UPDATE ON collections
    FOR EACH ROW WHEN (OLD.members IS DISTINCT FROM NEW.members) EXECUTE FUNCTION index_collection();
