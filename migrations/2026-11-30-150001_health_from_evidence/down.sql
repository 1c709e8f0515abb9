DROP INDEX connectors_trouble_idx;
CREATE INDEX connectors_trouble_idx ON connectors (id) WHERE status IN ('expiring', 'failing', 'needs_reauthorization') AND deleted_at IS NULL;
DELETE FROM notice_events WHERE health = 'refused';
ALTER TABLE notice_events
    DROP CONSTRAINT notice_events_health_check,
    ADD CONSTRAINT notice_events_health_check CHECK (health IN ('expiring', 'failing', 'needs_reauthorization'));
UPDATE connectors SET status = 'healthy', status_since = now() WHERE status IN ('not_tested', 'refused');
DROP TABLE evidence;
DROP FUNCTION evidence_changed();
