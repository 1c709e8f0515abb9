-- Values that were sealed with their origins do not open without them.
ALTER TABLE tokens DROP COLUMN origins;
ALTER TABLE secrets DROP COLUMN origins;
