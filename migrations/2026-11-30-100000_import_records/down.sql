DROP TABLE imports;
ALTER TABLE collections ALTER COLUMN schema TYPE jsonb;
