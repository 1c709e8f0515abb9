ALTER TABLE users DROP COLUMN rows_per_page;
