-- The rows per page of the list of data connectors that a person has chosen; NULL for the usual number.
ALTER TABLE users ADD COLUMN rows_per_page smallint CONSTRAINT users_rows_per_page_check CHECK (rows_per_page IN (10, 25, 50, 100));
