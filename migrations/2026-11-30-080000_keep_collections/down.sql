DROP TABLE record_members;
DROP TABLE record_versions;
DROP TABLE records;
DROP TABLE collections;
DROP FUNCTION index_collection;
DROP FUNCTION index_records;
DROP FUNCTION record_sort_key;
DROP FUNCTION merge_patch;
ALTER TABLE connectors DROP COLUMN is_collection;
