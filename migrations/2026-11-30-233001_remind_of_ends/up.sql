-- Reminders of what ends are events, too: one for each end and number of days ahead. They are of no health.
ALTER TABLE notice_events
    ALTER COLUMN connector_id DROP NOT NULL,
    ADD COLUMN reminder   text COLLATE "C",          -- the kind of what ends; null for an event of health
    ADD COLUMN subject_id uuid,                      -- the data connector or API key that it is about
    ADD COLUMN days       integer,                   -- at most so many days ahead
    ADD COLUMN title      text NOT NULL DEFAULT '',  -- what it was called then
    DROP CONSTRAINT notice_events_key,
    ADD CONSTRAINT notice_events_reminder_check CHECK (
        num_nonnulls(reminder, subject_id, days) IN (0, 3) AND (reminder IS NOT NULL OR connector_id IS NOT NULL)),
    ADD CONSTRAINT notice_events_reminder_key UNIQUE (reminder, subject_id, expires_at, days);
CREATE UNIQUE INDEX notice_events_key ON notice_events (connector_id, health, began_at) WHERE reminder IS NULL;
DROP INDEX notice_events_open_key;
CREATE UNIQUE INDEX notice_events_open_key ON notice_events (connector_id) WHERE ended_at IS NULL AND reminder IS NULL;
