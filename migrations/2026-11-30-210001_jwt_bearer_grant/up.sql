-- The JWT bearer grant (RFC 7523 section 2.1) has its settings beside those of client assertions.
COMMENT ON COLUMN oauth_clients.assertion IS 'how assertions are made: of the client, and of the JWT bearer grant';
