ALTER TABLE connectors DROP COLUMN called;
