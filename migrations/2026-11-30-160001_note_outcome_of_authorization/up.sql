-- Whether the response to an authorization request has brought a token, so that the same response from the same session
-- can be answered with that outcome.
ALTER TABLE authorization_requests ADD COLUMN brought_token boolean; -- null: no response yet, or it is being used now
UPDATE authorization_requests SET brought_token = false WHERE spent_at IS NOT NULL;
