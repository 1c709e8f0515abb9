-- The origins (scheme, host, port) to which a stored secret or token may be sent, sorted. They are part of the associated data
-- of the sealed values, so a row in which they were edited does not open. NULL: sealed by a version that knew no approved
-- origins; the next start approves the origins in use once, see authorization::approve_origins_in_use.
ALTER TABLE secrets ADD COLUMN origins text[];
ALTER TABLE tokens ADD COLUMN origins text[];

-- An open form and an answer that waits were made before this and do not say where their secrets go.
DELETE FROM token_requests;
