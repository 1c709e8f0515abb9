-- What calls, tests and tokens have shown of each connector; a connector without a row has shown nothing yet.
CREATE TABLE evidence (
    connector_id uuid        CONSTRAINT evidence_pkey PRIMARY KEY CONSTRAINT evidence_connector_fkey REFERENCES connectors ON DELETE CASCADE,
    -- What the API's answers say so far, see connectors::Standing.
    standing     text        NOT NULL DEFAULT 'untested' COLLATE "C" CONSTRAINT evidence_standing_check CHECK (standing IN ('untested', 'taken', 'refused', 'failing')),
    counted_from timestamptz,                            -- calls that were signed before say nothing: credential or settings were others
    issued_at    timestamptz,                            -- when a token server issued the token in use
    taken_at     timestamptz,                            -- when the API last took a call, within a minute
    taken_target text        NOT NULL DEFAULT '',        -- method and address of that call
    -- The calls in a row that it has not taken since, counted up to the number that decides.
    run          integer     NOT NULL DEFAULT 0,
    run_standing text        NOT NULL DEFAULT 'untested' COLLATE "C" CONSTRAINT evidence_run_standing_check CHECK (run_standing IN ('untested', 'refused', 'failing')),
    run_of_kind  integer     NOT NULL DEFAULT 0,         -- those at its end that say the same
    run_target   text        NOT NULL DEFAULT '',
    failed_at    timestamptz,                            -- its last call, within a minute
    message      text        NOT NULL DEFAULT '',        -- what happened to it, in Connectory's words
    server_words text        NOT NULL DEFAULT ''         -- the API's words, masked
);

-- A call says most by what comes after it: an instance that has seen calls taken must hear that another one has seen them fail.
CREATE FUNCTION evidence_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('connectory_changed', 'evidence ' || NEW.connector_id);
    RETURN NULL;
END $$;
CREATE TRIGGER evidence_came AFTER INSERT ON evidence FOR EACH ROW EXECUTE FUNCTION evidence_changed();
CREATE TRIGGER evidence_turned AFTER UPDATE ON evidence FOR EACH ROW
    WHEN ((OLD.standing, OLD.run, OLD.counted_from, OLD.issued_at) IS DISTINCT FROM (NEW.standing, NEW.run, NEW.counted_from, NEW.issued_at))
    EXECUTE FUNCTION evidence_changed();

-- Tokens that a server has issued: all of OAuth, those that are kept fresh, and those of collections. Nothing tells others from pasted ones.
INSERT INTO evidence (connector_id, issued_at)
SELECT c.id, t.obtained_at
FROM connectors c JOIN tokens t ON t.connector_id = c.id JOIN authorizations a ON a.connector_id = c.id
WHERE c.method LIKE 'oauth%' OR a.keep_fresh OR c.is_collection;

-- The last call of each that the API took in the last 30 days, after the present secret or pasted token was stored.
INSERT INTO evidence AS e (connector_id, standing, taken_at, taken_target)
SELECT c.id, 'taken', last.at, last.target
FROM (SELECT DISTINCT connector_id FROM call_hours WHERE caller_id = '00000000-0000-0000-0000-000000000000' AND hour > now() - interval '30 days') called
JOIN connectors c ON c.id = called.connector_id
LEFT JOIN tokens t ON t.connector_id = c.id
LEFT JOIN LATERAL (SELECT max(set_at) AS at FROM secrets s WHERE s.connector_id = c.id AND s.field IN ('password', 'api_key')) secret ON true
CROSS JOIN LATERAL (
    SELECT at, method || ' ' || target AS target FROM calls
    WHERE connector_id = c.id AND at > now() - interval '30 days' AND outcome = 'answered' AND status < 500 AND status NOT IN (401, 403, 407, 408, 429)
      AND at > coalesce(CASE WHEN c.method IN ('basic', 'api_key') THEN secret.at WHEN c.method = 'bearer' THEN t.obtained_at END, '-infinity')
    ORDER BY at DESC LIMIT 1) last
ON CONFLICT (connector_id) DO UPDATE SET standing = excluded.standing, taken_at = excluded.taken_at, taken_target = excluded.taken_target;

UPDATE connectors c SET status = 'not_tested', status_since = now()
WHERE status = 'healthy' AND NOT EXISTS (SELECT FROM evidence e WHERE e.connector_id = c.id);

ALTER TABLE notice_events
    DROP CONSTRAINT notice_events_health_check,
    ADD CONSTRAINT notice_events_health_check CHECK (health IN ('expiring', 'failing', 'needs_reauthorization', 'refused'));
DROP INDEX connectors_trouble_idx;
CREATE INDEX connectors_trouble_idx ON connectors (id) WHERE status IN ('expiring', 'failing', 'needs_reauthorization', 'refused') AND deleted_at IS NULL;
