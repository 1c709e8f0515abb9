DROP TRIGGER tokens_came ON tokens;
CREATE TRIGGER tokens_came AFTER INSERT OR UPDATE OF access_token ON tokens FOR EACH ROW EXECUTE FUNCTION token_came();
DROP TABLE instances;
ALTER TABLE data_keys DROP COLUMN retired_at, DROP COLUMN activated_at;
