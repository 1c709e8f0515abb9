DELETE FROM notice_events WHERE reminder IS NOT NULL;
DROP INDEX notice_events_open_key, notice_events_key;
ALTER TABLE notice_events
    DROP COLUMN reminder, DROP COLUMN subject_id, DROP COLUMN days, DROP COLUMN title,
    ALTER COLUMN connector_id SET NOT NULL,
    ADD CONSTRAINT notice_events_key UNIQUE (connector_id, health, began_at);
CREATE UNIQUE INDEX notice_events_open_key ON notice_events (connector_id) WHERE ended_at IS NULL;
