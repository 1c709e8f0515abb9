-- A key can be changed until the first call. Set when the counts of calls that show it are deleted. The keys of connectors that are there already
-- may be in use since before the oldest count.
ALTER TABLE connectors ADD COLUMN called boolean NOT NULL DEFAULT true;
ALTER TABLE connectors ALTER COLUMN called SET DEFAULT false;
